package tally_test

import (
	"slices"
	"sort"

	"voted/internal/tally"
)

// paperBallot is one ballot of the plain runoff, and what became of it.
type paperBallot struct {
	ranking [][]int
	spent   string // why it counts no longer, for good; "" while it counts
}

// plainPaper counts a runoff by its rules. A tie that would stay open is decided by the list
// if whoever leaves the same options win.
func plainPaper(options int, preferences []tally.Preference, s tally.Settings) plainResult {
	r := plainPaperBy(options, preferences, s, nil)
	if r.unresolved == nil && len(r.winners) < 2 {
		return r
	}
	var elected [][]int // by each order in which the tied can leave
	var from func(script []int)
	from = func(script []int) {
		met := 0
		var further []int
		r := plainPaperBy(options, preferences, s, func(tied []int) int {
			if met++; met <= len(script) {
				return script[met-1]
			}
			if met == len(script)+1 {
				further = slices.Clone(tied)
			}
			return tied[0]
		})
		if further == nil {
			elected = append(elected, r.winners)
		}
		for _, o := range further {
			from(append(slices.Clone(script), o))
		}
	}
	from(nil)
	for _, winners := range elected {
		if !slices.Equal(winners, elected[0]) {
			return r
		}
	}
	// How many orders are counted is the product's own affair.
	p := tally.Profile{Options: options}
	for _, b := range preferences {
		p.Groups = append(p.Groups, tally.Group{Preference: b, Weight: 1})
	}
	s.Ties = tally.TiesListed
	if m, _ := tally.ByName("irv"); m.FromProfile(p, s).OrdersLeft {
		return r
	}
	return plainPaperBy(options, preferences, s, nil)
}

// plainPaperBy counts a runoff: each round reads every ballot from its start. leaves says
// who leaves where nothing decides; it may be nil.
func plainPaperBy(options int, preferences []tally.Preference, s tally.Settings, leaves func(tied []int) int) plainResult {
	r := plainIRV(0, nil) // nothing but the maps
	r.rounds = nil
	rule := func(name, otherwise string) string {
		if v, ok := s.Rules[name]; ok {
			return v.Word
		}
		return otherwise
	}
	withdrawn := map[int]bool{}
	for _, o := range s.Rules["withdrawn"].Options {
		withdrawn[o] = true
	}
	writeIn := -1
	if v, ok := s.Rules["write_in"]; ok && v.Options[0] < options {
		writeIn = v.Options[0]
	}
	var ballots []*paperBallot
	for _, p := range preferences {
		b := &paperBallot{ranking: p.Ranking}
		named := map[int]bool{}
		blank := true
		for _, tier := range p.Ranking {
			for _, o := range tier {
				blank = false
				if 0 <= o && o < options {
					named[o] = true
				}
			}
		}
		for o := range named {
			r.marks[o]++
		}
		if blank {
			b.spent = "blank"
		}
		ballots = append(ballots, b)
	}
	in := map[int]bool{}
	for o := range options {
		in[o] = !withdrawn[o]
	}
	threshold := int64(-1)
	known := false // whether somebody has won, and the count goes on
	for {
		round := plainRound{votes: map[int]int64{}, spent: map[string]int64{}}
		for o := range options {
			if in[o] {
				round.votes[o] = 0
			}
		}
		var counting int64
		for _, b := range ballots {
			o := b.countsFor(in, withdrawn, s, rule)
			if b.spent != "" {
				round.exhausted++
				round.spent[b.spent]++
				continue
			}
			round.votes[o]++
			counting++
		}
		if len(r.rounds) == 0 {
			for o, n := range round.votes {
				r.points[o] = n
			}
		}
		if threshold < 0 || rule("threshold", "active") == "active" && !known {
			threshold = counting/2 + 1
		}
		round.threshold = threshold
		if counting == 0 {
			r.rounds = append(r.rounds, round)
			return r
		}
		var could []int // who can win
		for o := range round.votes {
			if o != writeIn {
				could = append(could, o)
			}
		}
		sort.Slice(could, func(i, j int) bool { return round.votes[could[i]] > round.votes[could[j]] })
		_, writeInStands := round.votes[writeIn]
		ahead := len(could) == 1 || len(could) > 1 && round.votes[could[0]] > round.votes[could[1]]
		wins := len(could) > 0 && round.votes[could[0]] > 0 && (round.votes[could[0]] >= threshold ||
			rule("threshold", "active") == "first_round" && len(could) <= 2 && ahead && !writeInStands)
		if wins && !known {
			known = true
			r.winners = []int{could[0]}
			round.elected = true
			if rule("until", "majority") == "two" && len(could) > 2 {
				r.rounds = append(r.rounds, round)
				continue
			}
		}
		if known && (rule("until", "majority") == "majority" || len(could) <= 2) {
			r.rounds = append(r.rounds, round)
			return r
		}
		if writeInStands {
			round.out = []int{writeIn}
		} else {
			round.out = plainLeavers(round, r.rounds, s, rule)
		}
		if round.out == nil && leaves != nil {
			round.out = []int{leaves(plainStillTied(round, r.rounds))}
		}
		r.rounds = append(r.rounds, round)
		if round.out == nil { // nothing decides
			tied := plainStillTied(round, r.rounds)
			switch {
			case known:
			case s.Ties == tally.TiesReport && len(tied) == len(round.votes):
				r.winners = tied
			default:
				r.unresolved = tied
			}
			return r
		}
		for _, o := range round.out {
			in[o] = false
		}
	}
}

