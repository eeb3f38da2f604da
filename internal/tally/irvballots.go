package tally

import "slices"

// runoff is the state of a count. The ballots that count for an option are a linked list
// through the sheets: so moving a group costs no memory, and no group is touched while the
// option it counts for is in the count.
type runoff struct {
	settings   Settings
	rules      irvRules
	anyOrder   bool // ties that are left open are decided by the list: it cannot matter
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

	// The groups. One that is marked in a way for which there are rules is not on a sheet
	// but read from its ranking: its end is none, and its at is the tier to read next.
	sheets
}

// clone returns a copy of the runoff.
func (c *runoff) clone() *runoff {
	d := *c
	d.votes, d.standing = slices.Clone(c.votes), slices.Clone(c.standing)
	d.holds, d.list = slices.Clone(c.holds), slices.Clone(c.list)
	return &d
}

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
		sheets:   newSheets(p),
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
		if !c.take(int32(g), &seen) {
			c.blank += group.Weight
			continue
		}
		c.place(int32(g))
	}
	return c
}

// take puts a group on its sheet, and reports whether it has a mark.
func (c *runoff) take(g int32, seen *once) (marked bool) {
	group := &c.groups[g]
	s := &c.list[g]
	s.weight, s.at = group.Weight, int32(len(c.order))
	plain := true
	for _, tier := range group.Ranking {
		plain = plain && (len(tier) == 1 || len(tier) == 0 && c.rules.maxSkipped < 0)
		for _, option := range tier {
			marked = true
			if seen.first(option) {
				c.marks[option] += group.Weight
				c.order = append(c.order, int32(option))
			} else {
				plain = plain && !c.rules.repeatedRankExhausts
			}
		}
	}
	if s.end = int32(len(c.order)); !plain {
		c.order = c.order[:s.at]
		s.at, s.end = 0, none
	}
	return marked
}

// place makes a group count for the best option still in the count; the options that it
// has passed over have all left. If there is none, or if a mark on the ballot ends it, the
// group is exhausted and no longer on any list.
func (c *runoff) place(g int32) {
	s := &c.list[g]
	if s.end == none {
		c.placeMarked(g)
	} else if option := c.read(g, c.standing); option != none {
		c.countFor(g, option)
	} else {
		c.spent.Choices += s.weight
	}
}

// placeMarked is place for a group that is not on a sheet.
func (c *runoff) placeMarked(g int32) {
	group, s := &c.groups[g], &c.list[g]
	skipped := 0 // empty ranks since the last one with a mark
	for t := int(s.at); t < len(group.Ranking); t++ {
		tier := group.Ranking[t]
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
		s.at = int32(t + 1)
		c.countFor(g, option)
		return
	}
	c.spent.Choices += group.Weight
}

// countFor makes a group count for an option.
func (c *runoff) countFor(g int32, option int) {
	s := &c.list[g]
	s.next, c.holds[option] = c.holds[option], g
	c.votes[option] += s.weight
	c.continuing += s.weight
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
			following := c.list[g].next
			c.place(g)
			g = following
		}
	}
}
