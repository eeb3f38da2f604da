package tally_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"voted/internal/tally"
)

func TestSTVInSmallElections(t *testing.T) {
	t.Parallel()
	withdraw := func(s tally.Settings, options ...int) tally.Settings {
		s.Rules["withdrawn"] = tally.Value{Options: options}
		return s
	}
	sureLosers := stvSettings(1, "prf_wigm")
	sureLosers.Rules["eliminate"] = tally.Value{Word: "sure_losers"}
	for _, c := range []struct {
		name     string
		settings tally.Settings
		profile  tally.Profile
		elected  []int
		quota    string
		out      [][]int // eliminated in each round
	}{
		{
			"a surplus moves on", stvSettings(2, "scottish"),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(6, 0, 1), ranked(2, 2)}},
			[]int{0, 1},
			"3.00000",
			[][]int{nil, nil},
		},
		{
			"a surplus without a further choice is lost to no one", stvSettings(2, "scottish"),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(6, 0), ranked(1, 1)}},
			[]int{0, 1},
			"3.00000",
			[][]int{nil, {2}, nil},
		},
		{
			"as many seats as options", stvSettings(3, "scottish"),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(1, 2), ranked(4, 0)}},
			[]int{0, 2, 1},
			"2.00000",
			[][]int{nil},
		},
		{
			"more seats than options, by Meek", stvSettings(5, "prf_meek"),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(1, 2), ranked(4, 0)}},
			[]int{0, 2, 1},
			"0.833333334",
			[][]int{nil},
		},
		{
			"blank ballots do not raise the quota", stvSettings(2, "scottish"),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(6, 0, 1), ranked(2, 2), ranked(100)}},
			[]int{0, 1},
			"3.00000",
			[][]int{nil, nil},
		},
		{
			"a ballot ends where it names two at once", stvSettings(1, "scottish"),
			tally.Profile{Options: 3, Groups: []tally.Group{
				ranked(3, 0), ranked(2, 2),
				{Weight: 2, Preference: tally.Preference{Ranking: [][]int{{1}, {2, 0}, {2}}}},
				{Weight: 9, Preference: tally.Preference{Ranking: [][]int{{1, 2}, {2}}}},
			}},
			[]int{0},
			"4.00000",
			[][]int{{2}, {1}, nil},
		},
		{
			"an empty rank is passed over, and an option that is named again", stvSettings(2, "prf_meek"),
			tally.Profile{Options: 3, Groups: []tally.Group{
				ranked(1, 2),
				{Weight: 6, Preference: tally.Preference{Ranking: [][]int{{0}, {}, {0}, {1}}}},
			}},
			[]int{0, 1},
			"2.333333334",
			[][]int{nil, nil},
		},
		{
			"a withdrawn option is passed over from the start", withdraw(stvSettings(1, "scottish"), 0),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(6, 0, 1), ranked(5, 2), ranked(9, 0)}},
			[]int{1},
			"6.00000",
			[][]int{nil},
		},
		{
			"a withdrawn option is passed over by Meek too", withdraw(stvSettings(1, "prf_meek"), 0),
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(6, 0, 1), ranked(5, 2), ranked(9, 0)}},
			[]int{1},
			"5.500000001",
			[][]int{nil},
		},
		{
			"all are withdrawn", withdraw(stvSettings(1, "scottish"), 0, 1),
			tally.Profile{Options: 2, Groups: []tally.Group{ranked(6, 0, 1)}},
			nil, "1.00000",
			[][]int{nil},
		},
		{
			"all who cannot win leave together", sureLosers,
			tally.Profile{Options: 5, Groups: []tally.Group{ranked(10, 0), ranked(9, 1), ranked(3, 2, 1), ranked(2, 3, 1), ranked(2, 4)}},
			[]int{1},
			"13.0001",
			[][]int{{2, 3, 4}, nil},
		},
		{
			"one of them leaves where the rules say so", stvSettings(1, "prf_wigm"),
			tally.Profile{Options: 5, Groups: []tally.Group{ranked(10, 0), ranked(9, 1), ranked(3, 2, 1), ranked(2, 3, 1), ranked(2, 4)}},
			[]int{1},
			"13.0001",
			[][]int{{4}, {3}, {2}, nil},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := stv(t).FromProfile(c.profile, c.settings)
			checkSTV(t, r, c.profile, c.settings)
			if !slices.Equal(r.Elected, c.elected) || r.Quota.String() != c.quota {
				t.Errorf("got %v elected with the quota %v, want %v with %s", r.Elected, r.Quota, c.elected, c.quota)
			}
			var out [][]int
			for _, round := range r.Rounds {
				out = append(out, round.Eliminated)
			}
			if !reflect.DeepEqual(out, c.out) {
				t.Errorf("got %v eliminated, want %v", out, c.out)
			}
		})
	}
}

