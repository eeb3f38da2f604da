package tally_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

func TestSettingsThatAMethodDoesNotKnowAreRefusedInSentences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		method   string
		settings tally.Settings
		field    string // of the only fault; "" is none
		says     string
	}{
		{"the defaults", "irv", tally.Settings{}, "", ""},
		{"as many seats as wanted", "approval", tally.Settings{Seats: 9}, "", ""},
		{"fewer than no seats", "approval", tally.Settings{Seats: -1}, "seats", "1 or more"},
		{"two seats of one", "irv", tally.Settings{Seats: 2}, "seats", "irv elects one"},
		{"more seats than can be shared exactly in time", "star_pr", tally.Settings{Seats: 26}, "seats", "25 seats"},
		{"words that a rule does not know", "irv", tally.Settings{Rules: tally.Rules{"until": {Word: "three"}}}, "rules.until", "majority, two"},
		{"a rule that a method does not have", "irv", tally.Settings{Rules: tally.Rules{"quota": {}}}, "rules.quota", "it has until"},
		{"a number that is too low", "irv", tally.Settings{Rules: tally.Rules{"max_skipped": {Count: -1}}}, "rules.max_skipped", "0 or more"},
		{"two options for one", "irv", tally.Settings{Rules: tally.Rules{"write_in": {Options: []int{0, 1}}}}, "rules.write_in", "one option"},
		{"an option twice", "irv", tally.Settings{Rules: tally.Rules{"withdrawn": {Options: []int{0, 0}}}}, "rules.withdrawn", "once"},
		{"rules that do not go together", "score", tally.Settings{Rules: tally.Rules{"min_scores": {Count: 2}}}, "rules.min_scores", "mean"},
		{"modified points for what is not ranked", "borda", tally.Settings{Rules: tally.Rules{"points": {Word: "modified"}, "unranked": {Word: "average"}}}, "rules.unranked", "get none"},
		{"a tie-break of the future", "approval", tally.Settings{Ties: 9}, "tie_break", "listed, lot, report"},
		{"a lot", "approval", tally.Settings{Ties: tally.TiesLot, Lot: []int{2, 0, 1}}, "", ""},
		{"a lot that is not drawn", "approval", tally.Settings{Ties: tally.TiesLot}, "", ""},
		{"a lot with an option missing", "approval", tally.Settings{Lot: []int{2, 0}}, "rules.lot", "each option once"},
		{"a lot with an option twice", "approval", tally.Settings{Lot: []int{2, 0, 0}}, "rules.lot", "each option once"},
		{"a lot with an option that is not there", "approval", tally.Settings{Lot: []int{3, 0, 1}}, "rules.lot", "each option once"},
		{"a rule of a method without rules", "approval", tally.Settings{Rules: tally.Rules{"speed": {}}}, "rules.speed", "approval has no rules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			faults := method(t, c.method).Check(c.settings, 3)
			if c.field == "" {
				if len(faults) > 0 {
					t.Errorf("got %v, want none", faults)
				}
				return
			}
			if len(faults) != 1 || faults[0].Field != c.field || !strings.Contains(faults[0].Detail, c.says) || !strings.HasSuffix(faults[0].Detail, ".") {
				t.Errorf("got %v, want one at %s that says %q", faults, c.field, c.says)
			}
		})
	}
}

func TestEveryTieBreakIsFoundByItsOwnName(t *testing.T) {
	t.Parallel()
	for _, name := range tally.TieBreakNames() {
		if b, ok := tally.TieBreakNamed(name); !ok || b.String() != name {
			t.Errorf("%s is %q, found: %v", name, b, ok)
		}
	}
	if _, ok := tally.TieBreakNamed(""); ok || tally.TiesDefault.String() != "" {
		t.Error("the default has a name")
	}
}

func TestTheRulesOfAMethodAreCompleteAsData(t *testing.T) {
	t.Parallel()
	for _, m := range allMethods(t) {
		for _, r := range m.Rules {
			switch {
			case r.Name == "" || !strings.HasSuffix(r.Help, "."):
				t.Errorf("%s: the rule %q is not explained: %q", m.Name, r.Name, r.Help)
			case (r.Kind == tally.Word) != (len(r.Words) > 1) || (r.Kind == tally.Word) == (r.Default != ""):
				t.Errorf("%s: the rule %s has the words %q and the default %q", m.Name, r.Name, r.Words, r.Default)
			}
		}
	}
}