// countsFor reads a ballot from its start.
func (b *paperBallot) countsFor(in, withdrawn map[int]bool, s tally.Settings, rule func(name, otherwise string) string) int {
	if b.spent != "" {
		return -1
	}
	empty := 0
	seen := map[int]bool{}
	for _, tier := range b.ranking {
		if len(tier) == 0 {
			empty++
			continue
		}
		if v, ok := s.Rules["max_skipped"]; ok && empty > v.Count {
			b.spent = "skipped"
			return -1
		}
		empty = 0
		var marks []int
		continuing := map[int]bool{}
		for _, o := range tier {
			if withdrawn[o] {
				continue
			}
			marks = append(marks, o)
			if in[o] {
				continuing[o] = true
			}
		}
		again := false
		for _, o := range marks {
			_, exists := in[o]
			again = again || seen[o] && exists
		}
		for _, o := range marks {
			seen[o] = true
		}
		if again && rule("duplicate", "skip") == "exhaust" {
			b.spent = "repeated"
			return -1
		}
		if len(marks) > 1 {
			switch rule("overvote", "exhaust") {
			case "exhaust":
				b.spent = "overvotes"
			case "skip":
				continue
			default:
				if len(continuing) > 1 {
					b.spent = "overvotes"
				}
			}
			if b.spent != "" {
				return -1
			}
		}
		for o := range continuing {
			return o
		}
	}
	b.spent = "choices"
	return -1
}

func plainLowest(round plainRound) (lowest []int) {
	for o, n := range round.votes {
		least := true
		for _, other := range round.votes {
			least = least && n <= other
		}
		if least {
			lowest = append(lowest, o)
		}
	}
	sort.Ints(lowest)
	return lowest
}

// plainLeavers says who leaves; nil if nothing decides.
func plainLeavers(now plainRound, earlier []plainRound, s tally.Settings, rule func(name, otherwise string) string) []int {
	tied := plainLowest(now)
	most := len(now.votes) - 1
	if rule("until", "majority") == "two" {
		most--
	}
	// Try every number of those who come last, the largest first.
	var order []int
	for o := range now.votes {
		order = append(order, o)
	}
	sort.Slice(order, func(i, j int) bool { return now.votes[order[i]] < now.votes[order[j]] })
	for n := most; n > 1; n-- {
		var sum int64
		for _, o := range order[:n] {
			sum += now.votes[o]
		}
		if sum >= now.votes[order[n]] {
			continue
		}
		switch rule("eliminate", "tied_sure_losers") {
		case "one":
			continue
		case "tied_sure_losers":
			if n != len(tied) {
				continue
			}
		}
		out := slices.Clone(order[:n])
		sort.Ints(out)
		return out
	}
	if tied = plainStillTied(now, earlier); len(tied) == 1 {
		return tied
	}
	switch {
	case s.Ties <= tally.TiesListed:
		return tied[len(tied)-1:]
	case s.Ties == tally.TiesLot && s.Lot != nil:
		for i := len(s.Lot) - 1; i >= 0; i-- {
			if slices.Contains(tied, s.Lot[i]) {
				return s.Lot[i : i+1]
			}
		}
	}
	return nil
}

// plainStillTied are those tied for last whom no earlier round tells apart.
func plainStillTied(now plainRound, earlier []plainRound) []int {
	tied := plainLowest(now)
	for i := len(earlier) - 1; i >= 0 && len(tied) > 1; i-- {
		least := earlier[i].votes[tied[0]]
		for _, o := range tied {
			least = min(least, earlier[i].votes[o])
		}
		var still []int
		for _, o := range tied {
			if earlier[i].votes[o] == least {
				still = append(still, o)
			}
		}
		tied = still
	}
	return tied
}
