package simtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"voted/internal/poll"
	"voted/internal/survey"
)

// Rehearsed founds another cluster first, with the same ids and addresses. FaultForeign
// starts members on its disks.
func Rehearsed() Option { return func(c *Cluster) { c.settings.rehearsed = true } }

// rehearsalTerms is the least number of leaders in the rehearsal: its terms are then
// higher than those of the cluster, so its logs would win elections.
const rehearsalTerms = 12

// rehearse founds a cluster like c, casts ballots in it under one leader after another,
// and returns its disks.
func rehearse(c *Cluster) map[string]*disk {
	r := New(Members(c.size), Seed(c.seed+1), SnapshotEvery(c.settings.snapshotEvery, c.settings.trailing))
	defer r.Close()
	o := &office{c: r, w: Standard(time.Minute), cast: castSettled}
	o.create(newDice(c.seed, "rehearsal"), true)
	for i := range rehearsalTerms * 4 {
		p := r.leader()
		if p == nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		ctx, cancel := context.WithTimeout(p.ctx, time.Second)
		// A failed ballot is missing later, which does not matter: nothing of a
		// rehearsal counts.
		_, _ = p.node.Cast(ctx, &poll.Ballot{Poll: "p1", Key: key(fmt.Sprint("rehearsal-", i)), Selections: []byte{0}})
		_ = p.node.TransferLeadership(ctx, "")
		cancel()
	}
	disks := map[string]*disk{}
	for _, m := range r.places() {
		r.crash(m)
		disks[m.id] = m.disk.fork()
	}
	return disks
}

// at returns the address at which the member's process listens, or the next one will.
func (m *member) at() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addr
}

// commandLine is the --cluster of a member that starts now.
func (c *Cluster) commandLine() []survey.Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.line)
}

// anotherAddress gives a stopped member an address that was never used.
func (c *Cluster) anotherAddress(m *member) {
	c.mu.Lock()
	c.moves++
	addr := fmt.Sprintf("%s.sim:%d", m.id, 7000+c.moves)
	c.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addr = addr
}

// move stops a member and starts it at another address, with a command line that does
// not say so. While the membership does not yet follow the last move, it only restarts
// the member: an operator who moves several members at once must give their addresses.
func (c *Cluster) move(f Fault, m *member) {
	alone := c.moving.CompareAndSwap(false, true) // until the address shows it
	settled := alone && m.id != guest && c.addressesFollow()
	c.retire(m)
	if settled {
		c.anotherAddress(m)
	}
	if alone {
		c.moving.Store(false)
	}
	c.later(f.For/4, func() { c.start(m) })
}

// moveAll stops all members and starts them at other addresses; each gets all of these.
func (c *Cluster) moveAll(f Fault) {
	var line []survey.Peer
	for _, m := range c.places() {
		c.crash(m)
		if m.id != guest {
			c.anotherAddress(m)
			line = append(line, survey.Peer{ID: m.id, Addr: m.at()})
		}
	}
	c.mu.Lock()
	c.line = line
	c.mu.Unlock()
	for _, m := range c.places() {
		// A member that was started meanwhile may not know the new line.
		c.later(f.For/time.Duration(2+c.draw.n(3)), func() {
			c.crash(m)
			c.start(m)
		})
	}
}

// addressesFollow reports whether the membership has the right address of every member.
func (c *Cluster) addressesFollow() bool {
	p := c.leader()
	if p == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second)
	defer cancel()
	s, err := p.node.Status(ctx)
	if err != nil {
		return false
	}
	for _, named := range s.Members {
		if m := c.find(named.ID); m != nil && m.id != guest && m.at() != named.Addr {
			return false
		}
	}
	return true
}

// CheckAddresses proves that the membership has followed every move.
func (c *Cluster) CheckAddresses() {
	for deadline := c.now() + convergeBound; c.now() < deadline; time.Sleep(100 * time.Millisecond) {
		if c.addressesFollow() {
			return
		}
	}
	c.fail("the membership does not name every member where it is, %v after all has healed", convergeBound)
}

// misplace starts a member on its disk from the rehearsal, if [Cluster.exchange] allows;
// else it only restarts it.
func (c *Cluster) misplace(f Fault, m *member) {
	if c.foreign == nil || m.id == guest {
		return
	}
	c.crash(m)
	c.exchange(m)
	c.later(f.For/8, func() {
		c.start(m)
		c.later(f.For, func() {
			c.putRight(m)
			c.start(m)
		})
	})
}

// exchange gives a stopped member its disk of the rehearsal. Most members keep their
// own: else the rehearsal's cluster would rightly go on, and a member on its own disk
// would rightly stop, alone among them.
func (c *Cluster) exchange(m *member) {
	c.exchanging.Lock()
	defer c.exchanging.Unlock()
	misplaced := 1
	for _, each := range c.places() {
		if each != m && each.misplaced() {
			misplaced++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if 2*misplaced < c.size && m.own == nil && m.now == nil && !m.starting {
		m.own, m.disk = m.disk, c.foreign[m.id].fork()
	}
}

// misplaced reports whether the member has a disk of the rehearsal.
func (m *member) misplaced() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.own != nil
}

// putRight gives a member its own disk back.
func (c *Cluster) putRight(m *member) {
	if !m.misplaced() {
		return
	}
	c.crash(m)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own != nil && m.now == nil && !m.starting {
		m.disk, m.own = m.own, nil
	}
}
