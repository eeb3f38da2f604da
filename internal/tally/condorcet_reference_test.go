package tally_test

import (
	"math/big"
	"slices"

	"voted/internal/tally"
)

// The methods of pairwise comparisons once more, as plainly as possible: ballot by ballot,
// with the textbook's algorithm and with fractions.

// plainOver asks each ballot, for each two options, which one it has higher.
func plainOver(options int, ballots []tally.Preference, ignore bool) [][]int64 {
	over := make([][]int64, options)
	for a := range over {
		over[a] = make([]int64, options)
		for b := range over[a] {
			for _, ballot := range ballots {
				rankA, rankB := plainRank(ballot, a), plainRank(ballot, b)
				switch {
				case a == b || rankA < 0 || ignore && rankB < 0:
				case rankB < 0 || rankA < rankB:
					over[a][b]++
				}
			}
		}
	}
	return over
}

// plainRank is the place at which a ballot names an option first; -1 if it does not.
func plainRank(ballot tally.Preference, option int) int {
	for i, tier := range ballot.Ranking {
		if slices.Contains(tier, option) {
			return i
		}
	}
	return -1
}

// plainNamed lists the options that some ballot ranks.
func plainNamed(options int, ballots []tally.Preference) (named []int) {
	for o := range options {
		if slices.ContainsFunc(ballots, func(b tally.Preference) bool { return plainRank(b, o) >= 0 }) {
			named = append(named, o)
		}
	}
	return named
}

// plainStrength is how strong the win of one option over another is; 0 if it is none. A
// win that no ballot opposes has a ratio above all others.
func plainStrength(over [][]int64, a, b int, measure string) *big.Rat {
	votes, against := over[a][b], over[b][a]
	switch {
	case votes <= against:
		return new(big.Rat)
	case measure == "margins":
		return big.NewRat(votes-against, 1)
	case measure == "ratio" && against == 0:
		return big.NewRat(1_000_000+votes, 1)
	case measure == "ratio":
		return big.NewRat(votes, against)
	}
	return big.NewRat(votes, 1)
}

// plainSchulze widens paths by each option in turn, as the paper does.
func plainSchulze(over [][]int64, named []int, measure string) (winners []int, paths [][]*big.Rat) {
	paths = make([][]*big.Rat, len(over))
	for a := range over {
		for b := range over {
			paths[a] = append(paths[a], plainStrength(over, a, b, measure))
		}
	}
	for via := range over {
		for a := range over {
			for b := range over {
				narrow := paths[a][via]
				if paths[via][b].Cmp(narrow) < 0 {
					narrow = paths[via][b]
				}
				if a != b && narrow.Cmp(paths[a][b]) > 0 {
					paths[a][b] = narrow
				}
			}
		}
	}
	for _, a := range named {
		if !slices.ContainsFunc(named, func(b int) bool { return paths[b][a].Cmp(paths[a][b]) > 0 }) {
			winners = append(winners, a)
		}
	}
	return winners, paths
}

// plainPair is a pair of options with the winner first.
type plainPair [2]int

// plainPairs lists the pairs that have a winner, the strongest first. Equal ones are as
// less says.
func plainPairs(over [][]int64, measure string, less func(p, q plainPair) bool) []plainPair {
	var pairs []plainPair
	for a := range over {
		for b := range over {
			if over[a][b] > over[b][a] {
				pairs = append(pairs, plainPair{a, b})
			}
		}
	}
	slices.SortStableFunc(pairs, func(p, q plainPair) int {
		if c := plainStrength(over, q[0], q[1], measure).Cmp(plainStrength(over, p[0], p[1], measure)); c != 0 {
			return c
		}
		if p, q := over[p[1]][p[0]], over[q[1]][q[0]]; measure != "margins" && p != q {
			return int(p - q)
		}
		switch {
		case less(p, q):
			return -1
		case less(q, p):
			return 1
		}
		return 0
	})
	return pairs
}

// byOrder is how an order of the options sorts equal pairs.
func byOrder(order []int) func(p, q plainPair) bool {
	return func(p, q plainPair) bool {
		if p[0] != q[0] {
			return slices.Index(order, p[0]) < slices.Index(order, q[0])
		}
		return slices.Index(order, p[1]) > slices.Index(order, q[1])
	}
}

// plainLock keeps those pairs that close no circle with the ones that are kept already.
func plainLock(pairs []plainPair) (locked []plainPair) {
	var leads func(from, to int) bool
	leads = func(from, to int) bool {
		return from == to || slices.ContainsFunc(locked, func(p plainPair) bool { return p[0] == from && leads(p[1], to) })
	}
	for _, p := range pairs {
		if !leads(p[1], p[0]) {
			locked = append(locked, p)
		}
	}
	return locked
}

