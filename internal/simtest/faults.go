package simtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Fault is one thing that goes wrong, or that an operator does, during a run.
type Fault struct {
	Kind string        `json:"kind"`
	At   time.Duration `json:"at_ns"`  // after the start of the run
	For  time.Duration `json:"for_ns"` // until it is undone
	Who  int           `json:"who"`    // which member, as a draw; -1: the leader
}

// The kinds of fault.
const (
	FaultCrash        = "crash"
	FaultCrashAll     = "crash of all"
	FaultHandOver     = "hand-over"
	FaultRestart      = "orderly restart"
	FaultIsolate      = "cut off"
	FaultDeaf         = "cut one way in"
	FaultMute         = "cut one way out"
	FaultLink         = "one link cut"
	FaultSplit        = "split"
	FaultStoreError   = "store error"
	FaultStoreStall   = "store stall"
	FaultSlowDisk     = "slow disk"
	FaultClock        = "clock jump"
	FaultStorm        = "bad weather"
	FaultAddMember    = "member added"
	FaultRemoveMember = "member removed"
	FaultMove         = "moved"
	FaultMoveAll      = "all moved"
	FaultForeign      = "started on another cluster's disk"
)

// kinds with how often each is drawn.
var kinds = []struct {
	kind   string
	weight int
}{
	{FaultCrash, 22},
	{FaultCrashAll, 3},
	{FaultHandOver, 16},
	{FaultRestart, 5},
	{FaultIsolate, 14},
	{FaultDeaf, 6},
	{FaultMute, 6},
	{FaultLink, 6},
	{FaultSplit, 6},
	{FaultStoreError, 5},
	{FaultStoreStall, 4},
	{FaultSlowDisk, 8},
	{FaultClock, 4},
	{FaultStorm, 6},
	{FaultAddMember, 3},
	{FaultRemoveMember, 3},
	{FaultMove, moveWeight},
	{FaultMoveAll, moveWeight / 4},
	{FaultForeign, 4},
}

// IsolateLeader cuts the leader off for a while.
func IsolateLeader(d time.Duration) Fault {
	return Fault{Kind: FaultIsolate, At: time.Second, For: d, Who: -1}
}

// CrashLeader kills the leader and starts it again after a while.
func CrashLeader(d time.Duration) Fault {
	return Fault{Kind: FaultCrash, At: time.Second, For: d, Who: -1}
}

// Schedule draws faults for a run of a length, about one in each period of every.
func Schedule(seed uint64, length, every time.Duration) []Fault {
	draw := newDice(seed, "schedule")
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	var faults []Fault
	for at := every / 2; at < length-every; at += every/4 + time.Duration(draw.n(int(every*3/2))) {
		n := draw.n(total)
		f := Fault{At: at, For: 50*time.Millisecond + draw.between(0, 6*time.Second), Who: draw.n(60)}
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				f.Kind = k.kind
				break
			}
		}
		if draw.chance(0.4) {
			f.Who = -1
		}
		faults = append(faults, f)
	}
	return faults
}

// Failovers draws only losses of the leader, as fast as other members can take over.
func Failovers(seed uint64, length time.Duration) []Fault {
	draw := newDice(seed, "failovers")
	var faults []Fault
	for at := 200 * time.Millisecond; at < length; at += 150*time.Millisecond + draw.between(0, time.Second) {
		kind := []string{FaultHandOver, FaultHandOver, FaultHandOver, FaultCrash, FaultIsolate, FaultMute}[draw.n(6)]
		faults = append(faults, Fault{Kind: kind, At: at, For: draw.between(20*time.Millisecond, 800*time.Millisecond), Who: -1})
	}
	return faults
}

// Losses draws losses of the leader from which the others recover within a fraction of
// a second: the next one comes as soon as they have recovered.
func Losses(seed uint64, length time.Duration) []Fault {
	draw := newDice(seed, "losses")
	kinds := []string{FaultHandOver, FaultHandOver, FaultHandOver, FaultCrash, FaultCrash, FaultIsolate}
	var faults []Fault
	for at := 200 * time.Millisecond; at < length; at += 60*time.Millisecond + draw.between(0, 400*time.Millisecond) {
		faults = append(faults, Fault{Kind: kinds[draw.n(len(kinds))], At: at, For: draw.between(10*time.Millisecond, 400*time.Millisecond), Who: -1})
	}
	return faults
}

// schedule causes the faults, each at its time, and returns after the run's length.
// Each fault is undone by itself, or by Heal.
func (c *Cluster) schedule(length time.Duration, faults []Fault) {
	start := c.now()
	for _, f := range slices.SortedStableFunc(slices.Values(faults), func(a, b Fault) int { return int(a.At - b.At) }) {
		if wait := start + f.At - c.now(); wait > 0 {
			time.Sleep(wait)
		}
		c.closing.Go(func() { c.happen(f) })
	}
	if wait := start + length - c.now(); wait > 0 {
		time.Sleep(wait)
	}
}

// victim returns the member that a fault hits.
func (c *Cluster) victim(f Fault) *member {
	if f.Who < 0 {
		if p := c.leader(); p != nil {
			return p.member
		}
	}
	all := c.places()
	return all[max(0, f.Who)%len(all)]
}