func TestWhatMovesInAnElectionOfSTVIsSaid(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 3, Groups: []tally.Group{ranked(4, 0, 1), ranked(2, 0), ranked(1, 0, 2), ranked(2, 1)}}
	r := stv(t).FromProfile(p, stvSettings(2, "scottish"))
	// Quota 4; surplus 3 of 7 papers, each worth 3/7 = 0.42857 with five decimals.
	first := r.Rounds[0]
	moves := []string{}
	for _, m := range first.Transfers {
		moves = append(moves, m.Votes.String())
		if m.From != 0 {
			t.Errorf("votes came from %d", m.From)
		}
	}
	if !slices.Equal(first.SurplusOf, []int{0}) || !slices.Equal(moves, []string{"1.71428", "0.42857", "0.85714"}) || first.Transfers[2].To != -1 {
		t.Errorf("got the surplus of %v and the transfers %+v", first.SurplusOf, first.Transfers)
	}
	if loss := r.Rounds[1].Loss.String(); loss != "0.00001" {
		t.Errorf("got the loss %s, want 3 - 7 × 0.42857", loss)
	}
}

func TestTiesInSTVAreDecidedAsThePollSays(t *testing.T) {
	t.Parallel()
	// 1 and 2 are equal, and one of them has to leave. 0 then wins or loses against the other.
	pair := tally.Profile{Options: 3, Groups: []tally.Group{ranked(3, 0), ranked(2, 1, 2), ranked(2, 2, 1)}}
	// 0 and 1 have equal surpluses.
	surplus := tally.Profile{Options: 4, Groups: []tally.Group{ranked(5, 0, 2), ranked(5, 1, 3), ranked(1, 2), ranked(2, 3)}}
	with := func(seats int, set string, ties tally.TieBreak, lot ...int) tally.Settings {
		s := stvSettings(seats, set)
		s.Ties, s.Lot = ties, lot
		return s
	}
	for _, c := range []struct {
		name       string
		profile    tally.Profile
		settings   tally.Settings
		winners    []int
		unresolved *tally.Unresolved
		tie        tally.Tie // the last one
		says       string
		others     []int
	}{
		{
			"the last listed is eliminated", pair, with(1, "scottish", tally.TiesListed),
			[]int{1},
			nil,
			tally.Tie{Round: 1, Options: []int{1, 2}, Step: tally.TieListed, Chosen: []int{2}},
			"the one listed last in the poll went",
			[]int{2},
		},
		{
			"the last drawn is eliminated", pair, with(1, "scottish", tally.TiesLot, 2, 0, 1),
			[]int{2},
			nil,
			tally.Tie{Round: 1, Options: []int{1, 2}, Step: tally.TieLot, Chosen: []int{1}},
			"the one that was drawn last by lot went",
			[]int{1},
		},
		{
			"a lot that is not drawn stays open", pair, with(1, "scottish", tally.TiesLot), nil,
			&tally.Unresolved{Seats: 1, Options: []int{1, 2}, Stage: tally.StageElimination},
			tally.Tie{Round: 1, Options: []int{1, 2}, Step: tally.TieOpen},
			"the count stopped", nil,
		},
		{
			"a tie to be reported stays open", pair, with(1, "prf_meek", tally.TiesReport), nil,
			&tally.Unresolved{Seats: 1, Options: []int{1, 2}, Stage: tally.StageElimination},
			tally.Tie{Round: 1, Options: []int{1, 2}, Step: tally.TieOpen},
			"2 options tied for last with 2.000000000 votes each: the count stopped", nil,
		},
		{
			"a tie for the last seat", pair, with(2, "scottish", tally.TiesReport),
			[]int{0},
			&tally.Unresolved{Seats: 1, Options: []int{1, 2}, Stage: tally.StageLastSeat},
			tally.Tie{Round: 1, Options: []int{1, 2}, Step: tally.TieOpen},
			"the count stopped", nil,
		},
		{
			"a tie for the only seat is reported with both",
			tally.Profile{Options: 2, Groups: []tally.Group{ranked(1, 0), ranked(1, 1)}},
			with(1, "scottish", tally.TiesReport),
			[]int{0, 1},
			nil,
			tally.Tie{Round: 1, Options: []int{0, 1}, Step: tally.TieReported, Chosen: []int{0, 1}},
			"the count stopped", nil,
		},
		{
			"of equal surpluses that of the last drawn moves first", surplus, with(3, "prf_wigm", tally.TiesLot, 3, 2, 0, 1),
			[]int{0, 1, 3},
			nil,
			tally.Tie{Round: 1, Options: []int{0, 1}, Step: tally.TieLot, Chosen: []int{1}},
			"drawn last by lot had its surplus moved first", nil,
		},
		{
			"options without votes leave in any order",
			tally.Profile{Options: 5, Groups: []tally.Group{ranked(3, 0, 1), ranked(2, 1), ranked(2, 2)}},
			with(1, "scottish", tally.TiesLot),
			[]int{0},
			nil,
			tally.Tie{},
			"", nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := stv(t).FromProfile(c.profile, c.settings)
			checkSTV(t, r, c.profile, c.settings)
			if !slices.Equal(r.Winners, c.winners) || !reflect.DeepEqual(r.Unresolved, c.unresolved) || !slices.Equal(r.OtherOrders, c.others) {
				t.Errorf("got the winners %v, %+v open and %v by other orders, want %v, %+v and %v",
					r.Winners, r.Unresolved, r.OtherOrders, c.winners, c.unresolved, c.others)
			}
			if c.says == "" {
				return
			}
			tie := r.Ties[len(r.Ties)-1]
			if !reflect.DeepEqual(tie, c.tie) {
				t.Errorf("got the tie %+v, want %+v", tie, c.tie)
			}
			if says := r.Rounds[tie.Round-1].Decided; !strings.Contains(says, c.says) {
				t.Errorf("got %q, want %q in it", says, c.says)
			}
		})
	}
}

