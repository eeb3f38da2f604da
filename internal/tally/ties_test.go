package tally_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

func TestATieIsSaidStepByStepWithWhoElseCouldHaveWon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		method  string
		options int
		groups  []tally.Group
		winners []int
		ties    []tally.Tie
		others  []int
	}{
		{"no tie", "irv", 3, []tally.Group{ranked(3, 0), ranked(2, 1), ranked(1, 2)}, []int{0}, nil, nil},
		{
			"an instant runoff in which all options tie", "irv", 3,
			[]tally.Group{ranked(1, 0), ranked(1, 1), ranked(1, 2)},
			[]int{0},
			[]tally.Tie{{1, []int{0, 1, 2}, tally.TieListed, []int{2}}, {2, []int{0, 1}, tally.TieListed, []int{1}}},
			[]int{1, 2},
		},
		{
			"the last two tie", "irv", 2,
			[]tally.Group{ranked(5, 1), ranked(5, 0)},
			[]int{0},
			[]tally.Tie{{1, []int{0, 1}, tally.TieListed, []int{1}}},
			[]int{1},
		},
		{
			"a tie that does not matter in the end", "irv", 4,
			[]tally.Group{ranked(9, 0), ranked(5, 1), ranked(3, 2, 0), ranked(3, 3, 0)},
			[]int{0},
			[]tally.Tie{{1, []int{2, 3}, tally.TieListed, []int{3}}},
			nil,
		},
		{
			"a tie that an earlier round decides leaves no other order", "irv", 3,
			[]tally.Group{ranked(50, 0), ranked(30, 1), ranked(20, 2, 1)},
			[]int{0},
			[]tally.Tie{{2, []int{0, 1}, tally.TieEarlierRound, []int{1}}},
			nil,
		},
		{
			"options that go together leave no other order", "irv", 5,
			[]tally.Group{ranked(4, 0, 3), ranked(3, 1, 4), ranked(2, 2, 1)},
			[]int{1},
			[]tally.Tie{{1, []int{3, 4}, tally.TieTogether, []int{3, 4}}},
			nil,
		},
		{
			"equals of which an earlier round leaves two to the list", "irv", 4,
			[]tally.Group{ranked(4, 0), ranked(3, 1), ranked(3, 2), ranked(1, 3, 1), ranked(1, 3, 2)},
			[]int{0},
			[]tally.Tie{
				{2, []int{0, 1, 2}, tally.TieEarlierRound, []int{1, 2}},
				{2, []int{1, 2}, tally.TieListed, []int{2}},
				{3, []int{0, 1}, tally.TieEarlierRound, []int{1}},
			},
			nil,
		},
		{"the most votes twice", "plurality", 3, []tally.Group{chosen(2, 0), chosen(2, 2), chosen(1, 1)}, []int{0, 2}, []tally.Tie{{0, []int{0, 2}, tally.TieReported, []int{0, 2}}}, nil},
		{"the most approvals once", "approval", 3, []tally.Group{chosen(2, 0, 1), chosen(2, 1)}, []int{1}, nil, nil},
		{"the highest sum twice", "score", 2, []tally.Group{scored(1, tally.OptionScore{Option: 0, Score: 3}, tally.OptionScore{Option: 1, Score: 3})}, []int{0, 1}, []tally.Tie{{0, []int{0, 1}, tally.TieReported, []int{0, 1}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := method(t, c.method).FromProfile(tally.Profile{Options: c.options, Groups: c.groups}, tally.Settings{})
			if !slices.Equal(r.Winners, c.winners) || !reflect.DeepEqual(r.Ties, c.ties) || !slices.Equal(r.OtherOrders, c.others) || r.OrdersLeft {
				t.Errorf("got %v won, ties %v, others %v, left %v", r.Winners, r.Ties, r.OtherOrders, r.OrdersLeft)
			}
		})
	}
}