// plainUnbeaten lists the options to which no locked pair leads, as they are in named.
func plainUnbeaten(locked []plainPair, named []int) (unbeaten []int) {
	for _, o := range named {
		if !slices.ContainsFunc(locked, func(p plainPair) bool { return p[1] == o }) {
			unbeaten = append(unbeaten, o)
		}
	}
	return unbeaten
}

// plainRankedPairs is the winner with an order of the options; -1 if there is none.
func plainRankedPairs(over [][]int64, named, order []int, measure string) (winner int, locked []plainPair) {
	locked = plainLock(plainPairs(over, measure, byOrder(order)))
	unbeaten := plainUnbeaten(locked, named)
	for _, o := range order {
		if slices.Contains(unbeaten, o) {
			return o, locked
		}
	}
	return -1, locked
}

// plainMinimax lists the winners and every option's worst defeat.
func plainMinimax(over [][]int64, named []int, measure string) (winners []int, worst []int64) {
	worst = make([]int64, len(over))
	for a := range over {
		first := true
		for b := range over {
			if a == b {
				continue
			}
			defeat := over[b][a]
			switch {
			case measure == "margins":
				defeat -= over[a][b]
			case measure == "winning_votes" && over[b][a] <= over[a][b]:
				defeat = 0
			}
			if first || defeat > worst[a] {
				worst[a], first = defeat, false
			}
		}
	}
	for _, a := range named {
		if !slices.ContainsFunc(named, func(b int) bool { return worst[b] < worst[a] }) {
			winners = append(winners, a)
		}
	}
	return winners, worst
}

// plainCopeland lists the winners and every option's wins.
func plainCopeland(over [][]int64, named []int) (winners []int, wins []*big.Rat) {
	for a := range over {
		sum := new(big.Rat)
		for b := range over {
			switch {
			case a == b:
			case over[a][b] > over[b][a]:
				sum.Add(sum, big.NewRat(1, 1))
			case over[a][b] == over[b][a]:
				sum.Add(sum, big.NewRat(1, 2))
			}
		}
		wins = append(wins, sum)
	}
	for _, a := range named {
		if !slices.ContainsFunc(named, func(b int) bool { return wins[b].Cmp(wins[a]) > 0 }) {
			winners = append(winners, a)
		}
	}
	return winners, wins
}

// plainSmith tries all sets, the smallest first.
func plainSmith(over [][]int64, named []int) []int {
	var smallest []int
	for set := range 1 << len(named) {
		var in, out []int
		for i, o := range named {
			if set>>i&1 == 1 {
				in = append(in, o)
			} else {
				out = append(out, o)
			}
		}
		dominates := len(in) > 0
		for _, a := range in {
			for _, b := range out {
				dominates = dominates && over[a][b] > over[b][a]
			}
		}
		if dominates && (smallest == nil || len(in) < len(smallest)) {
			smallest = in
		}
	}
	return smallest
}

// The methods with their defaults, to be compared as all methods are.

func plainCondorcet(options int, ballots []tally.Preference, winners func(over [][]int64, named []int) []int) plainResult {
	r := plainResult{points: map[int]int64{}, marks: map[int]int64{}}
	for o := range options {
		for _, b := range ballots {
			if plainRank(b, o) >= 0 {
				r.marks[o]++
			}
		}
	}
	r.winners = winners(plainOver(options, ballots, false), plainNamed(options, ballots))
	return r
}

func plainSchulzeDefault(options int, ballots []tally.Preference) plainResult {
	return plainCondorcet(options, ballots, func(over [][]int64, named []int) []int {
		winners, _ := plainSchulze(over, named, "winning_votes")
		return winners
	})
}

func plainRankedPairsDefault(options int, ballots []tally.Preference) plainResult {
	return plainCondorcet(options, ballots, func(over [][]int64, named []int) []int {
		if winner, _ := plainRankedPairs(over, named, numbers(options), "winning_votes"); winner >= 0 {
			return []int{winner}
		}
		return nil
	})
}

func plainMinimaxDefault(options int, ballots []tally.Preference) plainResult {
	return plainCondorcet(options, ballots, func(over [][]int64, named []int) []int {
		winners, _ := plainMinimax(over, named, "winning_votes")
		return winners
	})
}

func plainCopelandDefault(options int, ballots []tally.Preference) plainResult {
	return plainCondorcet(options, ballots, func(over [][]int64, named []int) []int {
		winners, _ := plainCopeland(over, named)
		return winners
	})
}
