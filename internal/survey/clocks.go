package survey

import (
	"slices"
	"time"
)

// MaxSkew is how far a member's clock may be off before it is reported.
const MaxSkew = time.Second

// Clocks are the clocks of the voting members that answer.
type Clocks struct {
	Median time.Duration            // from this member's own clock
	Off    map[string]time.Duration // how far each member's is from the median
}

// Clocks compares the voting members' clocks at one instant of the monotonic clock, at
// which the clock of self shows own. ok is false if fewer than a majority answer. If the
// clock of self jumps, only its own offset is wrong.
func (l Look) Clocks(self string, own, instant time.Time) (c Clocks, ok bool) {
	c.Off = map[string]time.Duration{}
	offsets := []time.Duration{0} // its own, even if it has no vote
	for _, m := range l {
		if !m.Votes || m.Err != nil {
			continue
		}
		if m.ID == self {
			c.Off[m.ID] = 0
			continue
		}
		c.Off[m.ID] = m.Report.Now.Add(instant.Sub(m.At)).Sub(own)
		offsets = append(offsets, c.Off[m.ID])
	}
	if len(offsets) < l.Turnout().Quorum() {
		return Clocks{}, false
	}
	c.Median = medianOf(offsets)
	for id := range c.Off {
		c.Off[id] -= c.Median
	}
	return c, true
}

// Worst is the largest deviation from the median.
func (c Clocks) Worst() (worst time.Duration) {
	for _, by := range c.Off {
		worst = max(worst, by.Abs())
	}
	return worst
}

// deviation returns a function from a member to how far its clock is from the median of
// the voting members that answer.
func (l Look) deviation() func(m *Sighting) time.Duration {
	var offsets []time.Duration
	for i := range l {
		if m := &l[i]; m.Votes && m.Err == nil {
			offsets = append(offsets, m.ahead())
		}
	}
	if offsets == nil {
		return func(*Sighting) time.Duration { return 0 }
	}
	median := medianOf(offsets)
	return func(m *Sighting) time.Duration { return m.ahead() - median }
}

// medianOf returns the lower middle of the offsets.
func medianOf(offsets []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(offsets))[(len(offsets)-1)/2]
}
