package poll

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

// rulesFor makes the rules of a poll with n options and no limits beyond them.
func rulesFor(method string, n int) *Rules {
	d := Definition{ID: "p", Method: method}
	for i := range n {
		d.Options = append(d.Options, Option{ID: fmt.Sprintf("o%d", i)})
	}
	return newRules(d.WithDefaults(), Salt{})
}

// anyMarks draws a ballot that follows the rules.
func anyMarks(t *rapid.T, r *Rules) (m Marks) {
	order := rapid.Permutation(r.Options).Draw(t, "order")
	named := order[:rapid.IntRange(r.MinSelections, r.MaxSelections).Draw(t, "named")]
	for _, o := range named {
		switch r.Form() {
		case tally.Choice:
			m.Selections = append(m.Selections, o.ID)
		case tally.Ranking:
			if last := len(m.Ranking) - 1; r.method.Ties && last >= 0 && rapid.Bool().Draw(t, "tied") {
				m.Ranking[last] = append(m.Ranking[last], o.ID)
			} else {
				m.Ranking = append(m.Ranking, []string{o.ID})
			}
		case tally.Scores:
			m.Scores = append(m.Scores, Score{o.ID, rapid.IntRange(0, r.MaxScore).Draw(t, "points")})
		}
	}
	return m
}

// reordered writes the same ballot in another order, where order means nothing.
func reordered(m Marks) Marks {
	r := Marks{Selections: slices.Clone(m.Selections), Scores: slices.Clone(m.Scores)}
	rand.Shuffle(len(r.Selections), func(i, j int) { r.Selections[i], r.Selections[j] = r.Selections[j], r.Selections[i] })
	rand.Shuffle(len(r.Scores), func(i, j int) { r.Scores[i], r.Scores[j] = r.Scores[j], r.Scores[i] })
	for _, tier := range m.Ranking {
		tier = slices.Clone(tier)
		slices.Reverse(tier)
		r.Ranking = append(r.Ranking, tier)
	}
	return r
}

func TestSelectionsComeBackAndTheirOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rulesFor(rapid.SampledFrom(tally.Names()).Draw(t, "method"), rapid.SampledFrom([]int{2, 3, 8, 9, 200}).Draw(t, "options"))
		m := anyMarks(t, r)
		sel, errs := r.Encode(m)
		if errs != nil {
			t.Fatalf("%+v is refused: %v", m, errs)
		}
		if again, errs := r.Encode(reordered(m)); errs != nil || string(again) != string(sel) {
			t.Fatalf("%+v written in another order gives %x, not %x: %v", m, again, sel, errs)
		}
		back, err := r.Marks(sel)
		if err != nil {
			t.Fatal(err)
		}
		if again, errs := r.Encode(back); errs != nil || string(again) != string(sel) {
			t.Fatalf("%+v came back as %+v", m, back)
		}
		if r.Form() == tally.Ranking && len(m.Ranking) != len(back.Ranking) {
			t.Fatalf("%+v came back as %+v", m, back)
		}
	})
}

// Any bytes are refused, or they are the one encoding of their content.
func FuzzSelections(f *testing.F) {
	for n, method := range tally.Names() {
		f.Add([]byte{0, 2, 4}, uint8(n), uint8(3))
		f.Add([]byte{0x80, 0x01}, uint8(n), uint8(200))
		f.Add([]byte{0x80, 0x00}, uint8(n), uint8(3))
		f.Add([]byte{}, uint8(n), uint8(2))
		_ = method
	}
	f.Fuzz(func(t *testing.T, sel []byte, method, options uint8) {
		names := tally.Names()
		r := rulesFor(names[int(method)%len(names)], 2+int(options))
		m, err := r.Marks(sel)
		if err != nil {
			return
		}
		again, errs := r.Encode(m)
		if errs != nil || string(again) != string(sel) {
			t.Fatalf("%x was read as %+v, which is written as %x: %v", sel, m, again, errs)
		}
		numbers := 0
		for range uvarints(string(sel)) {
			numbers++
		}
		if numbers > 2*len(r.Options) {
			t.Fatalf("%x names %d numbers of %d options", sel, numbers, len(r.Options))
		}
	})
}

