package cluster

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxSkew is how far a member's clock may be off before it is reported.
const maxSkew = time.Second

// clock makes the leader's stamps. One wrong clock must not close a poll early, so
// a stamp is the median of the clocks of the voters that the leader hears, its own
// among them: the lower middle one where they are even.
type clock struct {
	now func() time.Time

	mu       sync.Mutex
	offset   time.Duration // guarded by mu; of the median against this member's clock
	skews    map[string]time.Duration
	upToDate time.Time // guarded by mu; when this member last knew itself up to date
}

func newClock(now func() time.Time) *clock { return &clock{now: now} }

// stamp returns the time for the next command in milliseconds since the Unix epoch.
func (n *Node) stamp() int64 {
	n.clock.mu.Lock()
	defer n.clock.mu.Unlock()
	return n.clock.now().Add(n.clock.offset).UnixMilli()
}

// heard takes over the clocks of the voters in a survey.
func (c *clock) heard(self string, seen []sighting, log *slog.Logger) {
	offsets := []time.Duration{0} // its own
	skews := map[string]time.Duration{}
	for _, m := range seen {
		if m.voter && m.err == nil && m.server.ID != self {
			offsets = append(offsets, m.offset)
			skews[m.server.ID] = m.offset
		}
	}
	median := medianOf(offsets)
	for id, offset := range skews {
		if d := (offset - median).Abs(); d > maxSkew {
			log.Warn("a member's clock is off; polls follow the median of all clocks", "member", id, "by", offset-median)
		}
	}
	if median.Abs() > maxSkew {
		log.Warn("this member's clock is off; polls follow the median of all clocks", "by", -median)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.skews = median, skews
}

// medianOf returns the lower middle of the offsets.
func medianOf(offsets []time.Duration) time.Duration {
	slices.Sort(offsets)
	return offsets[(len(offsets)-1)/2]
}

// skew returns the largest deviation of any voter's clock from the median.
func (c *clock) skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	worst := c.offset.Abs()
	for _, s := range c.skews {
		worst = max(worst, (s - c.offset).Abs())
	}
	return worst
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
