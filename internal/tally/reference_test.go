package tally_test

import (
	"math/big"
	"sort"

	"voted/internal/tally"
)

// The methods once more, as plainly as possible and ballot by ballot: every
// round reads every ballot from its start, nothing is carried from one round to
// the next. Slow, and written without a look at the real thing, to be compared
// with it. A ballot here is one voter's preference.

// ballotsOf hands out each group's preference as often as its weight says.
func ballotsOf(p tally.Profile) []tally.Preference {
	var ballots []tally.Preference
	for _, g := range p.Groups {
		for n := int64(0); n < g.Weight; n++ {
			ballots = append(ballots, g.Preference)
		}
	}
	return ballots
}

type plainResult struct {
	points, marks map[int]int64
	winners       []int
	unresolved    []int
	exact         map[int]*big.Rat   // points, where they have fractions
	sums          []map[int]*big.Rat // by round: what is left of the scores of those who stand
	winnersOnly   bool               // it says nothing of rounds
	byDefault     bool               // it is of the default settings, whatever was asked for
	rounds        []plainRound
}

type plainRound struct {
	votes     map[int]int64 // of those standing only
	out       []int
	exhausted int64

	spent     map[string]int64 // exhausted ballots by reason
	threshold int64
	elected   bool // whether somebody is elected
}

func plainSums(form tally.Form, options int, ballots []tally.Preference) plainResult {
	r := plainResult{points: map[int]int64{}, marks: map[int]int64{}}
	for _, b := range ballots {
		given := map[int]int{}
		switch form {
		case tally.Choice:
			for _, o := range b.Choice {
				given[o] = 1
			}
		case tally.Scores:
			for i := len(b.Scores) - 1; i >= 0; i-- { // so that the first one stays
				given[b.Scores[i].Option] = b.Scores[i].Score
			}
		}
		for o, n := range given {
			if 0 <= o && o < options {
				r.points[o] += int64(n)
				r.marks[o]++
			}
		}
	}
	return r
}

func plainPlurality(options int, ballots []tally.Preference, s tally.Settings) plainResult {
	if s.MaxChoices > 0 {
		panic("the plain twin has no overvotes")
	}
	r := plainSums(tally.Choice, options, ballots)
	r.seat(options, s, tally.TiesReport,
		func(o int) bool { return r.points[o] > 0 },
		func(a, b int) bool { return r.points[a] > r.points[b] })
	return r
}

func plainScore(options int, ballots []tally.Preference, s tally.Settings) plainResult {
	r := plainSums(tally.Scores, options, ballots)
	if s.Rules["by"].Word != "mean" {
		r.seat(options, s, tally.TiesReport,
			func(o int) bool { return r.marks[o] > 0 },
			func(a, b int) bool { return r.points[a] > r.points[b] })
		return r
	}
	least := int64(max(s.Rules["min_scores"].Count, 1))
	r.seat(options, s, tally.TiesReport,
		func(o int) bool { return r.marks[o] >= least },
		func(a, b int) bool { return r.points[a]*r.marks[b] > r.points[b]*r.marks[a] })
	return r
}

// seat fills the seats: an option surely has one if those who are not worse, itself too,
// have room, and surely has none if those who are better fill all.
func (r *plainResult) seat(options int, s tally.Settings, otherwise tally.TieBreak, can func(int) bool, better func(a, b int) bool) {
	ties, seats := s.Ties, max(s.Seats, 1)
	if ties == tally.TiesDefault {
		ties = otherwise
	}
	var tied []int
	for o := range options {
		ahead, notBehind := 0, 0
		for other := range options {
			if can(other) && better(other, o) {
				ahead++
			}
			if can(other) && !better(o, other) {
				notBehind++
			}
		}
		switch {
		case !can(o) || ahead >= seats:
		case notBehind <= seats:
			r.winners = append(r.winners, o)
		default:
			tied = append(tied, o)
		}
	}
	if len(tied) == 0 {
		return
	}
	left := seats - len(r.winners)
	switch {
	case ties == tally.TiesListed:
		r.winners = append(r.winners, tied[:left]...)
	case ties == tally.TiesLot && s.Lot != nil:
		for _, o := range s.Lot {
			for _, t := range tied {
				if t == o && left > 0 {
					r.winners = append(r.winners, o)
					left--
				}
			}
		}
	case ties == tally.TiesReport && seats == 1:
		r.winners = tied
	default:
		r.unresolved = tied
	}
	sort.Ints(r.winners)
}