// Every short string of bytes, against the list of all valid encodings that the
// model makes in its own way.
func TestDecodeAcceptsExactlyTheCanonicalEncodings(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"plurality", "approval", "irv", "score"} {
		for limit := 1; limit <= 3; limit++ {
			d := Definition{ID: "p", Method: method, MinSelections: limit - 1, MaxSelections: limit, Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
			if method == "score" {
				d.MaxScore = 2
			}
			r, valid := newRules(d, Salt{}), validSelections(d)
			accepted := 0
			var try func(sel []byte, left int)
			try = func(sel []byte, left int) {
				_, ok := r.Decode(sel)
				if ok != valid[string(sel)] {
					t.Fatalf("%s, %d to %d: %x is accepted: %t", method, d.MinSelections, d.MaxSelections, sel, ok)
				}
				if ok {
					accepted++
				}
				if left > 0 {
					for _, b := range []byte{0, 1, 2, 3, 4, 5, 6, 0x80, 0xff} {
						try(append(sel[:len(sel):len(sel)], b), left-1)
					}
				}
			}
			try(nil, 5)
			for sel := range valid {
				if _, ok := r.Decode([]byte(sel)); !ok {
					t.Fatalf("%s: %x is refused", method, sel)
				}
			}
			if accepted == 0 {
				t.Fatalf("%s: nothing was accepted", method)
			}
		}
	}
}

func TestBallotsThatBreakTheRulesAreRefusedWithTheirField(t *testing.T) {
	t.Parallel()
	long := make([]string, 2000)
	for name, c := range map[string]struct {
		method string
		marks  Marks
		field  string
	}{
		"an unknown option":              {"approval", Marks{Selections: []string{"o0", "o9"}}, "selections[1]"},
		"an option twice":                {"approval", Marks{Selections: []string{"o0", "o0"}}, "selections[1]"},
		"more than there are":            {"approval", Marks{Selections: long}, "selections"},
		"an overvote":                    {"plurality", Marks{Selections: []string{"o0", "o1"}}, "selections"},
		"a rank without an option":       {"irv", Marks{Ranking: [][]string{{"o0"}, {}}}, "ranking[1]"},
		"a tie where none may be":        {"irv", Marks{Ranking: [][]string{{"o0", "o1"}}}, "ranking[0]"},
		"an option ranked twice":         {"irv", Marks{Ranking: [][]string{{"o0"}, {"o0"}}}, "ranking[1]"},
		"points beyond the maximum":      {"score", Marks{Scores: []Score{{"o0", 11}}}, `scores["o0"]`},
		"points below zero":              {"score", Marks{Scores: []Score{{"o0", -1}}}, `scores["o0"]`},
		"an option that is scored twice": {"score", Marks{Scores: []Score{{"o0", 1}, {"o0", 1}}}, `scores["o0"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sel, errs := rulesFor(c.method, 3).Encode(c.marks)
			if sel != nil || len(errs) != 1 || errs[0].Field != c.field || !strings.HasSuffix(errs[0].Detail, ".") {
				t.Fatalf("%x, %+v", sel, errs)
			}
		})
	}
}

func TestAnUndervoteIsRefused(t *testing.T) {
	t.Parallel()
	r := rulesFor("approval", 3)
	r.MinSelections = 2
	if _, errs := r.Encode(Marks{Selections: []string{"o0"}}); len(errs) != 1 || errs[0].Field != "selections" {
		t.Fatalf("%+v", errs)
	}
}

func TestADefinitionComesBackFromItsEncoding(t *testing.T) {
	t.Parallel()
	d := rulesFor("score", 20).Definition
	d.Title, d.OpensAt, d.ClosesAt, d.MaxBallots, d.Secrecy, d.Results, d.Revote = "T", 5, maxTime, 1<<63, Open, ResultsAfterClose, RevoteUntilClose
	b := d.AppendCanonical(nil)
	c := NewCursor(b)
	if got := c.Definition(); c.Err() != nil || c.Len() != 0 || !reflect.DeepEqual(got, d) {
		t.Fatalf("%+v came back as %+v, %v", d, got, c.Err())
	}
	for n := range b {
		if c := NewCursor(b[:n]); c.Definition().ID == "" || c.Err() == nil {
			if c.Err() == nil {
				t.Fatalf("cut at %d it can be read", n)
			}
		}
	}
	if errs := d.Validate(); errs != nil {
		t.Fatalf("%v", errs)
	}
}
