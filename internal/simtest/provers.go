package simtest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"voted/internal/poll"
	"voted/internal/prover"
	"voted/internal/server/backend"
	"voted/proof"
)

// simLogName begins the names of the logs of the simulation.
const simLogName = "votes.sim"

// Provers gives each member a proof key, and has the members sign what they counted.
func Provers() Option { return func(c *Cluster) { c.settings.provers = true } }

// proofSeed is a member's proof key. A member that comes back with an empty disk has the key
// that it had: it is in a file of its own.
type proofSeed [proof.SeedBytes]byte

func seedOf(member string) proofSeed { return sha256.Sum256([]byte("proof key of " + member)) }

// Log implements prover.Signer.
func (s proofSeed) Log(o proof.Origin) (proof.Signer, error) {
	return proof.NewLogSigner(s, o.String())
}

// Cosigner implements prover.Signer.
func (s proofSeed) Cosigner(logName, member string) (proof.Signer, error) {
	return proof.NewCosigner(s, logName+"/"+member)
}

// simLogs is a member as its prover sees it; bug changes its boxes, in negative controls.
type simLogs struct {
	backend.Logs
	bug func(prover.Box) prover.Box
}

// Box implements prover.State.
func (l simLogs) Box(id string) (prover.Box, bool) {
	b, ok := l.Logs.Box(id)
	if ok && l.bug != nil {
		b = l.bug(b)
	}
	return b, ok
}

type handler = func(context.Context, []byte) ([]byte, error)

// openProver makes the prover of a process, and returns the calls that it answers.
func (c *Cluster) openProver(p *process) (map[string]handler, error) {
	if !c.settings.provers || p.foreign {
		return nil, nil
	}
	m := p.member
	m.mu.Lock()
	if bug := c.settings.markBug; bug != nil {
		m.proofs = bug(m.id, m.proofs)
	}
	p.proofs = m.proofs.Process()
	m.mu.Unlock()
	var err error
	p.prover, err = prover.New(prover.Options{
		Name: simLogName, Member: m.id, Signer: seedOf(m.id), Disk: p.proofs, Logger: c.logger.With("node", m.id), Metrics: p.registry,
	})
	if err != nil {
		return nil, err
	}
	return map[string]handler{prover.Method: p.prover.Answer}, nil
}

// startProver begins to prove, once the node is open.
func (c *Cluster) startProver(p *process) {
	if p.prover == nil {
		return
	}
	logs := simLogs{Logs: backend.Logs{Node: p.node}}
	if bug := c.settings.leafBug; bug != nil {
		logs.bug = func(b prover.Box) prover.Box { return bug(p.member.id, b) }
	}
	p.prover.Start(logs, logs)
}

// signed is one point of a log that somebody said to be so.
type signed struct {
	by   string // a member, and in what
	size uint64
	root proof.Hash
}

// promises are all points that were signed, as outsiders and the members' disks have them.
type promises struct {
	heads map[string]map[uint64]signed // by origin and size
	notes map[string]bool              // that are signed as they should be
	marks map[[16]byte]map[signed]bool // by the first half of the origin's SHA-256
}

// sampleHeads notes every head and every mark until stop, and checks that no two heads of a
// log exclude each other at one size (oracle O10).
func (c *Cluster) sampleHeads(stop <-chan struct{}) {
	if !c.settings.provers {
		return
	}
	every := time.NewTicker(sampleEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-stop:
			return
		}
		c.noteHeads()
	}
}

// noteHeads looks at all members once. Only one goroutine at a time calls it.
func (c *Cluster) noteHeads() {
	for _, m := range c.places() {
		c.noteMarks(m)
	}
	for _, p := range c.living() {
		if p.prover == nil {
			continue
		}
		for _, id := range c.pollsOf(p) {
			if h, ok := p.prover.Head(id); ok {
				c.noteHead(p.member.id, h)
			}
		}
	}
}

// maxListed is more than the workload makes polls.
const maxListed = 10_000

// pollsOf returns the polls that a member has.
func (c *Cluster) pollsOf(p *process) (ids []string) {
	p.node.Read(func(s *poll.State) {
		all, _ := s.List(0, maxListed, func(poll.Info) bool { return true })
		for i := range all {
			ids = append(ids, all[i].Rules.ID)
		}
	})
	return ids
}

func (c *Cluster) noteHead(member string, h prover.Head) {
	if c.promises.heads == nil {
		c.promises.heads, c.promises.notes = map[string]map[uint64]signed{}, map[string]bool{}
	}
	at := c.promises.heads[h.Origin.String()]
	if at == nil {
		at = map[uint64]signed{}
		c.promises.heads[h.Origin.String()] = at
	}
	now := signed{member + "'s head", h.Size, h.Root}
	if was, known := at[h.Size]; known && was.root != h.Root {
		c.fail("O10: two heads of %s at %d exclude each other: %v and %v", h.Origin, h.Size, was, now)
	}
	at[h.Size] = now
	if c.promises.notes[string(h.Note)] {
		return // signatures are the costly part, and all members have the same notes again and again
	}
	if err := checkSigners(c.size, h); err != nil {
		c.fail("O10: the head of %s at %s: %v", h.Origin, member, err)
		return
	}
	c.promises.notes[string(h.Note)] = true
}

