package simtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"voted/internal/poll"
)

const (
	// resumeBound is the time within which each member must acknowledge a ballot after
	// everything has healed: raft may back off for ten seconds before it tries again.
	resumeBound = 20 * time.Second
	// convergeBound is the time within which all members must have the same state.
	convergeBound = 60 * time.Second
	// probePause stands between two tries of a probe.
	probePause = 10 * time.Millisecond
)

// Heal repairs the network, the clocks and the disks, starts what is down, and proves
// that each member acknowledges ballots again in time (oracle O6).
func (c *Cluster) Heal() {
	c.event("healing", "", "")
	c.net.clear()
	// Wait first for faults that are undone by themselves: a member is not healed while
	// a fault waits in its store.
	for _, m := range c.places() {
		c.putRight(m)
		m.skew.Store(0)
		if p := m.process(); p != nil {
			p.store.fail(nil)
			p.store.slowDown(0)
			p.store.release()
		}
	}
	for _, m := range c.places() {
		if m.id != guest {
			c.start(m)
		}
	}
	c.probeAll(c.now())
	// Stalls under way make a member stop; wait for that.
	time.Sleep(2 * stallLimit)
	c.net.clear()
	if m := c.find(guest); m != nil {
		c.settleGuest(m)
	}
	for _, m := range c.places() {
		c.start(m)
	}
	c.probeAll(c.now())
	c.event("healed", "", "")
}

// probeAll probes every member except the guest, which may be leaving.
func (c *Cluster) probeAll(start time.Duration) {
	for _, m := range c.places() {
		if m.id != guest {
			c.probe(m, start)
		}
	}
}

// probe casts a ballot through one member until it is acknowledged. It starts members again
// that stop: a stall that was under way when healing began may end one late, and without
// it there may be no majority.
func (c *Cluster) probe(m *member, start time.Duration) {
	last := "it was not asked"
	// A refusal may take no virtual time: without a pause the bound would never come.
	for ; c.now()-start < resumeBound; time.Sleep(probePause) {
		for _, each := range c.places() {
			if each.id != guest {
				c.start(each)
			}
		}
		p := m.process()
		if p == nil {
			continue
		}
		o := c.call(&Op{Kind: opCast, Client: -1, Node: m.id, Poll: "p1", Voter: "probe-" + m.id})
		ctx, cancel := context.WithTimeout(p.ctx, c.settings.deadline)
		b := &poll.Ballot{Poll: o.Poll, Key: key(o.Voter), Selections: []byte{o.Choice}}
		p.node.Read(func(s *poll.State) {
			if r := s.Rules(o.Poll); r != nil && r.Secrecy == poll.Open {
				b.Voter = o.Voter
			}
		})
		outcome, err := p.node.Cast(ctx, b)
		cancel()
		c.finish(o, p, outcome, err)
		if o.Outcome == counted || o.Outcome == replayed {
			c.counts.resume.Store(max(c.counts.resume.Load(), int64(c.now()-start)))
			return
		}
		last = strings.TrimSpace(o.Outcome + " " + o.Code + " " + o.Error)
	}
	c.fail("%s did not acknowledge a ballot within %v after everything had healed: %s", m.id, resumeBound, last)
}

// settleGuest removes the guest for good: a removal with an unknown outcome may have
// left its disk and its membership in any state.
func (c *Cluster) settleGuest(m *member) {
	for range 10 {
		for _, each := range c.places() {
			if each != m {
				c.start(each)
			}
		}
		c.start(m)
		time.Sleep(500 * time.Millisecond)
		c.removeMember()
		if c.find(guest) == nil {
			return
		}
	}
	c.fail("the guest member could not be removed after everything had healed")
}

// WaitConverged waits until all members are at the same index and nothing is under way.
func (c *Cluster) WaitConverged() {
	deadline := c.now() + convergeBound
	quiet := 0
	for c.now() < deadline {
		if c.agree() {
			if quiet++; quiet == 20 {
				return
			}
		} else {
			quiet = 0
		}
		time.Sleep(50 * time.Millisecond)
	}
	where := ""
	for _, p := range c.living() {
		where += fmt.Sprintf(" %s at %d (leader %q)", p.member.id, p.node.Index(), p.node.Leader())
	}
	c.fail("the members did not converge within %v:%s", convergeBound, where)
}

func (c *Cluster) agree() bool {
	living := c.living()
	if len(living) < c.size-int(c.gone.Load()) {
		return false
	}
	for _, p := range living {
		if p.node.Index() != living[0].node.Index() || p.node.Leader() == "" || p.node.Leader() != living[0].node.Leader() {
			return false
		}
	}
	return true
}
