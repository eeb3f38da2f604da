package simtest

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// A leader sends its entries while its own disk still writes them. In each of these runs
// that disk is slow, so that something happens before it is done.

// slow is how long one half of a write takes at most: about a second in all, so that
// members stand for election meanwhile.
const slow = slowestSync / 2

func TestALeaderThatDiesBeforeItsOwnDiskHasTheEntriesLosesNoBallot(t *testing.T) {
	for name, members := range map[string]int{"three members": 3, "five members": 5} {
		t.Run(name, func(t *testing.T) {
			play(t, members, func(c *Cluster) {
				// Given a leader whose followers have entries that its own disk has not ...
				leader := c.slowLeader()
				await(c, "entries on the others' disks alone", func() bool { return c.ahead(leader) >= c.size/2 })
				// ... when it dies, then another leads, with all that it had acknowledged ...
				c.crash(leader.member)
				await(c, "another leader", func() bool { p := c.leader(); return p != nil && p.member != leader.member })
				// ... and it comes back with the log of its disk.
				c.start(leader.member)
			})
		})
	}
}

func TestWhatADeposedLeaderStillWritesIsOverwritten(t *testing.T) {
	for name, shared := range map[string]bool{"others have some of it": true, "no one else has any of it": false} {
		t.Run(name, func(t *testing.T) {
			play(t, 3, func(c *Cluster) { deposed(c, shared) })
		})
	}
}

// deposed cuts a leader off while entries wait for its disk; some of them the others have,
// if shared.
func deposed(c *Cluster, shared bool) {
	leader, ways := c.behind(shared)
	end := leader.member.home().end()
	// Given others that lead before they are written, and that reach it again ...
	await(c, "another leader", func() bool {
		p := c.leader()
		return p != nil && p.member != leader.member && p.node.Index() > leader.node.Index()
	})
	decided := c.leader().node.Index()
	c.mend(ways)
	// ... then it does not act on what they send, ...
	time.Sleep(10 * time.Second)
	if on := leader.node.Index(); on >= decided {
		c.fail("it applied what its disk did not take")
	}
	// ... until its entries are written. Then it gives up those that the others do not have.
	leader.store.release()
	await(c, "the others' entries", func() bool { return leader.node.Index() >= decided })
	for _, m := range c.places() {
		own, theirs := leader.member.home().termOf(end+1), m.home().termOf(end+1)
		if own != 0 && theirs != 0 && own != theirs { // 0: a snapshot took its place
			c.fail("entry %d is of term %d, and that of %s of term %d", end+1, own, m.id, theirs)
		}
	}
}

// behind returns a leader that was cut off, and whose disk holds entries back.
func (c *Cluster) behind(shared bool) (leader *process, ways []way) {
	for range 100 {
		leader = c.someLeader()
		ways = c.ways(Fault{Kind: FaultIsolate}, leader.member)
		if !shared {
			c.cut(ways)
		}
		leader.store.hold()
		for leader.node.Leader() == leader.member.id {
			if waiting(c, leader) > 0 && (c.ahead(leader) > 0) == shared {
				if shared {
					c.cut(ways)
				}
				return leader, ways
			}
			time.Sleep(time.Millisecond)
		}
		// It no longer leads, and nothing came in before.
		leader.store.release()
		if !shared {
			c.mend(ways)
		}
	}
	giveUp(c, "no leader had entries that wait")
	return nil, nil
}

func (c *Cluster) mend(ways []way) {
	for _, w := range ways {
		c.net.mend(w)
	}
}

func (c *Cluster) cut(ways []way) {
	for _, w := range ways {
		c.net.cut(w)
	}
}