// plainIRV counts a runoff.
func plainIRV(options int, ballots []tally.Preference) plainResult {
	r := plainResult{points: map[int]int64{}, marks: map[int]int64{}}
	for _, b := range ballots {
		named := map[int]bool{}
		for _, tier := range b.Ranking {
			for _, o := range tier {
				if 0 <= o && o < options && !named[o] {
					named[o] = true
					r.marks[o]++
				}
			}
		}
	}
	gone := map[int]bool{}
	for {
		round := plainCount(options, gone, ballots)
		var all int64
		for _, n := range round.votes {
			all += n
		}
		if len(r.rounds) == 0 {
			for o, n := range round.votes {
				r.points[o] = n
			}
		}
		if all > 0 {
			for o, n := range round.votes {
				if float64(n) > float64(all)/2 {
					r.winners = []int{o}
				}
			}
		}
		if all > 0 && r.winners == nil {
			round.out = plainLosers(round, r.rounds)
			for _, o := range round.out {
				gone[o] = true
			}
		}
		r.rounds = append(r.rounds, round)
		if round.out == nil {
			return r
		}
	}
}

// plainCount lets each ballot say who it is for.
func plainCount(options int, gone map[int]bool, ballots []tally.Preference) plainRound {
	round := plainRound{votes: map[int]int64{}}
	for o := range options {
		if !gone[o] {
			round.votes[o] = 0
		}
	}
	for _, b := range ballots {
		if o := plainChoice(round.votes, b.Ranking); o >= 0 {
			round.votes[o]++
		} else {
			round.exhausted++
		}
	}
	return round
}

func plainChoice(standing map[int]int64, ranking [][]int) int {
	for _, tier := range ranking {
		if len(tier) > 1 {
			return -1
		}
		for _, o := range tier {
			if _, ok := standing[o]; ok {
				return o
			}
		}
	}
	return -1
}

// plainLosers sorts the standing from the first to go to the last: by votes now,
// then by votes in each earlier round from the latest, then by the list.
func plainLosers(now plainRound, earlier []plainRound) []int {
	var order []int
	for o := range now.votes {
		order = append(order, o)
	}
	history := append(append([]plainRound{}, earlier...), now)
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		for k := len(history) - 1; k >= 0; k-- {
			if history[k].votes[a] != history[k].votes[b] {
				return history[k].votes[a] < history[k].votes[b]
			}
		}
		return a > b
	})
	low := now.votes[order[0]]
	n := 1
	for n < len(order) && now.votes[order[n]] == low {
		n++
	}
	if n > 1 && n < len(order) && low*int64(n) < now.votes[order[n]] {
		together := append([]int{}, order[:n]...)
		sort.Ints(together)
		return together
	}
	return order[:1]
}

// plainWinnersInAnyOrder counts a runoff once for each way in which the list could have
// decided its ties, and returns everyone who wins in one of them.
func plainWinnersInAnyOrder(options int, ballots []tally.Preference) map[int]bool {
	winners := map[int]bool{}
	var from func(gone map[int]bool, earlier []plainRound)
	from = func(gone map[int]bool, earlier []plainRound) {
		round := plainCount(options, gone, ballots)
		var all int64
		for _, n := range round.votes {
			all += n
		}
		for o, n := range round.votes {
			if 2*n > all {
				winners[o] = true
				return
			}
		}
		if all == 0 {
			return
		}
		for _, out := range plainChoices(round, earlier) {
			further := map[int]bool{}
			for o := range gone {
				further[o] = true
			}
			for _, o := range out {
				further[o] = true
			}
			from(further, append(append([]plainRound{}, earlier...), round))
		}
	}
	from(map[int]bool{}, nil)
	return winners
}

// plainChoices are all who could go after a round: several only where nothing but the
// list decides.
func plainChoices(now plainRound, earlier []plainRound) (choices [][]int) {
	chosen := plainLosers(now, earlier)
	if len(chosen) > 1 {
		return [][]int{chosen}
	}
	for o := range now.votes {
		equal := now.votes[o] == now.votes[chosen[0]]
		for _, before := range earlier {
			equal = equal && before.votes[o] == before.votes[chosen[0]]
		}
		if equal {
			choices = append(choices, []int{o})
		}
	}
	return choices
}
