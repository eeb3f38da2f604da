package simtest

import (
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// durability checks, at each entry that a member applies, that the entry is on that
// member's disk, and on the disks of a quorum of the voting members (oracle O9). What is
// only in the memory of a process does not count.
type durability struct {
	mu      sync.Mutex
	configs []configuration // guarded by mu: all that were ever durable, in the order of their writing
}

// configuration is an entry that says who votes.
type configuration struct {
	index, term uint64
	voters      []string
}

// observe sees what a process stores and applies. One that runs on the disk of another
// cluster is not observed.
func (o *durability) observe(c *Cluster, p *process) {
	if p.foreign {
		return
	}
	m := p.member
	p.store.misuse = func(err error) {
		c.fail("O9 %s: the log was written in a wrong order: %v", m.id, err)
	}
	p.store.stored = func(d *disk, entries []raft.Log) {
		if m.home() == d {
			o.note(entries)
		}
	}
	p.store.applied = func(d *disk, index uint64) {
		if m.home() == d { // it has not crashed
			o.check(c, m, d, index)
		}
	}
}

// home is the disk on which the member counts as a member of this cluster.
func (m *member) home() *disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own != nil {
		return m.own
	}
	return m.disk
}

func (o *durability) note(entries []raft.Log) {
	for _, l := range entries {
		if l.Type != raft.LogConfiguration {
			continue
		}
		known := configuration{index: l.Index, term: l.Term}
		for _, s := range raft.DecodeConfiguration(l.Data).Servers {
			if s.Suffrage == raft.Voter {
				known.voters = append(known.voters, string(s.ID))
			}
		}
		o.mu.Lock()
		o.configs = append(o.configs, known)
		o.mu.Unlock()
	}
}

// check checks one entry that m has applied.
func (o *durability) check(c *Cluster, m *member, d *disk, index uint64) {
	term, here, inForce := d.look(index, o.all())
	if !here {
		c.fail("O9 %s: entry %d was applied and is not on its disk", m.id, index)
		return
	}
	on := map[string]bool{}
	for _, each := range c.places() {
		on[each.id] = each.home().has(index, term)
	}
	// Raft counts by the newest configuration that the leader has. It may be newer than the
	// entry, so one of these must have a quorum.
	if !slices.ContainsFunc(inForce, func(k configuration) bool { return k.quorum(on) }) {
		c.fail("O9 %s: entry %d of term %d was applied and is durable only on %v, by none of %v a quorum", m.id, index, term, on, inForce)
	}
}

// all returns the configurations, newest first.
func (o *durability) all() []configuration {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.configs)
	slices.SortStableFunc(all, func(a, b configuration) int { return int(b.index) - int(a.index) })
	return all
}

func (k configuration) quorum(on map[string]bool) bool {
	n := 0
	for _, id := range k.voters {
		if on[id] {
			n++
		}
	}
	return n > len(k.voters)/2
}

// look returns the term of an applied entry, 0 if a snapshot has taken its place, whether
// it is durable here, and the configurations that may have been in force when it was
// committed: the one before it in this log, and all later ones.
func (d *disk) look(index uint64, newestFirst []configuration) (term uint64, here bool, inForce []configuration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l, there := d.get(index); there {
		term = l.Term
	}
	before := uint64(0) // the index of the one before it
	for _, k := range newestFirst {
		switch {
		case k.index > index:
		case before != 0 && k.index != before:
			return term, d.holds(index, term), inForce
		case !d.holds(k.index, k.term): // it was overwritten
			continue
		default:
			before = k.index
		}
		inForce = append(inForce, k)
	}
	return term, d.holds(index, term), inForce
}

// has is holds, for those that do not use the disk now.
func (d *disk) has(index, term uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.holds(index, term)
}