// happen causes one fault and undoes it.
func (c *Cluster) happen(f Fault) {
	m := c.victim(f)
	c.event(f.Kind, m.id, f.For.String())
	c.counts.fault(f.Kind)
	switch f.Kind {
	case FaultCrash:
		c.crash(m)
		c.later(f.For, func() { c.start(m) })
	case FaultCrashAll:
		for _, each := range c.places() {
			c.crash(each)
			c.later(f.For/time.Duration(1+c.draw.n(3)), func() { c.start(each) })
		}
	case FaultHandOver:
		c.handOver(m)
	case FaultRestart:
		c.retire(m)
		c.later(f.For/4, func() { c.start(m) })
	case FaultIsolate, FaultDeaf, FaultMute, FaultLink, FaultSplit:
		ways := c.ways(f, m)
		for _, w := range ways {
			c.net.cut(w)
		}
		c.later(f.For, func() {
			for _, w := range ways {
				c.net.mend(w)
			}
		})
	case FaultStoreError, FaultStoreStall, FaultSlowDisk:
		c.breakDisk(f, m)
	case FaultClock:
		jump := []time.Duration{-time.Hour, time.Hour, 24 * time.Hour, -24 * time.Hour, 3 * time.Second, -3 * time.Second}[c.draw.n(6)]
		for _, each := range c.places() {
			each.skew.Store(0) // one wrong clock at a time
		}
		m.skew.Store(int64(jump))
	case FaultStorm:
		c.net.set(storm)
		c.later(f.For, func() { c.net.set(calm) })
	case FaultAddMember:
		c.addMember()
	case FaultRemoveMember:
		c.removeMember()
	case FaultMove:
		c.move(f, m)
	case FaultMoveAll:
		c.moveAll(f)
	case FaultForeign:
		c.misplace(f, m)
	}
}

// later waits and then calls f, unless the simulation ends.
func (c *Cluster) later(d time.Duration, f func()) {
	c.closing.Go(func() {
		select {
		case <-time.After(d):
			f()
		case <-c.net.ctx.Done():
		}
	})
}

// ways returns the directions of a cut.
func (c *Cluster) ways(f Fault, m *member) (ways []way) {
	all := c.places()
	others := slices.DeleteFunc(slices.Clone(all), func(o *member) bool { return o == m })
	switch f.Kind {
	case FaultLink:
		o := others[max(0, f.Who)%len(others)]
		return []way{{m.at(), o.at()}, {o.at(), m.at()}}
	case FaultSplit:
		side := all[:len(all)/2]
		for _, a := range side {
			for _, b := range all[len(side):] {
				ways = append(ways, way{a.at(), b.at()}, way{b.at(), a.at()})
			}
		}
		return ways
	}
	for _, o := range others {
		if f.Kind != FaultDeaf {
			ways = append(ways, way{m.at(), o.at()})
		}
		if f.Kind != FaultMute {
			ways = append(ways, way{o.at(), m.at()})
		}
	}
	return ways
}

// handOver hands leadership over, if m leads.
func (c *Cluster) handOver(m *member) {
	p := m.process()
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, 3*time.Second)
	defer cancel()
	err := p.node.HandOver(ctx)
	if c.draw.chance(0.5) {
		err = errors.Join(err, p.node.TransferLeadership(ctx, ""))
	}
	if err != nil {
		c.event("hand-over failed", m.id, err.Error())
	}
}

// retire stops a member in order: it hands leadership over, then is quiet for a moment.
func (c *Cluster) retire(m *member) {
	c.handOver(m)
	time.Sleep(100 * time.Millisecond)
	c.crash(m)
}

// slowestSync is the longest one that the product waits for, with room for the rest of
// the call.
const slowestSync = stallLimit * 9 / 10

var (
	errDisk  = errors.New("input/output error")
	errStall = errors.New("the disk does not answer")
)

func (c *Cluster) breakDisk(f Fault, m *member) {
	p := m.process()
	if p == nil {
		return
	}
	switch f.Kind {
	case FaultSlowDisk:
		p.store.slowDown(c.draw.between(5*time.Millisecond, slowestSync/2))
		c.later(f.For, func() { p.store.slowDown(0) })
		return
	case FaultStoreError:
		p.store.fail(&appendFault{written: c.draw.chance(0.5), err: errDisk})
	case FaultStoreStall:
		p.store.fail(&appendFault{stall: stallLimit, written: c.draw.chance(0.5), err: errStall})
	}
	c.later(f.For+stallLimit, func() { c.start(m) })
}

// guest is the member that joins and leaves.
const guest = "n9"

func (c *Cluster) find(id string) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[id]
}

// addMember starts a further member on an empty disk.
func (c *Cluster) addMember() {
	if c.find(guest) != nil {
		return
	}
	c.start(c.place(guest, true))
}

// removeMember removes it again and deletes its disk.
func (c *Cluster) removeMember() {
	m := c.find(guest)
	if m == nil {
		return
	}
	for _, p := range c.living() {
		if p.member == m {
			continue
		}
		ctx, cancel := context.WithTimeout(p.ctx, 8*time.Second)
		err := p.node.RemoveMember(ctx, guest)
		cancel()
		if err == nil {
			c.discard(m)
			return
		}
		c.event("removing failed", p.member.id, fmt.Sprint(err))
	}
}

func (c *Cluster) discard(m *member) {
	c.mu.Lock()
	if c.members[m.id] == m {
		delete(c.members, m.id)
	}
	c.mu.Unlock()
	c.crash(m)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.disk = newDisk()
}
