package tally

import "slices"

// runoff is the state of a count. The ballots that count for an option are a linked
// list through next: so moving a group costs no memory, and no group is touched while
// the option it counts for is in the count.
type runoff struct {
	settings   Settings
	rules      irvRules
	groups     []Group
	ballots    int64
	blank      int64
	continuing int64      // ballots that count for an option in this round
	threshold  int64      // votes that win in this round; 0 before the first
	spent      Exhaustion // ballots that no longer count
	votes      []int64    // per option, in this round
	marks      []int64    // per option: ballots that name it
	standing   []bool     // per option
	holds      []int32    // per option: the first group that counts for it, or none
	next       []int32    // per group: the next one that counts for the same option, or none
	resume     []int32    // per group: the tier of its ranking at which to continue when it moves
}

// clone returns a copy of the runoff.
func (c *runoff) clone() *runoff {
	d := *c
	d.votes, d.standing = slices.Clone(c.votes), slices.Clone(c.standing)
	d.holds, d.next, d.resume = slices.Clone(c.holds), slices.Clone(c.next), slices.Clone(c.resume)
	return &d
}

// none ends a list of groups. Group numbers have 32 bits, to halve the memory of a
// count; 2^31 groups would need more than 100 GiB anyway.
const none = -1

func newRunoff(p Profile, s Settings) *runoff {
	options := max(p.Options, 0)
	c := &runoff{
		settings: s,
		rules:    irvRulesOf(s, options),
		groups:   p.Groups,
		votes:    make([]int64, options),
		marks:    make([]int64, options),
		standing: make([]bool, options),
		holds:    make([]int32, options),
		next:     make([]int32, len(p.Groups)),
		resume:   make([]int32, len(p.Groups)),
	}
	for i := range options {
		c.standing[i] = !c.rules.withdrawn[i]
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
		marked := false
		for _, tier := range group.Ranking {
			marked = marked || len(tier) > 0
			for _, option := range tier {
				if seen.first(option) {
					c.marks[option] += group.Weight
				}
			}
		}
		if !marked {
			c.blank += group.Weight
			continue
		}
		c.place(int32(g))
	}
	return c
}

// place makes a group count for the best option still in the count, from its next tier
// on; the earlier options have all left. If there is none, or if a mark on the ballot ends
// it, the group is exhausted and no longer on any list.
func (c *runoff) place(g int32) {
	group := &c.groups[g]
	skipped := 0 // empty ranks since the last one with a mark
	anyMark := c.rules.maxSkipped < 0 && !c.rules.repeatedRankExhausts
	for t := int(c.resume[g]); t < len(group.Ranking); t++ {
		tier := group.Ranking[t]
		if anyMark && len(tier) == 1 { // as on nearly all ballots
			option := tier[0]
			if option < 0 || option >= len(c.standing) || !c.standing[option] {
				continue
			}
			c.countFor(g, option, t)
			return
		}
		if len(tier) == 0 {
			skipped++
			continue
		}
		if c.rules.maxSkipped >= 0 && skipped > c.rules.maxSkipped {
			c.spent.Skipped += group.Weight
			return
		}
		skipped = 0
		if c.rules.repeatedRankExhausts && c.repeats(group.Ranking, t) {
			c.spent.Repeated += group.Weight
			return
		}
		option, overvote := c.pick(tier)
		if overvote {
			c.spent.Overvotes += group.Weight
			return
		}
		if option == none {
			continue
		}
		c.countFor(g, option, t)
		return
	}
	c.spent.Choices += group.Weight
}

// countFor makes a group count for an option that it names in a tier.
func (c *runoff) countFor(g int32, option, tier int) {
	weight := c.groups[g].Weight
	c.resume[g] = int32(tier + 1)
	c.next[g], c.holds[option] = c.holds[option], g
	c.votes[option] += weight
	c.continuing += weight
}

// pick returns the option of a tier that a ballot counts for, or none. overvote reports
// that several options there end the ballot, since no one may choose for its voter.
func (c *runoff) pick(tier []int) (option int, overvote bool) {
	if len(tier) == 1 {
		if c.counts(tier[0]) {
			return tier[0], false
		}
		return none, false
	}
	option = none
	marks, several := 0, false
	for _, o := range tier {
		if o < 0 || o >= len(c.standing) || !c.rules.withdrawn[o] {
			marks++ // also an unknown option is a mark
		}
		if c.counts(o) {
			several = several || option != none && option != o
			option = o
		}
	}
	switch {
	case marks <= 1:
		return option, false
	case c.rules.overvoteSkips:
		return none, false
	case c.rules.overvoteIfOneIsLeft:
		return option, several
	}
	return none, true
}

// counts reports whether an option exists and is in the count.
func (c *runoff) counts(option int) bool {
	return option >= 0 && option < len(c.standing) && c.standing[option]
}

// repeats reports whether a tier names an option that an earlier tier names too.
func (c *runoff) repeats(ranking [][]int, t int) bool {
	for _, option := range ranking[t] {
		if option < 0 || option >= len(c.standing) || c.rules.withdrawn[option] {
			continue
		}
		for _, earlier := range ranking[:t] {
			if slices.Contains(earlier, option) {
				return true
			}
		}
	}
	return false
}

// eliminate takes options out of the count and moves their ballots on.
func (c *runoff) eliminate(options []int) {
	// All leave before any ballot moves; otherwise a ballot could move to one that is
	// leaving.
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
