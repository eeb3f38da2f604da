package cluster

import (
	"log/slog"
	"sync"
	"time"

	"voted/internal/poll"
	"voted/internal/survey"
)

// clock makes the stamps that a leader gives to commands. One wrong clock must not close
// a poll early, so stamps follow the median of the clocks of a majority of the voting
// members, this one's among them: the lower middle one if their number is even. Every
// member looks at the others' clocks regularly, so that each new leader knows the time
// already. Between two looks the time follows the monotonic clock, which does not jump
// when the machine's time is set.
type clock struct {
	now func() time.Time // this member's own, which may be wrong

	mu       sync.Mutex
	median   time.Time       // guarded by mu; at the last look, zero before the first
	looked   time.Time       // guarded by mu; when that was, by the monotonic clock
	worst    time.Duration   // guarded by mu; largest deviation from the median
	off      map[string]bool // guarded by mu; members whose clock is off
	upToDate time.Time       // guarded by mu; when this member was last known to be up to date
}

func newClock(now func() time.Time) *clock { return &clock{now: now, off: map[string]bool{}} }

// read returns the median time; ok is false before a majority has answered.
func (c *clock) read() (now time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.median.Add(time.Since(c.looked)), !c.median.IsZero()
}

// stamp returns the time for the next command in milliseconds since the Unix epoch. Until
// the others' clocks are known, time stands still; only a cluster that has no time yet
// takes this member's own.
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

// update takes over the clocks of the voting members that answer, if those are a majority.
func (c *clock) update(self string, look survey.Look, log *slog.Logger) {
	own, instant := c.now(), time.Now()
	clocks, ok := look.Clocks(self, own, instant)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, by := range clocks.Off {
		c.logChange(id, by, log)
	}
	c.median, c.looked, c.worst = own.Add(clocks.Median), instant, clocks.Worst()
}

// logChange logs once when a member's clock is off, and once when it is right again. The
// caller holds mu.
func (c *clock) logChange(id string, by time.Duration, log *slog.Logger) {
	off := by.Abs() > survey.MaxSkew
	switch {
	case off && !c.off[id]:
		log.Warn("a member's clock is off; polls follow the median of all clocks", "member", id, "by", by)
	case !off && c.off[id]:
		log.Info("a member's clock is right again", "member", id)
	}
	c.off[id] = off
}

// skew returns the largest deviation of a voting member's clock from the median.
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

// Age returns how long ago this member was last known to be up to date: because it led,
// received something from the leader, or confirmed it for a read.
func (n *Node) Age() time.Duration {
	if !n.isStarted() {
		return n.clock.age(time.Time{})
	}
	if n.replica.Leads() {
		return 0
	}
	return n.clock.age(n.replica.LastContact())
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
