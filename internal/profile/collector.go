package profile

import (
	"encoding/binary"
	"fmt"
	"slices"

	"voted/internal/tally"
)

// Collector gathers ballots one by one, and adds equal ones up. A ballot is described by
// calls of Mark, MarkAt, NextRank and Score, and ended by Add. The zero value is ready; only
// Form may be set.
type Collector struct {
	Form tally.Form

	groups []tally.Group
	index  map[string]int32 // the group of each distinct ballot
	total  int64

	// The ballot that is being described.
	marks []mark
	ranks int

	key     []byte
	singles [][]int // per option, the rank that holds it alone
	ranking [][]int // memory for rankings
}

// mark is one option on a ballot. rank is from 0; points are for scores only.
type mark struct {
	rank, option, points int
}

// Mark names an option: in a ranking at the current rank, the first one to begin with.
func (c *Collector) Mark(option int) {
	c.marks = append(c.marks, mark{rank: c.ranks, option: option})
}

// MarkAt names an option at a rank, from 0.
func (c *Collector) MarkAt(rank, option int) {
	c.marks = append(c.marks, mark{rank: rank, option: option})
}

// Score gives points to an option.
func (c *Collector) Score(option, points int) {
	c.marks = append(c.marks, mark{option: option, points: points})
}

// NextRank ends the current rank of a ranking. One that holds no option was skipped.
func (c *Collector) NextRank() { c.ranks++ }

// Discard forgets the ballot that is being described.
func (c *Collector) Discard() { c.marks, c.ranks = c.marks[:0], 0 }

// TwiceError says that a ballot names an option more often than it can. In a ranking,
// only an option that stands twice at one rank is such a fault.
type TwiceError struct{ Option int }

func (e *TwiceError) Error() string { return fmt.Sprintf("option %d stands there twice", e.Option+1) }

// TooManyError says that there are more than MaxBallots.
type TooManyError struct{}

func (*TooManyError) Error() string {
	return fmt.Sprintf("these are more than %d ballots, which is the most that can be counted", int64(MaxBallots))
}

// Add ends the description of a ballot, which occurs count times; count must be positive.
// Its error is a *TwiceError or a *TooManyError; the ballot is then left out.
func (c *Collector) Add(count int64) error {
	defer c.Discard()
	if count > MaxBallots-c.total {
		return &TooManyError{}
	}
	slices.SortFunc(c.marks, func(a, b mark) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.option - b.option
	})
	for i := 1; i < len(c.marks); i++ {
		if c.marks[i].rank == c.marks[i-1].rank && c.marks[i].option == c.marks[i-1].option {
			return &TwiceError{c.marks[i].option}
		}
	}
	c.key = c.key[:0]
	for _, m := range c.marks {
		c.key = binary.AppendUvarint(c.key, uint64(m.rank))
		c.key = binary.AppendUvarint(c.key, uint64(m.option))
		if c.Form == tally.Scores {
			c.key = binary.AppendVarint(c.key, int64(m.points))
		}
	}
	c.total += count
	if g, ok := c.index[string(c.key)]; ok {
		c.groups[g].Weight += count
		return nil
	}
	if c.index == nil {
		c.index = map[string]int32{}
	}
	c.index[string(c.key)] = int32(len(c.groups))
	c.groups = append(c.groups, tally.Group{Preference: c.preference(), Weight: count})
	return nil
}

// Total is how many ballots have been added.
func (c *Collector) Total() int64 { return c.total }

// Groups returns the distinct ballots, in the order in which they first came.
func (c *Collector) Groups() []tally.Group { return c.groups }

func (c *Collector) preference() (p tally.Preference) {
	switch c.Form {
	case tally.Ranking:
		p.Ranking = c.tiers()
	case tally.Scores:
		for _, m := range c.marks {
			p.Scores = append(p.Scores, tally.OptionScore{Option: m.option, Score: m.points})
		}
	case tally.Choice:
		for _, m := range c.marks {
			p.Choice = append(p.Choice, m.option)
		}
	}
	return p
}

// tiers returns the ranking down to its last mark. Most ranks hold one option, and these
// share their memory: otherwise a million rankings of twenty options were forty million
// small pieces.
func (c *Collector) tiers() [][]int {
	if len(c.marks) == 0 {
		return nil
	}
	n := c.marks[len(c.marks)-1].rank + 1
	const piece = 1 << 14
	if cap(c.ranking)-len(c.ranking) < n {
		c.ranking = make([][]int, 0, max(piece, n))
	}
	start := len(c.ranking)
	c.ranking = c.ranking[:start+n]
	tiers := c.ranking[start : start+n : start+n]
	for i := 0; i < len(c.marks); {
		rank, end := c.marks[i].rank, i+1
		for end < len(c.marks) && c.marks[end].rank == rank {
			end++
		}
		if end == i+1 {
			tiers[rank] = c.single(c.marks[i].option)
		} else {
			for _, m := range c.marks[i:end] {
				tiers[rank] = append(tiers[rank], m.option)
			}
		}
		i = end
	}
	return tiers
}

func (c *Collector) single(option int) []int {
	for len(c.singles) <= option {
		c.singles = append(c.singles, []int{len(c.singles)})
	}
	return c.singles[option][:1:1]
}