func TestSureLosersLeaveTogetherOnlyByTheRuleSetThatHasThem(t *testing.T) {
	t.Parallel()
	for set, known := range map[string]bool{"scottish": false, "prf_wigm": true, "prf_meek": false} {
		s := stvSettings(2, set)
		s.Rules["eliminate"] = tally.Value{Word: "sure_losers"}
		faults := stv(t).Check(s, 3)
		if known != (len(faults) == 0) {
			t.Errorf("%s: got the faults %v", set, faults)
		}
		if len(faults) > 0 && (faults[0].Field != "rules.eliminate" || !strings.Contains(faults[0].Detail, set)) {
			t.Errorf("%s: got the fault %+v", set, faults[0])
		}
	}
}

// 0 wins in whatever order the others leave. With three of them all orders can be counted;
// with eleven there are too many, so nothing is said for certain.
func TestATieWithTooManyOrdersToCountStaysOpen(t *testing.T) {
	t.Parallel()
	for others, open := range map[int]bool{3: false, 11: true} {
		p := tally.Profile{Options: 1 + others, Groups: []tally.Group{ranked(2, 0)}}
		for o := range others {
			p.Groups = append(p.Groups, ranked(1, 1+o))
		}
		s := stvSettings(1, "scottish")
		s.Ties = tally.TiesReport
		r := stv(t).FromProfile(p, s)
		checkSTV(t, r, p, s)
		if (r.Unresolved != nil) != open || slices.Equal(r.Winners, []int{0}) == open {
			t.Errorf("%d others: got the winners %v and %+v open, want it open: %v", others, r.Winners, r.Unresolved, open)
		}
		if last := r.Ties[len(r.Ties)-1].Step; (last == tally.TieOpen) != open || (last == tally.TieAnyOrder) == open {
			t.Errorf("%d others: got the last step %s", others, last)
		}
	}
}

// The digits of exact fractions double with each surplus, so there is a limit to the seats.
func TestExactFractionsStayShort(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 100}
	for i := range 3000 {
		weight := math.MaxInt64/6000 - int64(i)*1_000_003
		ranking := []int{1 + i%6, 7 + i%93, 7 + i%89, 99 - i%83}
		if i%5 < 3 { // six of ten are for one option, whose surplus elects six more
			ranking = append([]int{0}, ranking...)
		}
		p.Groups = append(p.Groups, ranked(weight, ranking...))
	}
	s := stvSettings(8, "exact")
	r := stv(t).FromProfile(p, s)
	checkSTV(t, r, p, s)
	digits, surpluses := 0, 0
	for _, round := range r.Rounds {
		surpluses += len(round.SurplusOf)
		for _, votes := range round.Votes {
			digits = max(digits, votes.Rat().Denom().BitLen())
		}
	}
	if surpluses < 7 || digits < 600 || digits > 64<<8 {
		t.Errorf("after %d surpluses there are %d binary digits", surpluses, digits)
	}
}

