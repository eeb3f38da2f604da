package tally_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

// An order of the options is a lot too: whoever wins by it must be among those that are
// said to win in another order.
func TestWhoWinsByAnyLotIsSaidToWinInAnotherOrder(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, false)
		s := drawSettings(t, m, p.Options)
		if s.Rules["tie_ladder"].Word == "report" {
			return // no order decides anything
		}
		s.Ties = tally.TiesListed
		listed := m.FromProfile(p, s)
		s.Ties, s.Lot = tally.TiesLot, rapid.Permutation(numbers(p.Options)).Draw(t, "order")
		drawn := m.FromProfile(p, s)
		for _, winner := range drawn.Winners {
			if !listed.OrdersLeft && !slices.Contains(listed.Winners, winner) && !slices.Contains(listed.OtherOrders, winner) {
				t.Fatalf("%d wins by the lot %v, but %v win in the order listed and %v are said to win in another", winner, s.Lot, listed.Winners, listed.OtherOrders)
			}
		}
	})
}

// A tie of so many has more orders than can be counted: that is said, and takes no time.
func TestATieOfAllOptionsForAllSeatsEnds(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 60}
	for i := range p.Options {
		g := scored(1, tally.OptionScore{Option: i, Score: 5})
		g.Ranking, g.Choice = [][]int{{i}}, []int{i}
		p.Groups = append(p.Groups, g)
	}
	for _, m := range allMethods(t) {
		s := tally.Settings{Seats: p.Options, Ties: tally.TiesListed}
		if m.OneSeat || m.MaxSeats > 0 {
			s.Seats = max(m.MaxSeats, 1)
		}
		r := m.FromProfile(p, s)
		if len(r.Winners) != s.Seats || s.Seats < p.Options && len(r.OtherOrders) == 0 && !r.OrdersLeft {
			t.Errorf("%s: got %d winners of %d, %d others, left: %v", m.Name, len(r.Winners), s.Seats, len(r.OtherOrders), r.OrdersLeft)
		}
	}
}
