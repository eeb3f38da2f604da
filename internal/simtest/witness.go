package simtest

import (
	"slices"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// checkTallies compares every linearizable read of a tally with the box. The log index
// that the read names shows its place in the order of all operations. The tally must be
// exactly that of the records up to this index. And the place must be after everything
// that had been answered before the read began, and before everything that began after
// the read was answered.
func (c *Cluster) checkTallies(ops []*Op) {
	living := c.living()
	if len(living) == 0 {
		return
	}
	var ids []string
	for _, o := range ops {
		if o.Kind == opTally && !slices.Contains(ids, o.Poll) {
			ids = append(ids, o.Poll)
		}
	}
	all := boxes(living[0], ids)
	for _, o := range ops {
		if o.Kind == opTally && o.Outcome == seen && o.Code == "" && all[o.Poll] != nil {
			c.checkTally(all[o.Poll], o)
		}
	}
	c.checkOrder(ops)
}

func (c *Cluster) checkTally(b *box, o *Op) {
	votes := make([]int64, len(o.Votes))
	voters := map[poll.VoterKey]record{}
	exact := true // whether the choice of every record is known
	for _, r := range b.records {
		if r.index <= o.Index {
			voters[r.key] = r
		}
	}
	for _, r := range voters {
		choice, known := b.choices[r.selections]
		if exact = exact && known; known {
			votes[choice]++
		}
	}
	if o.Count != uint64(len(voters)) || exact && !slices.Equal(votes, o.Votes) {
		c.fail("O5: at index %d %s showed %d ballots in %s as %v, the box has %d as %v", o.Index, o.Node, o.Count, o.Poll, o.Votes, len(voters), votes)
	}
	if closed := b.info.ClosedIndex; o.Closed != (closed != 0 && closed <= o.Index) {
		c.fail("O5: at index %d %s showed %s closed: %t, it closed at %d", o.Index, o.Node, o.Poll, o.Closed, closed)
	}
}

// isFresh reports whether an operation is an answered read of a tally that must show
// everything answered before it.
func (o *Op) isFresh() bool {
	return o.Kind == opTally && o.Outcome == seen && o.Code == "" && !o.Stale
}

// checkOrder compares these places with real time: a read must show what was answered
// before it began, and must not show what began after it was answered.
func (c *Cluster) checkOrder(ops []*Op) {
	type point struct {
		tick int64
		op   *Op
	}
	var calls, returns []point
	for _, o := range ops {
		// A replay names the index of the original, not its own.
		written := o.Kind == opCast && (o.Outcome == counted || o.Outcome == replaced)
		if written {
			calls = append(calls, point{o.Call, o})
		}
		if written || o.isFresh() {
			returns = append(returns, point{o.Return, o})
		}
	}
	byTick := func(a, b point) int { return int(a.tick - b.tick) }
	slices.SortFunc(returns, byTick)
	slices.SortFunc(calls, byTick)
	var reads []*Op
	for _, o := range ops {
		if o.isFresh() {
			reads = append(reads, o)
		}
	}
	slices.SortFunc(reads, func(a, b *Op) int { return int(a.Call - b.Call) })
	var newest *Op
	next := 0
	for _, r := range reads {
		for ; next < len(returns) && returns[next].tick < r.Call; next++ {
			if o := returns[next].op; newest == nil || o.Index > newest.Index {
				newest = o
			}
		}
		if newest != nil && r.Index < newest.Index {
			c.fail("O5: a read of %s through %s (ticks %d to %d) is of index %d; index %d had been answered before: %+v", r.Poll, r.Node, r.Call, r.Return, r.Index, newest.Index, *newest)
		}
	}
	// From the back: the oldest index that any later call got.
	slices.SortFunc(reads, func(a, b *Op) int { return int(b.Return - a.Return) })
	var oldest *Op
	last := len(calls) - 1
	for _, r := range reads {
		for ; last >= 0 && calls[last].tick > r.Return; last-- {
			if o := calls[last].op; oldest == nil || o.Index < oldest.Index {
				oldest = o
			}
		}
		if oldest != nil && r.Index >= oldest.Index {
			c.fail("O5: a read of %s answered at tick %d is of index %d; %+v began later", r.Poll, r.Return, r.Index, *oldest)
		}
	}
}

// clockTolerance is how much too early, in milliseconds, a poll may close: it is closed
// by the median of clocks that are all within the product's tolerance of each other.
const clockTolerance = 1000

// CheckClocks proves that a poll that closes by time does not close too early, even if
// one member's clock is wrong.
func (c *Cluster) CheckClocks() {
	ops := c.history.all()
	told := map[string]int64{}
	for _, o := range ops {
		if o.Kind == opClose {
			told[o.Poll] = o.Call
		}
	}
	early := map[string]bool{}
	for _, p := range c.living() {
		p.node.Read(func(s *poll.State) {
			for _, o := range ops {
				if o.Kind != opCast || o.Outcome != refused || o.Code != refusal.PollClosed.String() || early[o.Poll] {
					continue
				}
				rules := s.Rules(o.Poll)
				if at, asked := told[o.Poll]; rules == nil || asked && at < o.Return {
					continue
				}
				if at := c.begin.Add(o.Until).UnixMilli(); at < rules.ClosesAt-clockTolerance {
					early[o.Poll] = true
					c.fail("clock: %s refused a ballot in %s as closed, %d ms before its time", o.Node, o.Poll, rules.ClosesAt-at)
				}
			}
		})
	}
}