func TestMembersAreRemovedDownToOneWhileEntriesWait(t *testing.T) {
	play(t, 3, func(c *Cluster) {
		leader := c.slowLeader()
		leader.store.slowDown(slow / 4) // so that the removals are answered in time
		for left := c.size; left > 1; left-- {
			await(c, "entries that wait", func() bool { return waiting(c, leader) > 0 })
			for _, m := range c.places() {
				if m == leader.member {
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				err := leader.node.RemoveMember(ctx, m.id)
				cancel()
				if err != nil {
					giveUp(c, "%s cannot be removed: %v", m.id, err)
				}
				c.discard(m)
				c.gone.Add(1)
				break
			}
		}
		// One voting member alone answers only for what is on its disk.
		before := leader.node.Index()
		await(c, "ballots of one member", func() bool { return leader.node.Index() > before+20 })
		if n := waiting(c, leader); n != 0 {
			c.fail("%d entries wait, though no one else votes", n)
		}
	})
}

func TestLeadershipIsHandedOverWhileEntriesWait(t *testing.T) {
	play(t, 3, func(c *Cluster) {
		for range 3 {
			leader := c.slowLeader()
			leader.store.slowDown(slow / 8) // raft gives up after one election timeout
			await(c, "entries that wait", func() bool { return waiting(c, leader) > 0 })
			c.handOverFrom(leader)
			await(c, "another leader", func() bool { p := c.leader(); return p != nil && p.member != leader.member })
			leader.store.slowDown(0)
		}
	})
}

// handOverFrom hands over, again where the network lost a message of it.
func (c *Cluster) handOverFrom(leader *process) {
	var err error
	for range 10 {
		if err = leader.node.HandOver(context.Background()); err == nil {
			return
		}
		c.event("hand-over failed", leader.member.id, err.Error())
	}
	giveUp(c, "it cannot hand over: %v", err)
}

func TestALeaderWhoseDiskFailsBehindItStops(t *testing.T) {
	for name, fault := range map[string]*appendFault{
		"an error":                      {err: errDisk},
		"an error after the write":      {err: errDisk, written: true},
		"no answer":                     {err: errStall, stall: stallLimit},
		"no answer, but it was written": {err: errStall, stall: stallLimit, written: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 3, func(c *Cluster) {
				leader := c.slowLeader()
				await(c, "entries that wait", func() bool { return waiting(c, leader) > 0 })
				leader.store.fail(fault)
				<-leader.node.Failed()
				await(c, "another leader", func() bool { p := c.leader(); return p != nil && p.member != leader.member })
				await(c, "its end", func() bool { return leader.member.process() == nil })
				c.start(leader.member)
			})
		})
	}
}

// play runs clients while story goes on, then heals the cluster and checks everything.
func play(t *testing.T, members int, story func(c *Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New(Members(members), Seed(uint64(members)))
		defer c.Close()
		c.runWhile(Standard(0), func() {
			told := make(chan struct{})
			go func() { // of its own, since giveUp ends it
				defer close(told)
				story(c)
			}()
			<-told
		})
		c.Heal()
		c.WaitConverged()
		c.CheckExactlyOnce()
		c.CheckLinearizable()
		c.CheckDigestsEqual()
		c.Require(t)
	})
}

// await waits in virtual time.
func await(c *Cluster, what string, done func() bool) {
	for range 60_000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	giveUp(c, "no %s within a minute", what)
}

// giveUp ends a story that cannot go on.
func giveUp(c *Cluster, format string, args ...any) {
	c.fail("the story ends early: "+format, args...)
	runtime.Goexit()
}

// someLeader waits for a leader under which ballots are counted.
func (c *Cluster) someLeader() (leader *process) {
	await(c, "leader", func() bool {
		leader = c.leader()
		return leader != nil && leader.node.Leader() == leader.member.id && leader.node.Index() > 50
	})
	return leader
}

// slowLeader is someLeader, and makes its disk slow.
func (c *Cluster) slowLeader() *process {
	leader := c.someLeader()
	leader.store.slowDown(slow)
	return leader
}

// ahead returns how many other members' disks have entries that this one's has not.
func (c *Cluster) ahead(p *process) (n int) {
	for _, m := range c.places() {
		if m != p.member && m.home().end() > p.member.home().end() {
			n++
		}
	}
	return n
}

// end returns the index of the newest entry on disk.
func (d *disk) end() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last()
}

// termOf returns the term of an entry, 0 if it is not in the log.
func (d *disk) termOf(index uint64) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, _ := d.get(index)
	return l.Term
}

// waiting returns how many entries wait for the member's disk, as it says itself.
func waiting(c *Cluster, p *process) int {
	families, err := p.registry.Gather()
	if err != nil {
		giveUp(c, "%v", err)
	}
	for _, f := range families {
		if f.GetName() == "voted_log_waiting_entries" {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	giveUp(c, "it does not say how many entries wait")
	return 0
}
