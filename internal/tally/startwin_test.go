package tally_test

import (
	"sort"

	"voted/internal/tally"
)

// plainStar counts STAR by reading every ballot for every question.
func plainStar(options int, ballots []tally.Preference, s tally.Settings) plainResult {
	r := plainSums(tally.Scores, options, ballots)
	r.winnersOnly = true
	ladder := s.Rules["tie_ladder"].Word
	top := s.MaxScore
	if top == 0 {
		top = 5
	}
	points := func(b tally.Preference, o int) int {
		for _, score := range b.Scores { // the first one counts
			if score.Option == o {
				return score.Score
			}
		}
		return 0
	}
	prefer := func(a, b int) (n int) {
		for _, ballot := range ballots {
			if points(ballot, a) > points(ballot, b) {
				n++
			}
		}
		return n
	}
	tops := func(o int) (n int) {
		for _, ballot := range ballots {
			if points(ballot, o) == top {
				n++
			}
		}
		return n
	}
	in := map[int]bool{}
	for o := range options {
		if r.marks[o] > 0 {
			in[o] = true
		}
	}
	for seat := 0; seat < max(s.Seats, 1) && len(in) > 0; seat++ {
		var left []int
		for o := range in {
			left = append(left, o)
		}
		sort.Ints(left)
		winner := left[0]
		if len(left) > 1 {
			pair, open := plainFinalists(left, r.points, prefer, tops, ladder, s)
			if open == nil {
				winner, open = plainRunoff(pair, r.points, prefer, tops, ladder, s)
			}
			if open != nil {
				r.unresolved = open
				return r
			}
		}
		r.winners = append(r.winners, winner)
		sort.Ints(r.winners)
		delete(in, winner)
	}
	return r
}

// plainBest keeps of the options those with the most, as far as places tell them apart:
// those who surely have one, and those who are still equal.
func plainBest(options []int, places int, most func(int) int64) (sure, equal []int) {
	for _, o := range options {
		better, notWorse := 0, 0
		for _, other := range options {
			if most(other) > most(o) {
				better++
			}
			if most(other) >= most(o) {
				notWorse++
			}
		}
		switch {
		case notWorse <= places:
			sure = append(sure, o)
		case better < places:
			equal = append(equal, o)
		}
	}
	return sure, equal
}

// plainLast decides in the end; nil if nothing does.
func plainLast(tied []int, places int, ladder string, s tally.Settings) []int {
	switch {
	case ladder == "report":
		return nil
	case s.Ties <= tally.TiesListed:
		return tied[:places]
	case s.Ties == tally.TiesLot && s.Lot != nil:
		var drawn []int
		for _, o := range s.Lot {
			for _, t := range tied {
				if t == o && len(drawn) < places {
					drawn = append(drawn, o)
				}
			}
		}
		return drawn
	}
	return nil
}

func plainFinalists(left []int, points map[int]int64, prefer func(a, b int) int, tops func(int) int, ladder string, s tally.Settings) (pair, open []int) {
	pair, tied := plainBest(left, 2, func(o int) int64 { return points[o] })
	if len(tied) == 0 {
		return pair, nil
	}
	if ladder != "report" {
		for {
			lost := map[int]int{}
			for _, a := range tied {
				for _, b := range tied {
					if prefer(b, a) > prefer(a, b) {
						lost[a]++
					}
				}
			}
			var stay []int
			for _, a := range tied {
				for _, b := range tied {
					if lost[b] > lost[a] {
						stay = append(stay, a)
						break
					}
				}
			}
			if len(stay)+len(pair) < 2 {
				break
			}
			tied = stay
			if len(stay)+len(pair) == 2 {
				return append(pair, stay...), nil
			}
		}
	}
	if ladder == "official" || ladder == "" {
		sure, equal := plainBest(tied, 2-len(pair), func(o int) int64 { return int64(tops(o)) })
		pair = append(pair, sure...)
		if tied = equal; len(tied) == 0 {
			return pair, nil
		}
	}
	chosen := plainLast(tied, 2-len(pair), ladder, s)
	if chosen == nil {
		return nil, tied
	}
	return append(pair, chosen...), nil
}

func plainRunoff(pair []int, points map[int]int64, prefer func(a, b int) int, tops func(int) int, ladder string, s tally.Settings) (winner int, open []int) {
	sort.Ints(pair)
	a, b := pair[0], pair[1]
	questions := []func(o, other int) int64{func(o, other int) int64 { return int64(prefer(o, other)) }}
	if ladder != "report" {
		questions = append(questions, func(o, _ int) int64 { return points[o] })
	}
	if ladder == "official" || ladder == "" {
		questions = append(questions, func(o, _ int) int64 { return int64(tops(o)) })
	}
	for _, q := range questions {
		switch n, m := q(a, b), q(b, a); {
		case n > m:
			return a, nil
		case n < m:
			return b, nil
		}
	}
	if chosen := plainLast(pair, 1, ladder, s); chosen != nil {
		return chosen[0], nil
	}
	return 0, pair
}
