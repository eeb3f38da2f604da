package tally_test

import (
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
	rounds        []plainRound
}

type plainRound struct {
	votes     map[int]int64 // of those standing only
	out       []int
	exhausted int64
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

func plainPlurality(options int, ballots []tally.Preference) plainResult {
	r := plainSums(tally.Choice, options, ballots)
	for o := range options {
		beaten := r.points[o] == 0
		for other := range options {
			beaten = beaten || r.points[other] > r.points[o]
		}
		if !beaten {
			r.winners = append(r.winners, o)
		}
	}
	return r
}

func plainScore(options int, ballots []tally.Preference) plainResult {
	r := plainSums(tally.Scores, options, ballots)
	for o := range options {
		beaten := r.marks[o] == 0
		for other := range options {
			beaten = beaten || (r.marks[other] > 0 && r.points[other] > r.points[o])
		}
		if !beaten {
			r.winners = append(r.winners, o)
		}
	}
	return r
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