// checkSigners checks that so many members signed a head that two of them have one in common:
// the membership may have grown by the guest.
func checkSigners(founders int, h prover.Head) error {
	n, err := proof.ParseNote(h.Note)
	if err != nil {
		return err
	}
	var keys []proof.Verifier
	for i := range founders {
		id := fmt.Sprintf("n%d", i+1)
		key, err := seedOf(id).Cosigner(simLogName, id)
		if err != nil {
			return err
		}
		keys = append(keys, key.Verifier)
	}
	key, err := seedOf(guest).Cosigner(simLogName, guest)
	if err != nil {
		return err
	}
	good, err := n.Verify(append(keys, key.Verifier)...)
	if err == nil && len(good) <= founders/2 {
		err = fmt.Errorf("only %d of %d members signed it", len(good), founders)
	}
	return err
}

// noteMarks reads the marks of a member from its disk, whose form is in the documentation of
// package prover: so the check does not depend on the code that it checks.
func (c *Cluster) noteMarks(m *member) {
	m.mu.Lock()
	b := m.proofs.File("proof.mark")
	m.mu.Unlock()
	if c.promises.marks == nil {
		c.promises.marks = map[[16]byte]map[signed]bool{}
	}
	for at := 64; at+64 <= len(b); at += 64 {
		slot := b[at : at+64]
		s := signed{m.id + "'s mark", binary.BigEndian.Uint64(slot[16:]), proof.Hash(slot[24:56])}
		if s.size == 0 {
			continue
		}
		key := [16]byte(slot[:16])
		if c.promises.marks[key] == nil {
			c.promises.marks[key] = map[signed]bool{}
		}
		c.promises.marks[key][s] = true
	}
}

// quietHeads is within what time of quiet every acknowledged ballot is under some head.
const quietHeads = 3 * time.Second

// CheckHeads checks, once the members have converged, that all that anybody ever signed is a
// beginning of the logs as they are now, and that these are signed to their ends (oracles O10
// and O11).
func (c *Cluster) CheckHeads() {
	if !c.settings.provers {
		return
	}
	living := c.living()
	if len(living) == 0 {
		return
	}
	quiet := map[string]uint64{} // how far each log has to be signed; polls may close meanwhile
	for _, id := range c.pollsOf(living[0]) {
		if b, ok := (backend.Logs{Node: living[0].node}).Box(id); ok {
			quiet[id] = b.Size
		}
	}
	time.Sleep(quietHeads)
	c.noteHeads()
	for id, size := range quiet {
		b, ok := backend.Logs{Node: living[0].node}.Box(id)
		if !ok {
			continue
		}
		origin := proof.Origin{Log: simLogName, Poll: b.Poll, Lineage: b.Lineage}
		truth := truth{box: b, roots: map[uint64]proof.Hash{}}
		if err := truth.tree.Grow(b.Size, b.Leaves); err != nil {
			c.fail("O10: the log of %s: %v", origin, err)
			continue
		}
		for _, s := range c.promises.heads[origin.String()] {
			c.checkPromise(origin, &truth, s)
		}
		sum := sha256.Sum256([]byte(origin.String()))
		for s := range c.promises.marks[[16]byte(sum[:16])] {
			c.checkPromise(origin, &truth, s)
		}
		covered := uint64(0)
		for signed := range c.promises.heads[origin.String()] {
			covered = max(covered, signed)
		}
		if covered < size {
			c.fail("O11: after %v of quiet the heads of %s cover %d of its %d leaves", quietHeads, origin, covered, size)
		}
	}
}

// truth is a log as the members have it in the end.
type truth struct {
	box   prover.Box
	tree  proof.Tree
	roots map[uint64]proof.Hash
}

func (c *Cluster) checkPromise(o proof.Origin, t *truth, s signed) {
	if s.size > t.box.Size {
		c.fail("O10: %s says that %s has %d leaves, and it has %d", s.by, o, s.size, t.box.Size)
		return
	}
	root, known := t.roots[s.size]
	if !known {
		v, err := t.tree.At(s.size, t.box.Leaves)
		if err == nil {
			root, err = v.Root()
		}
		if err != nil {
			c.fail("O10: the log of %s: %v", o, err)
			return
		}
		t.roots[s.size] = root
	}
	if root != s.root {
		c.fail("O10: %s says %v of the first %d leaves of %s, and it is %v", s.by, s.root, s.size, o, root)
	}
}
