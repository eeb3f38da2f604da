package tally

import (
	"fmt"
	"slices"
)

// irv is instant runoff: each ballot counts for the best option on it that is
// still in the count; the weakest option leaves until one has more than half of
// the ballots that still count. Options tied for last leave together where the
// order in which they leave cannot matter; else earlier rounds decide.
//
// Source: Robert's Rules of Order Newly Revised (12th ed.) §45, "Preferential
// Voting"; leaving together as in San Francisco's Charter §13.102(e), but here
// for tied options only.
var irv = Method{
	Name:     "irv",
	Title:    "Instant runoff",
	Form:     Ranking,
	tabulate: tabulateIRV,
}

const irvTieBreaking = "Options tied for last go together if their votes together are fewer than those of the next option; " +
	"otherwise the one with the fewest votes in the most recent earlier round in which they differed goes, " +
	"and if they never differed, the one listed last in the poll."

// tabulateIRV counts round by round. It takes each ballot in hand once, and once
// more for each time that the option it counts for is eliminated.
func tabulateIRV(p Profile) Result {
	c := newRunoff(p)
	r := Result{
		Ballots:     c.ballots,
		Options:     make([]OptionResult, len(c.votes)),
		TieBreaking: irvTieBreaking,
	}
	for i := range r.Options {
		r.Options[i] = OptionResult{Votes: c.votes[i], Marks: c.marks[i]}
	}
	for {
		round := Round{Votes: slices.Clone(c.votes), Standing: slices.Clone(c.standing), Exhausted: c.ballots - c.continuing}
		if winners, ended := c.outcome(); ended {
			r.Winners = winners
			r.Rounds = append(r.Rounds, round)
			return r
		}
		round.Eliminated, round.Decided = lastPlace(round, r.Rounds)
		r.Rounds = append(r.Rounds, round)
		c.eliminate(round.Eliminated)
	}
}

// runoff is the state of a count. Which ballots count for an option is a linked
// list through next: moving a group then costs no memory, and no group is touched
// while the option it counts for stands.
type runoff struct {
	groups     []Group
	ballots    int64
	continuing int64   // ballots that count for somebody in this round
	votes      []int64 // per option, in this round
	marks      []int64 // per option: ballots that name it
	standing   []bool  // per option
	holds      []int32 // per option: the first group that counts for it, or none
	next       []int32 // per group: the next one that counts for the same option, or none
	resume     []int32 // per group: the tier of its ranking to go on from when it moves
}

// none ends a list of groups. Group numbers are 32 bits wide to halve what a
// count keeps in memory: 2^31 groups would be more than 100 GiB to begin with.
const none = -1

func newRunoff(p Profile) *runoff {
	options := max(p.Options, 0)
	c := &runoff{
		groups:   p.Groups,
		votes:    make([]int64, options),
		marks:    make([]int64, options),
		standing: make([]bool, options),
		holds:    make([]int32, options),
		next:     make([]int32, len(p.Groups)),
		resume:   make([]int32, len(p.Groups)),
	}
	for i := range options {
		c.standing[i] = true
		c.holds[i] = none
	}
	seen := newOnce(options)
	for g := range p.Groups {
		group := &p.Groups[g]
		if group.Weight <= 0 {
			continue
		}
		c.ballots += group.Weight
		seen.nextBallot()
		for _, tier := range group.Ranking {
			for _, option := range tier {
				if seen.first(option) {
					c.marks[option] += group.Weight
				}
			}
		}
		c.place(int32(g))
	}
	return c
}

// place lets a group count for the best standing option among the tiers it has
// not come to yet; those before have all left the count. If there is none the group is
// exhausted and on no list any more. A ranking here has no ties; should one have
// any, the ballot ends there, since nobody may choose for its voter.
func (c *runoff) place(g int32) {
	group := &c.groups[g]
	for t := int(c.resume[g]); t < len(group.Ranking); t++ {
		tier := group.Ranking[t]
		if len(tier) > 1 {
			return
		}
		if len(tier) == 0 || tier[0] < 0 || tier[0] >= len(c.standing) || !c.standing[tier[0]] {
			continue
		}
		option := tier[0]
		c.resume[g] = int32(t + 1)
		c.next[g], c.holds[option] = c.holds[option], g
		c.votes[option] += group.Weight
		c.continuing += group.Weight
		return
	}
}

// eliminate takes options out of the count and moves their ballots on.
func (c *runoff) eliminate(options []int) {
	// All leave before any ballot moves, or it could move to one that is leaving.
	for _, option := range options {
		c.standing[option] = false
	}
	for _, option := range options {
		g := c.holds[option]
		c.holds[option] = none
		c.continuing -= c.votes[option]
		c.votes[option] = 0
		for g != none {
			following := c.next[g]
			c.place(g)
			g = following
		}
	}
}

// outcome reports whether the count has ended, and with which winner, if any. It
// does end: each round takes somebody out, and with nobody left nothing continues.
func (c *runoff) outcome() (winners []int, ended bool) {
	if c.continuing == 0 {
		return nil, true
	}
	for i, votes := range c.votes {
		// More than half, written so that it cannot overflow.
		if votes > c.continuing-votes {
			return []int{i}, true
		}
	}
	return nil, false
}

// lastPlace chooses who leaves at the end of a round, and says how a tie was
// decided if there was one.
func lastPlace(round Round, earlier []Round) (out []int, decided string) {
	tied, next, hasNext := weakest(round)
	if len(tied) == 1 {
		return tied, ""
	}
	each := round.Votes[tied[0]]
	if together := each * int64(len(tied)); hasNext && together < next {
		return tied, fmt.Sprintf("%d options tied for last with %d votes each went together: their %d votes are fewer than the next option's %d.",
			len(tied), each, together, next)
	}
	number := len(tied)
	for i, before := range slices.Backward(earlier) {
		if tied = fewest(tied, before.Votes); len(tied) == 1 {
			return tied, fmt.Sprintf("%d options tied for last with %d votes each: looking back, round %d decided, and the one with the fewest votes there went.",
				number, each, i+1)
		}
	}
	return tied[len(tied)-1:], fmt.Sprintf("%d options tied for last with %d votes each, and no earlier round decides: the one listed last in the poll went.",
		number, each)
}

// weakest finds the standing options with the fewest votes, ascending, and the
// votes of the next higher option if there is one.
func weakest(round Round) (tied []int, next int64, hasNext bool) {
	var standing []int
	for i := range round.Standing {
		if round.Standing[i] {
			standing = append(standing, i)
		}
	}
	tied = fewest(standing, round.Votes)
	for _, i := range standing {
		if v := round.Votes[i]; v > round.Votes[tied[0]] && (!hasNext || v < next) {
			next, hasNext = v, true
		}
	}
	return tied, next, hasNext
}

// fewest narrows options down to those with the fewest votes, in their order.
func fewest(options []int, votes []int64) []int {
	var least []int
	for _, i := range options {
		switch {
		case len(least) == 0 || votes[i] < votes[least[0]]:
			least = []int{i}
		case votes[i] == votes[least[0]]:
			least = append(least, i)
		}
	}
	return least
}