// What a method does not know, it replaces by its default: a tabulation runs on every
// replica at once, and must not panic.
func TestUncheckedSettingsNeitherPanicNorHang(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		m.FromProfile(drawProfile(t, true), drawAnySettings(t, m))
	})
}

// drawSettings makes settings that a method knows.
func drawSettings(t *rapid.T, m tally.Method, options int) tally.Settings {
	s := tally.Settings{
		Ties:  tally.TieBreak(rapid.IntRange(0, 3).Draw(t, "ties")),
		Seats: 1,
		Rules: tally.Rules{},
	}
	if m.Form == tally.Scores {
		s.MaxScore = 3 // as in drawProfile
	}
	if !m.OneSeat {
		s.Seats = rapid.IntRange(1, options+1).Draw(t, "seats")
	}
	if rapid.Bool().Draw(t, "drawn") {
		s.Lot = rapid.Permutation(numbers(options)).Draw(t, "lot")
	}
	for _, r := range m.Rules {
		if rapid.Bool().Draw(t, r.Name) {
			s.Rules[r.Name] = drawValue(t, r, options)
		}
	}
	for _, fault := range m.Check(s, options) { // rules that do not go together
		delete(s.Rules, strings.TrimPrefix(fault.Field, "rules."))
	}
	if faults := m.Check(s, options); len(faults) > 0 {
		t.Fatalf("the settings %+v are refused: %v", s, faults)
	}
	return s
}

func drawValue(t *rapid.T, r tally.Rule, options int) (v tally.Value) {
	switch r.Kind {
	case tally.Word:
		v.Word = rapid.SampledFrom(r.Words).Draw(t, "word")
	case tally.Count:
		v.Count = rapid.IntRange(r.Least, r.Least+3).Draw(t, "count")
	case tally.OneOption:
		v.Options = []int{rapid.IntRange(0, options-1).Draw(t, "option")}
	case tally.SomeOptions:
		v.Options = rapid.SliceOfNDistinct(rapid.IntRange(0, options-1), 0, 3, rapid.ID).Draw(t, "options")
	}
	return v
}

// drawAnySettings makes settings that a method may not know at all.
func drawAnySettings(t *rapid.T, m tally.Method) tally.Settings {
	small := rapid.IntRange(-1, mostOptions+1)
	s := tally.Settings{
		Ties: tally.TieBreak(small.Draw(t, "ties")), Seats: small.Draw(t, "seats"), Lot: rapid.SliceOfN(small, 0, 9).Draw(t, "lot"),
		MaxScore: small.Draw(t, "max score"), MaxChoices: small.Draw(t, "max choices"), Rules: tally.Rules{},
	}
	for _, r := range m.Rules {
		if rapid.Bool().Draw(t, r.Name) {
			s.Rules[r.Name] = tally.Value{
				Word:    rapid.SampledFrom(append(slices.Clone(r.Words), "", "other")).Draw(t, "word"),
				Count:   small.Draw(t, "count"),
				Options: rapid.SliceOfN(small, 0, 3).Draw(t, "options"),
			}
		}
	}
	return s
}

func TestTheLastSeatIsDecidedAsThePollSays(t *testing.T) {
	t.Parallel()
	// 0 leads; 1, 2 and 3 tie for the second seat; 4 has no vote.
	p := tally.Profile{Options: 5, Groups: []tally.Group{chosen(4, 0), chosen(2, 1, 2, 3)}}
	lot := []int{4, 3, 0, 2, 1}
	for _, c := range []struct {
		name     string
		settings tally.Settings
		winners  []int
		open     *tally.Unresolved
		ties     []tally.Tie
		others   []int
	}{
		{"no seat is in doubt", tally.Settings{Seats: 1}, []int{0}, nil, nil, nil},
		{
			"reported, as is the default",
			tally.Settings{Seats: 2},
			[]int{0},
			&tally.Unresolved{Seats: 1, Options: []int{1, 2, 3}, Stage: tally.StageLastSeat},
			[]tally.Tie{{0, []int{1, 2, 3}, tally.TieOpen, nil}},
			nil,
		},
		{
			"by the order of the options",
			tally.Settings{Seats: 3, Ties: tally.TiesListed},
			[]int{0, 1, 2},
			nil,
			[]tally.Tie{{0, []int{1, 2, 3}, tally.TieListed, []int{1, 2}}},
			[]int{3},
		},
		{
			"by a lot",
			tally.Settings{Seats: 2, Ties: tally.TiesLot, Lot: lot},
			[]int{0, 3},
			nil,
			[]tally.Tie{{0, []int{1, 2, 3}, tally.TieLot, []int{3}}},
			[]int{1, 2},
		},
		{
			"by a lot that is not drawn",
			tally.Settings{Seats: 3, Ties: tally.TiesLot},
			[]int{0},
			&tally.Unresolved{Seats: 2, Options: []int{1, 2, 3}, Stage: tally.StageLastSeat},
			[]tally.Tie{{0, []int{1, 2, 3}, tally.TieOpen, nil}},
			nil,
		},
		{"as many seats as options with votes", tally.Settings{Seats: 4}, []int{0, 1, 2, 3}, nil, nil, nil},
		{"more seats than options", tally.Settings{Seats: 9}, []int{0, 1, 2, 3}, nil, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := method(t, "plurality").FromProfile(p, c.settings)
			if !slices.Equal(r.Winners, c.winners) || !reflect.DeepEqual(r.Unresolved, c.open) || !reflect.DeepEqual(r.Ties, c.ties) || !slices.Equal(r.OtherOrders, c.others) {
				t.Errorf("got %v, unresolved %+v, ties %v, others %v", r.Winners, r.Unresolved, r.Ties, r.OtherOrders)
			}
		})
	}
}

