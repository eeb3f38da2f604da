package tally_test

import (
	"math/big"

	"voted/internal/tally"
)

// plainBorda gives points ballot by ballot.
func plainBorda(options int, ballots []tally.Preference, s tally.Settings) plainResult {
	r := plainResult{points: map[int]int64{}, marks: map[int]int64{}, exact: map[int]*big.Rat{}}
	for o := range options {
		r.exact[o] = new(big.Rat)
	}
	scheme := s.Rules["points"].Word
	for _, b := range ballots {
		named := map[int]bool{}
		var tiers [][]int
		for _, tier := range b.Ranking {
			var valid []int
			for _, o := range tier {
				if 0 <= o && o < options && !named[o] {
					named[o] = true
					valid = append(valid, o)
				}
			}
			tiers = append(tiers, valid)
		}
		if len(named) == 0 {
			continue
		}
		worth := func(place int) *big.Rat { // places count from 0
			switch scheme {
			case "n":
				return big.NewRat(int64(options-place), 1)
			case "dowdall":
				return big.NewRat(1, int64(place+1))
			case "modified":
				return big.NewRat(int64(len(named)-place), 1)
			}
			return big.NewRat(int64(options-1-place), 1)
		}
		if scheme != "modified" && s.Rules["unranked"].Word != "zero" {
			var rest []int
			for o := range options {
				if !named[o] {
					rest = append(rest, o)
				}
			}
			tiers = append(tiers, rest)
		}
		place := 0
		for _, tier := range tiers {
			share := new(big.Rat)
			for range tier {
				share.Add(share, worth(place))
				place++
			}
			for _, o := range tier {
				r.exact[o].Add(r.exact[o], new(big.Rat).Quo(share, big.NewRat(int64(len(tier)), 1)))
			}
		}
		for o := range named {
			r.marks[o]++
		}
	}
	r.seat(options, s, tally.TiesReport,
		func(o int) bool { return r.marks[o] > 0 },
		func(a, b int) bool { return r.exact[a].Cmp(r.exact[b]) > 0 })
	return r
}

// plainAllocation elects by allocated score, with a share of its own for each ballot.
func plainAllocation(options int, ballots []tally.Preference, s tally.Settings) plainResult {
	r := plainSums(tally.Scores, options, ballots)
	r.winnersOnly = true
	var given []map[int]int
	var shares []*big.Rat
	for _, b := range ballots {
		scores := map[int]int{}
		for _, score := range b.Scores {
			if _, again := scores[score.Option]; !again && 0 <= score.Option && score.Option < options {
				scores[score.Option] = score.Score
			}
		}
		if len(scores) > 0 {
			given, shares = append(given, scores), append(shares, big.NewRat(1, 1))
		}
	}
	seats := max(s.Seats, 1)
	in := map[int]bool{}
	for o := range options {
		if r.marks[o] > 0 {
			in[o] = true
		}
	}
	for seat := 0; seat < seats && len(in) > 0; seat++ {
		value := func(ballot, option int) *big.Rat {
			return new(big.Rat).Mul(shares[ballot], big.NewRat(int64(given[ballot][option]), 1))
		}
		var tied []int
		var most *big.Rat
		sums := map[int]*big.Rat{}
		r.sums = append(r.sums, sums)
		for o := range options {
			if !in[o] {
				continue
			}
			sum := new(big.Rat)
			for i := range given {
				sum.Add(sum, value(i, o))
			}
			sums[o] = sum
			switch {
			case most == nil || sum.Cmp(most) > 0:
				tied, most = []int{o}, sum
			case sum.Cmp(most) == 0:
				tied = append(tied, o)
			}
		}
		if len(tied) > 1 {
			chosen := plainLast(tied, 1, "", s)
			if chosen == nil {
				r.unresolved = tied
				return r
			}
			tied = chosen
		}
		winner := tied[0]
		delete(in, winner)
		r.winners = ascendingWith(r.winners, winner)
		// Use up a quota, from the highest value down.
		left := big.NewRat(int64(len(given)), int64(seats))
		done := map[int]bool{}
		for left.Sign() > 0 {
			var top *big.Rat
			var level []int
			for i := range given {
				v := value(i, winner)
				switch {
				case done[i] || v.Sign() == 0:
				case top == nil || v.Cmp(top) > 0:
					top, level = v, []int{i}
				case v.Cmp(top) == 0:
					level = append(level, i)
				}
			}
			if level == nil {
				break
			}
			sum := new(big.Rat)
			for _, i := range level {
				sum.Add(sum, shares[i])
				done[i] = true
			}
			keep := new(big.Rat)
			if sum.Cmp(left) > 0 {
				keep.Quo(new(big.Rat).Sub(sum, left), sum)
			}
			left.Sub(left, sum)
			for _, i := range level {
				shares[i] = new(big.Rat).Mul(shares[i], keep)
			}
		}
	}
	return r
}

func ascendingWith(list []int, option int) []int {
	for i, o := range list {
		if o > option {
			return append(append(append([]int{}, list[:i]...), option), list[i:]...)
		}
	}
	return append(list, option)
}
