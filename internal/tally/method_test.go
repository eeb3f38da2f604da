package tally_test

import (
	"reflect"
	"slices"
	"testing"

	"voted/internal/tally"
)

// method finds a method that the test knows to exist.
func method(t testing.TB, name string) tally.Method {
	t.Helper()
	m, ok := tally.ByName(name)
	if !ok {
		t.Fatalf("there is no method %q", name)
	}
	return m
}

// allMethods is both tables, so that a new method is tested from the start.
func allMethods(t testing.TB) []tally.Method {
	t.Helper()
	var all []tally.Method
	for _, name := range tally.Names() {
		all = append(all, method(t, name))
	}
	return all
}

// wholes are counts as a round has them.
func wholes(counts ...int64) []tally.Number {
	var all []tally.Number
	for _, n := range counts {
		all = append(all, tally.Whole(n))
	}
	return all
}

func ranked(weight int64, options ...int) tally.Group {
	g := tally.Group{Weight: weight}
	for _, option := range options {
		g.Ranking = append(g.Ranking, []int{option})
	}
	return g
}

func chosen(weight int64, options ...int) tally.Group {
	return tally.Group{Preference: tally.Preference{Choice: options}, Weight: weight}
}

func scored(weight int64, scores ...tally.OptionScore) tally.Group {
	return tally.Group{Preference: tally.Preference{Scores: scores}, Weight: weight}
}

func TestEveryMethodIsFoundByItsOwnName(t *testing.T) {
	t.Parallel()
	for _, name := range tally.Names() {
		m := method(t, name)
		if m.Name != name || m.Title == "" {
			t.Errorf("ByName(%q) = %q with the title %q", name, m.Name, m.Title)
		}
		if (m.DefaultMaxScore > 0) != (m.Form == tally.Scores) {
			t.Errorf("%s: a default for the highest score belongs to score ballots and only to them", name)
		}
		if m.Ties && m.Form != tally.Ranking {
			t.Errorf("%s: only rankings can hold ties", name)
		}
		if m.DefaultTies == tally.TiesDefault {
			t.Errorf("%s: it is not said what decides ties", name)
		}
		if m.Additive() && m.Form == tally.Ranking {
			t.Errorf("%s: totals are not defined for rankings, so it cannot be additive", name)
		}
	}
	names := tally.Names()
	slices.Sort(names)
	if len(slices.Compact(names)) != len(tally.Names()) {
		t.Errorf("a name is used twice: %v", tally.Names())
	}
}

func TestWhatTheContractPromisesOfTheMethods(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		form     tally.Form
		ties     bool
		additive bool
		maxScore int
	}{
		{"plurality", tally.Choice, false, true, 0},
		{"approval", tally.Choice, false, true, 0},
		{"score", tally.Scores, false, true, 10},
		{"irv", tally.Ranking, false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := method(t, tt.name)
			if m.Form != tt.form || m.Ties != tt.ties || m.Additive() != tt.additive || m.DefaultMaxScore != tt.maxScore {
				t.Errorf("got form %d, ties %v, additive %v, highest score %d", m.Form, m.Ties, m.Additive(), m.DefaultMaxScore)
			}
		})
	}
}

func TestAnUnknownNameIsNotAMethod(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "IRV", "dictator"} {
		if m, ok := tally.ByName(name); ok {
			t.Errorf("ByName(%q) found %q", name, m.Name)
		}
	}
}

func TestTheListOfNamesBelongsToTheCaller(t *testing.T) {
	t.Parallel()
	tally.Names()[0] = "changed"
	if tally.Names()[0] == "changed" {
		t.Error("a caller's change reached the table")
	}
}

func TestFromTotalsPanicsForAMethodThatIsNotAdditive(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("it gave a result that cannot be right")
		}
	}()
	method(t, "irv").FromTotals(tally.Totals{}, tally.Settings{})
}

// What every method returns without any expressed preference.
func TestNoOptionWinsWithoutVotes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		profile tally.Profile
		ballots int64
	}{
		{"no ballots", tally.Profile{Options: 3}, 0},
		{"all ballots are blank", tally.Profile{Options: 3, Groups: []tally.Group{{Weight: 7}}}, 7},
		{"no options either", tally.Profile{}, 0},
		{"groups without weight", tally.Profile{Options: 3, Groups: []tally.Group{{Weight: 0}, {Weight: -2}}}, 0},
	}
	for _, m := range allMethods(t) {
		for _, tt := range tests {
			t.Run(m.Name+": "+tt.name, func(t *testing.T) {
				t.Parallel()
				r := m.FromProfile(tt.profile, tally.Settings{})
				if r.Ballots != tt.ballots || len(r.Winners) != 0 {
					t.Errorf("got %d ballots and the winners %v, want %d and none", r.Ballots, r.Winners, tt.ballots)
				}
				if want := make([]tally.OptionResult, tt.profile.Options); !reflect.DeepEqual(r.Options, want) {
					t.Errorf("got the options %+v, want %d of zeros", r.Options, len(want))
				}
				if r.TieBreaking == "" {
					t.Error("the rule for ties is not stated")
				}
				for i, round := range r.Rounds {
					if round.Exhausted.Cmp(tally.Whole(tt.ballots)) != 0 || round.Eliminated != nil {
						t.Errorf("round %d: %+v, want all ballots exhausted and no option out", i+1, round)
					}
				}
			})
		}
	}
}

func TestOneVoterDecides(t *testing.T) {
	t.Parallel()
	voter := tally.Group{Weight: 1, Preference: tally.Preference{
		Choice:  []int{1},
		Ranking: [][]int{{1}, {0}},
		Scores:  []tally.OptionScore{{Option: 0, Score: 2}, {Option: 1, Score: 5}},
	}}
	for _, m := range allMethods(t) {
		r := m.FromProfile(tally.Profile{Options: 3, Groups: []tally.Group{voter}}, tally.Settings{})
		if r.Ballots != 1 || !slices.Equal(r.Winners, []int{1}) {
			t.Errorf("%s: got %d ballots and the winners %v, want 1 and [1]", m.Name, r.Ballots, r.Winners)
		}
	}
}
