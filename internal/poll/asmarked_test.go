package poll

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

func markedRules(method string, options, most int) *Rules {
	d := Definition{ID: "p", Method: method, MinSelections: 1, MaxSelections: most, Ballots: AsMarked}
	for i := range options {
		d.Options = append(d.Options, Option{ID: string(rune('a' + i))})
	}
	return newRules(d.WithDefaults(), Salt{})
}

func TestABallotAsMarkedComesBackAsItWasMarked(t *testing.T) {
	t.Parallel()
	r := markedRules("irv", 3, 0)
	for _, c := range []struct {
		name        string
		marks, want [][]string
	}{
		{"a rank that was skipped", [][]string{{"a"}, {}, {"b"}}, [][]string{{"a"}, {}, {"b"}}},
		{"several options at one rank", [][]string{{"b", "a"}, {"c"}}, [][]string{{"a", "b"}, {"c"}}},
		{"an option at two ranks", [][]string{{"a"}, {"a"}, {"b"}}, [][]string{{"a"}, {"a"}, {"b"}}},
		{"an option twice at one rank", [][]string{{"a", "a"}}, [][]string{{"a"}}},
		{"skipped ranks at the end", [][]string{{"a"}, {}, {}}, [][]string{{"a"}}},
		{"ranks that are all skipped", [][]string{{}, {}}, [][]string{}},
		{"nothing", [][]string{}, [][]string{}},
	} {
		sel, errs := r.Encode(Marks{Ranking: c.marks})
		if errs != nil {
			t.Errorf("%s is refused: %v", c.name, errs)
			continue
		}
		if got, err := r.Marks(sel); err != nil || !reflect.DeepEqual(got.Ranking, c.want) {
			t.Errorf("%s comes back as %v, %v", c.name, got.Ranking, err)
		}
	}
	for name, marks := range map[string][][]string{
		"an option that is not there": {{"a"}, {"x"}},
		"too many ranks":              append(make([][]string, maxRanks), []string{"a"}),
	} {
		if _, errs := r.Encode(Marks{Ranking: marks}); errs == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestAStrictPollRefusesWhatIsTakenAsMarked(t *testing.T) {
	t.Parallel()
	r := markedRules("irv", 3, 0)
	r.Ballots = Strict
	for _, marks := range [][][]string{{{"a"}, {}, {"b"}}, {{"a", "b"}}, {{"a"}, {"a"}}, {}} {
		if _, errs := r.Encode(Marks{Ranking: marks}); errs == nil {
			t.Errorf("%v is taken", marks)
		}
	}
}

func TestEqualMarksHaveOneForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := markedRules("irv", 4, 0)
		option := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		marks := rapid.SliceOfN(rapid.SliceOfN(option, 0, 3), 0, 6).Draw(t, "marks")
		sel, errs := r.Encode(Marks{Ranking: marks})
		if errs != nil {
			t.Fatal(errs)
		}
		back, err := r.Marks(sel)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := r.Encode(back); !bytes.Equal(again, sel) {
			t.Fatalf("%v is %x, and what it says is %x", marks, sel, again)
		}
	})
}

func TestChoicesThatAreTooManyCountForNone(t *testing.T) {
	t.Parallel()
	d := markedRules("plurality", 3, 1).Definition
	s := NewState()
	did(s, Create{Definition: d})
	r := s.Rules("p")
	for voter, chosen := range map[string][]string{"u": {"a"}, "v": {"a", "b"}, "w": {}, "x": {"b", "b"}} {
		sel, errs := r.Encode(Marks{Selections: chosen})
		if errs != nil {
			t.Fatalf("%v: %v", chosen, errs)
		}
		s.Begin(Stamp{Index: s.index + 1, At: s.clock + 1})
		s.Cast(s.Find("p"), &Ballot{Poll: "p", Key: r.Key(voter), Selections: sel})
		s.End()
	}
	c, _ := s.Count("p")
	got := c.Tabulate()
	want := tally.Result{Ballots: 4, Blank: 1, Overvoted: 1}
	if got.Ballots != want.Ballots || got.Blank != want.Blank || got.Overvoted != want.Overvoted || got.Options[0].Votes != 1 || got.Options[1].Votes != 1 {
		t.Errorf("the result is %+v", got)
	}
	m, _ := tally.ByName("plurality")
	if plain := m.FromProfile(s.Find("p").profile.groups(r), r.Settings()); !reflect.DeepEqual(plain, got) {
		t.Errorf("by its running totals it is %+v, by its profile %+v", got, plain)
	}
}