func TestWhoElseCouldHaveWonIsWhoWinsInAnotherOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t, true)
		r := runoffOf(t).FromProfile(p, tally.Settings{})
		could := plainWinnersInAnyOrder(p.Options, ballotsOf(p))
		for _, winner := range r.Winners {
			delete(could, winner)
		}
		for _, o := range r.OtherOrders {
			if !could[o] {
				t.Fatalf("%d is said to win in another order and does not", o)
			}
			delete(could, o)
		}
		if !r.OrdersLeft && len(could) > 0 {
			t.Fatalf("%v could have won as well, which is not said", could)
		}
	})
}

func TestOrdersThatAreTooManyAreNotAllCountedAndThatIsSaid(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 12}
	for i := range p.Options {
		p.Groups = append(p.Groups, ranked(1, i))
	}
	r := method(t, "irv").FromProfile(p, tally.Settings{})
	if !r.OrdersLeft || len(r.OtherOrders) == 0 {
		t.Errorf("got %v and left %v", r.OtherOrders, r.OrdersLeft)
	}
}

// Each round has at most one decision, whose last step says who went.
func TestTheLastStepOfARoundsTieIsWhoWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := runoffOf(t).FromProfile(drawProfile(t, true), tally.Settings{})
		last := map[int]tally.Tie{}
		for _, tie := range r.Ties {
			if before, again := last[tie.Round]; again && !slices.Equal(before.Chosen, tie.Options) {
				t.Fatalf("%v does not take up %v", tie, before)
			}
			last[tie.Round] = tie
		}
		for i, round := range r.Rounds {
			tie, tied := last[i+1]
			if tied != (round.Decided != "") || tied && !slices.Equal(tie.Chosen, round.Eliminated) {
				t.Fatalf("round %d: %v went, %q, but the tie is %v", i+1, round.Eliminated, round.Decided, tie)
			}
		}
	})
}

func runoffOf(t *rapid.T) tally.Method {
	m, ok := tally.ByName("irv")
	if !ok {
		t.Fatal("there is no instant runoff")
	}
	return m
}