func TestATieForTheOnlySeatIsAsThePollSays(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 3, Groups: []tally.Group{chosen(4, 0, 2), chosen(2, 1)}}
	for _, c := range []struct {
		settings tally.Settings
		winners  []int
		step     tally.TieStep
	}{
		{tally.Settings{}, []int{0, 2}, tally.TieReported},
		{tally.Settings{Ties: tally.TiesReport}, []int{0, 2}, tally.TieReported},
		{tally.Settings{Ties: tally.TiesListed}, []int{0}, tally.TieListed},
		{tally.Settings{Ties: tally.TiesLot, Lot: []int{1, 2, 0}}, []int{2}, tally.TieLot},
		{tally.Settings{Ties: tally.TiesLot}, nil, tally.TieOpen},
	} {
		r := method(t, "approval").FromProfile(p, c.settings)
		if !slices.Equal(r.Winners, c.winners) || len(r.Ties) != 1 || r.Ties[0].Step != c.step || (r.Unresolved == nil) == (c.step == tally.TieOpen) {
			t.Errorf("%s: got %v, ties %v, unresolved %v", c.settings.Ties, r.Winners, r.Ties, r.Unresolved)
		}
	}
}

func TestABallotThatNamesMoreThanThePollAllowsCountsForNoOption(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 3, Groups: []tally.Group{chosen(4, 0, 2), chosen(2, 1), chosen(1), chosen(1, 0, 0)}}
	r := method(t, "plurality").FromProfile(p, tally.Settings{MaxChoices: 1})
	if r.Ballots != 8 || r.Blank != 1 || r.Overvoted != 4 || r.Options[0].Votes != 1 || r.Options[2].Votes != 0 || !slices.Equal(r.Winners, []int{1}) {
		t.Errorf("got %+v", r)
	}
}

// Sums of such weights pass 64 bits: 2^62 ballots with 5 points each, and their shares.
func TestSumsBeyond64BitsAreExact(t *testing.T) {
	t.Parallel()
	const many = 1 << 61
	p := tally.Profile{Options: 3, Groups: []tally.Group{
		scored(many, tally.OptionScore{Option: 0, Score: 5}, tally.OptionScore{Option: 1, Score: 4}),
		scored(many-1, tally.OptionScore{Option: 2, Score: 5}),
		ranked(1, 0),
	}}
	r := method(t, "star_pr").FromProfile(p, tally.Settings{Seats: 2})
	if !slices.Equal(r.Elected, []int{0, 2}) || r.Rounds[0].Scores[0].String() != "11529215046068469760.000000" {
		t.Errorf("got %v elected, %v", r.Elected, r.Rounds)
	}
	p.Groups = []tally.Group{ranked(many, 0, 1, 2), ranked(many, 2, 1, 0), ranked(1, 1)}
	for range 7 {
		p.Options++ // more points for each
	}
	r = method(t, "borda").FromProfile(p, tally.Settings{Rules: tally.Rules{"points": {Word: "n"}}})
	if r.Options[1].Points.String() != "41505174165846491146.0" || r.Options[0].Points.String() != "41505174165846491141.0" {
		t.Errorf("got %s and %s", r.Options[0].Points, r.Options[1].Points)
	}
}