// What only some rule sets have is refused for the others, with a sentence.
func TestARuleSetRefusesWhatItDoesNotHave(t *testing.T) {
	t.Parallel()
	word := func(w string) tally.Value { return tally.Value{Word: w} }
	for _, c := range []struct {
		name, set, rule string
		value           tally.Value
		seats, options  int
		field, detail   string
	}{
		{"another quota with a set that has its own", "scottish", "quota", word("hare"), 2, 4, "rules.quota", "The rule set scottish has a quota of its own; choose rctab or exact, or leave the rule out."},
		{"the quota that is the default", "prf_meek", "quota", word("droop"), 2, 4, "", ""},
		{"Hare's quota with fractions", "exact", "quota", word("hare"), 2, 4, "", ""},
		{"write-ins where there is no rule for them", "prf_wigm", "write_in", tally.Value{Options: []int{3}}, 2, 4, "rules.write_in", "The rule set prf_wigm has no rule for write-ins; choose rctab, or leave the rule out."},
		{"write-ins of Minneapolis", "rctab", "write_in", tally.Value{Options: []int{3}}, 2, 4, "", ""},
		{"several to leave at once", "rctab", "eliminate", word("sure_losers"), 2, 4, "rules.eliminate", "The rule set rctab eliminates one option at a time; only prf_wigm can eliminate several."},
		{"more seats than fractions are kept for", "exact", "quota", word("droop"), 9, 10, "seats", "The rule set exact fills 8 seats at most, since its fractions have twice as many digits after each surplus; choose another rule set."},
		{"more options than fractions are kept for", "exact", "quota", word("droop"), 2, 101, "rules.rule_set", "The rule set exact counts 100 options at most, since it keeps whole fractions; choose another one."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stvSettings(c.seats, c.set)
			s.Rules[c.rule] = c.value
			var want []tally.Fault
			if c.field != "" {
				want = []tally.Fault{{Field: c.field, Detail: c.detail}}
			}
			if got := stv(t).Check(s, c.options); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// With the quota V/(s+1) itself, one option more than there are seats can reach it.
func TestOneOptionTooManyHasTheQuota(t *testing.T) {
	t.Parallel()
	// When 1 leaves, 0, 2 and 4 have 10 of 30 votes each; 3 has none.
	p := tally.Profile{Options: 5, Groups: []tally.Group{ranked(8, 0), ranked(9, 2), ranked(8, 4), ranked(2, 1, 0), ranked(1, 1, 2), ranked(2, 1, 4)}}
	for _, c := range []struct {
		name    string
		ties    tally.TieBreak
		winners []int
		others  []int
		open    int
	}{
		{"an earlier round leaves two to the order", tally.TiesListed, []int{0, 2}, []int{4}, 0},
		{"an earlier round leaves one seat open", tally.TiesReport, []int{2}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stvSettings(2, "exact")
			s.Ties, s.Rules["quota"] = c.ties, tally.Value{Word: "hagenbach_bischoff"}
			r := stv(t).FromProfile(p, s)
			checkSTV(t, r, p, s)
			if !slices.Equal(r.Winners, c.winners) || !slices.Equal(r.OtherOrders, c.others) || (r.Unresolved != nil) != (c.open > 0) || c.open > 0 && !slices.Equal(r.Unresolved.Options, []int{0, 4}) {
				t.Errorf("got %v, by other orders %v, open %+v", r.Winners, r.OtherOrders, r.Unresolved)
			}
		})
	}
	same := tally.Profile{Options: 4, Groups: []tally.Group{ranked(3, 0), ranked(3, 1), ranked(3, 3)}}
	s := stvSettings(2, "exact")
	s.Ties, s.Rules["quota"] = tally.TiesReport, tally.Value{Word: "hagenbach_bischoff"}
	r := stv(t).FromProfile(same, s)
	checkSTV(t, r, same, s)
	if r.Unresolved == nil || r.Unresolved.Seats != 2 || r.Unresolved.Stage != tally.StageLastSeat || !slices.Equal(r.Unresolved.Options, []int{0, 1, 3}) {
		t.Errorf("three options with a quota each and two seats: got %v, %+v", r.Winners, r.Unresolved)
	}
	s.Ties = tally.TiesListed
	if r = stv(t).FromProfile(same, s); !slices.Equal(r.Winners, []int{0, 1}) || !slices.Equal(r.OtherOrders, []int{3}) {
		t.Errorf("got %v, and by other orders %v", r.Winners, r.OtherOrders)
	}
}