// drawEqual makes a small profile with many ties, for any method.
func drawEqual(t *rapid.T) tally.Profile {
	p := tally.Profile{Options: rapid.IntRange(2, 4).Draw(t, "options")}
	for range rapid.IntRange(1, 5).Draw(t, "groups") {
		order := rapid.Permutation(numbers(p.Options)).Draw(t, "order")
		order = order[:rapid.IntRange(1, len(order)).Draw(t, "named")]
		g := ranked(rapid.Int64Range(1, 2).Draw(t, "weight"), order...)
		g.Choice = order[:1]
		for i, option := range order {
			g.Scores = append(g.Scores, tally.OptionScore{Option: option, Score: max(3-i, 1)})
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

// What each method must say of each tie, whatever decides it: who was equal, the step, and
// who else could have won.
func TestEveryMethodNamesItsTiesAndWhoElseCouldHaveWon(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawEqual(t)
		s := drawSettings(t, m, p.Options)
		s.Lot, s.Seats = nil, min(s.Seats, 2)
		some, all := winnersOfAllLots(m, p, s)
		differ := false
		for o := range p.Options {
			differ = differ || some[o] != all[o]
		}
		s.Ties, s.Lot = tally.TiesLot, rapid.Permutation(numbers(p.Options)).Draw(t, "lot")
		for _, ties := range []tally.TieBreak{tally.TiesListed, tally.TiesLot, tally.TiesReport} {
			s.Ties = ties
			r := m.FromProfile(p, s)
			checkTies(t, r)
			last := tally.TieStep("none")
			ordered := false
			for _, tie := range r.Ties {
				last, ordered = tie.Step, ordered || tie.Step.ByOrder()
			}
			switch {
			case !differ:
			case s.Rules["tie_ladder"].Word == "report", ties == tally.TiesReport:
				if last != tally.TieOpen && last != tally.TieReported || (last == tally.TieOpen) != (r.Unresolved != nil) {
					t.Fatalf("lots elect different options, but the last step is %s and open is %v", last, r.Unresolved)
				}
			case !ordered:
				t.Fatalf("%s decides who wins, but no tie says so: %v", ties, r.Ties)
			default:
				for o := range p.Options {
					if could := slices.Contains(r.Winners, o) || slices.Contains(r.OtherOrders, o); some[o] && !could && !r.OrdersLeft {
						t.Fatalf("%s: %v won, and by other orders %v; option %d could have too", ties, r.Winners, r.OtherOrders, o)
					}
				}
			}
		}
	})
}

// checkTies checks that each step says who was equal, and picks of these.
func checkTies(t *rapid.T, r tally.Result) {
	for _, tie := range r.Ties {
		if len(tie.Options) < 2 || tie.Step == "" || tie.Round > len(r.Rounds) || (len(tie.Chosen) == 0) != (tie.Step == tally.TieOpen) {
			t.Fatalf("a tie says too little: %+v", tie)
		}
		for _, o := range tie.Chosen {
			if !slices.Contains(tie.Options, o) {
				t.Fatalf("option %d is picked, and was not equal: %+v", o, tie)
			}
		}
	}
	for _, o := range r.OtherOrders {
		if slices.Contains(r.Winners, o) {
			t.Fatalf("option %d won, and could have: %v", o, r.OtherOrders)
		}
	}
}

func TestAnInstantRunoffLeavesATieOpenOnlyWhereALotChangesWhoWins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawTied(t)
		irv := runoffOf(t)
		s := drawSettings(t, irv, p.Options)
		s.Ties, s.Lot = rapid.SampledFrom([]tally.TieBreak{tally.TiesLot, tally.TiesReport}).Draw(t, "ties"), nil
		r := irv.FromProfile(p, s)
		some, all := winnersOfAllLots(irv, p, s)
		reported := len(r.Ties) > 0 && r.Ties[len(r.Ties)-1].Step == tally.TieReported
		differ := false
		for o := range p.Options {
			differ = differ || some[o] != all[o]
			if won := slices.Contains(r.Winners, o); won && !reported && !all[o] || !won && r.Unresolved == nil && some[o] {
				t.Fatalf("option %d wins by some lots: %v, by all: %v; the result is %+v", o, some[o], all[o], r)
			}
		}
		if open := r.Unresolved != nil || reported; open != differ {
			t.Fatalf("a tie is open: %v; lots elect different options: %v", open, differ)
		}
	})
}

// 0 wins in whatever order the others leave. With four of them all orders can be counted;
// with eleven there are too many, so nothing is said for certain.
func TestARunoffsTieThatCannotMatterIsDecidedWithoutALot(t *testing.T) {
	t.Parallel()
	for _, ties := range []tally.TieBreak{tally.TiesReport, tally.TiesLot} {
		for others, open := range map[int]bool{4: false, 11: true} {
			p := tally.Profile{Options: 1 + others, Groups: []tally.Group{ranked(4, 0)}}
			for o := range others {
				p.Groups = append(p.Groups, ranked(2, 1+o))
			}
			r := method(t, "irv").FromProfile(p, tally.Settings{Ties: ties, Rules: tally.Rules{"eliminate": {Word: "one"}}})
			if (r.Unresolved != nil) != open || slices.Equal(r.Winners, []int{0}) == open {
				t.Errorf("%s, %d others: got the winners %v and %+v open, want it open: %v", ties, others, r.Winners, r.Unresolved, open)
			}
			last, decided := r.Ties[len(r.Ties)-1], r.Rounds[0].Decided
			if (last.Step == tally.TieOpen) != open || (last.Step == tally.TieAnyOrder) == open || strings.Contains(decided, "whichever goes, the same option wins") == open {
				t.Errorf("%s, %d others: got the last step %s, %q", ties, others, last.Step, decided)
			}
		}
	}
}
