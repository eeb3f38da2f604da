package cluster

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"voted/internal/poll"
)

// maxSkew is how far a member's clock may be off before it is reported.
const maxSkew = time.Second

// clock makes the stamps that a leader gives to commands. One wrong clock must not
// close a poll early, so stamps follow the median of the clocks of a majority of the
// voters, this member's among them: the lower middle one where they are even. Every
// member looks at the others' clocks regularly, so that whoever comes to lead knows
// the time already; between two looks it runs by the monotonic clock, which does not
// jump when the machine's time is set.
type clock struct {
	now func() time.Time // this member's own, which may be wrong

	mu       sync.Mutex
	median   time.Time       // guarded by mu; at the last look, zero before the first
	looked   time.Time       // guarded by mu; when that was, by the monotonic clock
	worst    time.Duration   // guarded by mu; largest deviation from the median
	off      map[string]bool // guarded by mu; members whose clock is off
	upToDate time.Time       // guarded by mu; when this member last knew itself up to date
}

func newClock(now func() time.Time) *clock { return &clock{now: now, off: map[string]bool{}} }

// read returns the median time; ok is false before a majority has been heard.
func (c *clock) read() (now time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.median.Add(time.Since(c.looked)), !c.median.IsZero()
}

// stamp returns the time for the next command in milliseconds since the Unix epoch.
// Before the others' clocks are known, time stands still; only a cluster that has
// never known the time takes this member's word for it.
func (n *Node) stamp() int64 {
	if now, ok := n.clock.read(); ok {
		return now.UnixMilli()
	}
	var known int64
	n.fsm.Read(func(s *poll.State) { known = s.Clock() })
	if known != 0 {
		return known
	}
	return n.clock.now().UnixMilli()
}

// heard takes over the clocks of the voters in a survey, if they are a majority.
func (c *clock) heard(self string, seen []sighting, log *slog.Logger) {
	// One look at its own clock for everything: whenever that jumps, only its own
	// offset is wrong, never those of the others.
	own, instant := c.now(), time.Now()
	offsetOf := func(m *sighting) time.Duration {
		if m.server.ID == self {
			return 0
		}
		return m.status.Now.Add(instant.Sub(m.at)).Sub(own)
	}
	offsets := []time.Duration{0} // its own
	voters := 0
	for i := range seen {
		m := &seen[i]
		if !m.voter {
			continue
		}
		voters++
		if m.err == nil && m.server.ID != self {
			offsets = append(offsets, offsetOf(m))
		}
	}
	if len(offsets) <= voters/2 {
		return
	}
	median := medianOf(offsets)
	c.mu.Lock()
	defer c.mu.Unlock()
	var worst time.Duration
	for i := range seen {
		if m := &seen[i]; m.voter && m.err == nil {
			by := offsetOf(m) - median
			worst = max(worst, by.Abs())
			c.tell(m.server.ID, by, log)
		}
	}
	c.median, c.looked, c.worst = own.Add(median), instant, worst
}

// tell says once when a member's clock is off, and once when it is right again; mu is
// held.
func (c *clock) tell(id string, by time.Duration, log *slog.Logger) {
	off := by.Abs() > maxSkew
	switch {
	case off && !c.off[id]:
		log.Warn("a member's clock is off; polls follow the median of all clocks", "member", id, "by", by)
	case !off && c.off[id]:
		log.Info("a member's clock is right again", "member", id)
	}
	c.off[id] = off
}

// medianOf returns the lower middle of the offsets.
func medianOf(offsets []time.Duration) time.Duration {
	slices.Sort(offsets)
	return offsets[(len(offsets)-1)/2]
}

// skew returns the largest deviation of a voter's clock from the median.
func (c *clock) skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.worst
}

// synced notes that this member is up to date now.
func (c *clock) synced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.upToDate = c.now()
}

// Age returns how long ago this member last knew itself up to date: it confirmed
// it for a read, it leads, or it heard from the leader.
func (n *Node) Age() time.Duration {
	if !n.isStarted() {
		return n.clock.age(time.Time{})
	}
	if now := n.leaders.now(); now.self && n.ready.Load() == n.raft.CurrentTerm() {
		return 0
	}
	return n.clock.age(n.raft.LastContact())
}

func (c *clock) age(contact time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.upToDate
	if contact.After(last) {
		last = contact
	}
	return max(0, c.now().Sub(last))
}
