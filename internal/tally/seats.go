package tally

import "slices"

// fillSeats elects the best of the options, which are ascending: compare is negative if
// the first one is better. Where equal options cross the last seat, the ladder decides,
// and after it the settings. A tie for the only seat that is to be reported leaves them
// all winners; any other that stays open leaves them unresolved.
func (r *Result) fillSeats(s Settings, options []int, compare func(a, b int) int, l ladder) {
	seats := s.seats()
	r.Ranking = tiers(len(r.Options), options, compare)
	if seats > 1 {
		defer func() { r.Elected = inOrder(r.Ranking, r.Winners) }()
	}
	if len(options) <= seats {
		r.Winners = slices.Clone(options)
		return
	}
	in, equal := by("", compare).split(options, seats)
	if len(in)+len(equal) <= seats {
		r.Winners = ascending(in, equal)
		return
	}
	d := slices.Concat(l, s.winning()).choose(0, equal, seats-len(in))
	r.Ties = append(r.Ties, d.ties...)
	r.Winners = ascending(in, d.chosen)
	r.otherOrders(d)
	left := seats - len(r.Winners)
	switch {
	case left == 0:
	case seats == 1 && s.Ties == TiesReport:
		r.Winners = d.open
		r.Ties[len(r.Ties)-1].Step, r.Ties[len(r.Ties)-1].Chosen = TieReported, slices.Clone(d.open)
	default:
		r.Unresolved = &Unresolved{Seats: left, Options: d.open, Stage: StageLastSeat}
	}
}

// otherOrders records who could have won where an order of the options decided a seat.
func (r *Result) otherOrders(d decision) {
	if n := len(d.ties); n > 0 && d.ties[n-1].Step.ByOrder() {
		for _, option := range d.ties[n-1].Options {
			if !slices.Contains(r.Winners, option) {
				r.OtherOrders = append(r.OtherOrders, option)
			}
		}
	}
}

// tiers ranks options, best first, and then all others of a poll as equals.
func tiers(all int, options []int, compare func(a, b int) int) (ranking [][]int) {
	order := slices.Clone(options)
	slices.SortStableFunc(order, compare)
	for i, option := range order {
		if i > 0 && compare(order[i-1], option) == 0 {
			last := &ranking[len(ranking)-1]
			*last = append(*last, option)
			continue
		}
		ranking = append(ranking, []int{option})
	}
	var rest []int
	for option := range all {
		if !slices.Contains(options, option) {
			rest = append(rest, option)
		}
	}
	if len(options) > 0 && len(rest) > 0 {
		ranking = append(ranking, rest)
	}
	return ranking
}

// inOrder are winners in the order of a ranking.
func inOrder(ranking [][]int, winners []int) (order []int) {
	for _, option := range slices.Concat(ranking...) {
		if slices.Contains(winners, option) {
			order = append(order, option)
		}
	}
	return order
}
