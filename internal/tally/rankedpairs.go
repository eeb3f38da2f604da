package tally

import (
	"cmp"
	"slices"
)

// rankedPairs locks pairwise wins one after the other, the strongest first, and passes
// over each that would close a circle of locked ones. The option to which no locked win
// leads is elected. Pairs of equal strength are locked in the order that an order of the
// options gives; other orders are tried too, to see whether they would elect another.
//
// Source: T. N. Tideman, "Independence of clones as a criterion for voting rules", Social
// Choice and Welfare 4 (1987) 185-206; the order of equal pairs from T. M. Zavist and
// T. N. Tideman, "Complete independence of clones in the ranked pairs rule", same journal
// 6 (1989) 167-173: first the pair whose winner is earlier, then the one whose loser is
// later. Two options with equal votes are no pair, so no lot decides between them unless
// both are unbeaten.
var rankedPairs = Method{
	Name:        "ranked_pairs",
	Title:       "Ranked pairs",
	Form:        Ranking,
	Ties:        true,
	OneSeat:     true,
	DefaultTies: TiesListed,
	Rules:       []Rule{rankedPairsStrength, unrankedRule},
	compared:    compareRankedPairs,
}

var rankedPairsStrength = Rule{
	Name:  "strength",
	Words: []string{"winning_votes", "margins"},
	Help:  "What makes a pairwise win strong: its votes, and if these are equal the fewer votes against it; or how many more its votes are.",
}

// byVotesThenOpposition goes by winning votes; if they are equal, the link with fewer
// votes against it is stronger.
func byVotesThenOpposition(a, b link) int {
	return cmp.Or(byWinningVotes(a, b), cmp.Compare(b.lost, a.lost))
}

func compareRankedPairs(pairs Pairwise, s Settings) Result {
	r := pairs.result(rankedPairsTieBreaking(s))
	compare := byVotesThenOpposition
	if s.word(rankedPairsStrength) == "margins" {
		compare = byMargin
	}
	levels := pairs.levels(compare)
	order := s.winningOrder(pairs.Options())
	locked, connected, certain := lockPairs(levels, pairs.Options(), order)
	r.Locked = locked
	if certain || order != nil {
		r.Dropped = connected.dropped(levels)
	}
	unbeaten := connected.unreached(pairs.candidates())
	switch {
	case certain || len(unbeaten) == 0: // none is unbeaten if no ballot ranks any, or sums overflowed
		r.fillSeats(s, unbeaten, allEqual, nil)
	case order == nil:
		r.electPossible(s, newOrders(levels, pairs), nil)
		r.Ranking = nil
		return r
	default:
		winner := firstIn(order, unbeaten)
		search := newOrders(levels, pairs)
		search.found[winner] = true
		r.electPossible(s, search, ladder{only(s.winning()[0].step, winner)})
	}
	r.Ranking = connected.ranking(pairs)
	return r
}

// dropped are the pairs that close a circle with what is locked, the strongest first.
func (r *reach) dropped(levels [][]link) (pairs [][2]int) {
	for _, level := range levels {
		for _, l := range level {
			if r.has(l.to, l.from) {
				pairs = append(pairs, [2]int{int(l.from), int(l.to)})
			}
		}
	}
	return pairs
}

// ranking is the order of the candidates by what is locked; options that no ballot ranks
// come last.
func (r *reach) ranking(pairs Pairwise) [][]int {
	candidates := pairs.candidates()
	place := places(layers(candidates, func(a, b int) bool { return r.has(int32(a), int32(b)) }), pairs.Options())
	return tiers(pairs.Options(), candidates, func(a, b int) int { return cmp.Compare(place[a], place[b]) })
}

// electPossible elects among all options that could win with equal pairs in some order.
// Unless the ladder decides, an option is elected only if it wins in all of them.
func (r *Result) electPossible(s Settings, search *orders, decided ladder) {
	possible, all := search.winners()
	r.OrdersLeft = !all
	if decided == nil && !all {
		// Whoever can win is in the Smith set, found or not.
		r.Unresolved = &Unresolved{Seats: 1, Options: slices.Clone(r.Smith), Stage: StageLastSeat}
		r.Ties = append(r.Ties, Tie{Options: slices.Clone(r.Smith), Step: TieOpen})
		return
	}
	r.fillSeats(s, possible, allEqual, decided)
}

func allEqual(int, int) int { return 0 }

// only is a rung that has one winner.
func only(step TieStep, winner int) rung {
	return by(step, func(a, b int) int {
		switch winner {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
}

// firstIn is the first of some options in an order.
func firstIn(order, options []int) int {
	return order[slices.IndexFunc(order, func(option int) bool { return slices.Contains(options, option) })]
}

func rankedPairsTieBreaking(s Settings) string {
	switch {
	case len(s.winning()) > 0 && s.Ties == TiesListed:
		return "Pairs of equal strength are locked in the order in which the poll lists the options: first the pair whose winner is " +
			"listed earlier, then the one whose loser is listed later. Of several unbeaten options, the one listed first wins."
	case len(s.winning()) > 0:
		return "Pairs of equal strength are locked in the order of the lot: first the pair whose winner was drawn earlier, then the " +
			"one whose loser was drawn later. Of several unbeaten options, the one that was drawn first wins."
	}
	return "Where pairs of equal strength can be locked in several orders, options that win in one of them are tied: " + s.lastTieBreak() + "."
}

// winningOrder lists all options in the order that decides ties, the first to win first;
// nil if nothing decides them.
func (s Settings) winningOrder(options int) []int {
	l := s.winning()
	if len(l) == 0 {
		return nil
	}
	order := make([]int, options)
	for i := range order {
		order[i] = i
	}
	if s.Ties == TiesLot {
		slices.SortStableFunc(order, s.byLot)
	}
	return order
}

// placesIn gives, for each option, its place in an order of all options.
func placesIn(order []int) []int {
	place := make([]int, len(order))
	for i, option := range order {
		place[option] = i
	}
	return place
}

// lockPairs locks levels of equal pairs, the strongest first, and returns the locked pairs
// with what they connect. certain reports that every order of the options locks the same
// pairs. If it is false and no order is given, the pairs are those of the levels before
// the first one where orders differ, and connected has no meaning.
func lockPairs(levels [][]link, options int, order []int) (locked [][2]int, connected *reach, certain bool) {
	connected = newReach(options)
	certain = true
	place := placesIn(order)
	for _, level := range levels {
		level = connected.fitting(level)
		if order != nil {
			slices.SortFunc(level, func(a, b link) int {
				return cmp.Or(cmp.Compare(place[a.from], place[b.from]), cmp.Compare(place[b.to], place[a.to]))
			})
		}
		before := len(locked)
		for _, l := range level {
			if connected.has(l.to, l.from) {
				certain = false
				if order == nil {
					return locked[:before], connected, false
				}
				continue
			}
			connected.add(l.from, l.to, nil)
			locked = append(locked, [2]int{int(l.from), int(l.to)})
		}
	}
	return locked, connected, certain
}
