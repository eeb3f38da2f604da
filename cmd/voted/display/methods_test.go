package display

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/mattn/go-runewidth"

	"voted/client"
	"voted/internal/resultjson"
	"voted/internal/tally"
)

// countedAs is what the client has of a count: it comes through JSON, as an answer does.
func countedAs(t testing.TB, method string, p tally.Profile, s tally.Settings) (client.Results, Titles) {
	t.Helper()
	m, ok := tally.ByName(method)
	if !ok {
		t.Fatalf("there is no method %s", method)
	}
	ids, titles := make([]string, p.Options), Titles{}
	for i := range ids {
		ids[i] = fmt.Sprintf("o%d", i+1)
		titles[ids[i]] = []string{"Ann Lee", "Bo", "Cy", "Dee Öz", "Eli"}[i%5]
		if i > 4 {
			titles[ids[i]] += fmt.Sprintf(" %d", i/5+1)
		}
	}
	result := m.FromProfile(p, s)
	text, err := json.Marshal(map[string]any{"poll": "board", "method": method, "state": "closed", "ballots": result.Ballots, "seats": max(s.Seats, 1), "certified": true})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := json.Marshal(resultjson.Of(&result, m.Form, ids))
	if err != nil {
		t.Fatal(err)
	}
	var r client.Results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(outcome, &r); err != nil {
		t.Fatal(err)
	}
	return r, titles
}

func ranking(weight int64, options ...int) tally.Group {
	g := tally.Group{Weight: weight}
	g.Choice = options[:1]
	for i, o := range options {
		g.Ranking = append(g.Ranking, []int{o})
		g.Scores = append(g.Scores, tally.OptionScore{Option: o, Score: max(5-2*i, 0)})
	}
	return g
}

func word(pairs ...string) tally.Rules {
	rules := tally.Rules{}
	for i := 0; i < len(pairs); i += 2 {
		rules[pairs[i]] = tally.Value{Word: pairs[i+1]}
	}
	return rules
}

// council has surpluses, circle and tied have ties, long has more rounds and options than
// fit a screen.
func council() tally.Profile {
	return tally.Profile{Options: 5, Groups: []tally.Group{
		ranking(1028, 0, 1, 2), ranking(926, 2, 1), ranking(303, 3, 0), ranking(112, 4, 2), ranking(620, 1, 3), ranking(409, 3), ranking(512, 4, 3),
	}}
}

func circle() tally.Profile {
	return tally.Profile{Options: 3, Groups: []tally.Group{ranking(9, 0, 1, 2), ranking(6, 1, 2, 0), ranking(5, 2, 0, 1)}}
}

func tied() tally.Profile {
	return tally.Profile{Options: 4, Groups: []tally.Group{ranking(2, 0, 1), ranking(2, 1, 0), ranking(2, 2, 3), ranking(1, 3)}}
}

func long() tally.Profile {
	p := tally.Profile{Options: 35}
	for i := range 35 {
		p.Groups = append(p.Groups, ranking(int64(100+i*i), i, (i*7+3)%35, (i*11+5)%35, (i*13+1)%35))
	}
	return p
}

// Every method is shown with all that it decides by, at the widths that people have.
func TestEveryMethodIsShownWithWhatItDecidesBy(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []struct {
		name, method string
		profile      tally.Profile
		settings     tally.Settings
	}{
		{"plurality", "plurality", tied(), tally.Settings{Ties: tally.TiesLot, Lot: []int{2, 1, 0, 3}}},
		{"approval", "approval", tied(), tally.Settings{Seats: 2}},
		{"score", "score", circle(), tally.Settings{MaxScore: 5}},
		{"star", "star", tied(), tally.Settings{MaxScore: 5}},
		{"star-bloc", "star", council(), tally.Settings{MaxScore: 5, Seats: 3}},
		{"star-open", "star", tied(), tally.Settings{MaxScore: 5, Rules: word("tie_ladder", "report")}},
		{"star_pr", "star_pr", council(), tally.Settings{MaxScore: 5, Seats: 3}},
		{"irv", "irv", council(), tally.Settings{Rules: word("until", "two")}},
		{"irv-open", "irv", tied(), tally.Settings{Ties: tally.TiesLot}},
		{"stv-scottish", "stv", council(), tally.Settings{Seats: 3}},
		{"stv-meek", "stv", council(), tally.Settings{Seats: 3, Rules: word("rule_set", "prf_meek")}},
		{"stv-exact", "stv", council(), tally.Settings{Seats: 3, Rules: word("rule_set", "exact", "quota", "hagenbach_bischoff")}},
		{"borda", "borda", council(), tally.Settings{}},
		{"schulze", "schulze", circle(), tally.Settings{}},
		{"schulze-ratio", "schulze", circle(), tally.Settings{Rules: word("strength", "ratio")}},
		{"ranked_pairs", "ranked_pairs", circle(), tally.Settings{}},
		{"minimax", "minimax", circle(), tally.Settings{Rules: word("strength", "margins")}},
		{"copeland", "copeland", circle(), tally.Settings{Rules: word("tie_ladder", "margins")}},
		{"long-irv", "irv", long(), tally.Settings{Rules: word("eliminate", "one")}},
		{"long-stv", "stv", long(), tally.Settings{Seats: 9}},
		{"long-ranked_pairs", "ranked_pairs", long(), tally.Settings{}},
		{"long-schulze", "schulze", long(), tally.Settings{}},
		{"long-minimax", "minimax", long(), tally.Settings{}},
		{"long-star", "star", long(), tally.Settings{MaxScore: 20, Seats: 20}},
	} {
		seen[c.method] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, titles := countedAs(t, c.method, c.profile, c.settings)
			var all bytes.Buffer
			for _, width := range []int{40, 80, 120} {
				var b bytes.Buffer
				Fixed(&b, width, false).Results(r, "Board election", titles)
				for line := range strings.Lines(b.String()) {
					if w := runewidth.StringWidth(strings.TrimRight(line, "\n")); w > width {
						t.Errorf("a line has %d columns of %d: %q", w, width, line)
					}
				}
				fmt.Fprintf(&all, "%s %d\n%s\n", strings.Repeat("=", width-4), width, b.Bytes())
			}
			golden(t, "method-"+c.name, all.Bytes())
		})
	}
	for _, name := range tally.Names() {
		if !seen[name] {
			t.Errorf("%s is not shown", name)
		}
	}
}

// A live view has the same tables where its window has room for them, and says where they are
// where it has not.
func TestALiveViewShowsWhatItHasRoomFor(t *testing.T) {
	t.Parallel()
	for _, method := range tally.Names() {
		s := tally.Settings{}
		if m, _ := tally.ByName(method); m.Form == tally.Scores {
			s.MaxScore = 5
		}
		r, titles := countedAs(t, method, circle(), s)
		whole := shownIn(r, titles, 80, 0)
		for _, rows := range []int{14, 18, 24, 100} {
			got := shownIn(r, titles, 80, rows)
			lines := strings.Count(got, "\n")
			complete, says := got == whole, strings.Contains(got, "see `voted results board`")
			if lines > rows && rows > 14 || !complete && !says || complete && says || rows == 100 && !complete {
				t.Errorf("%s in %d rows has %d lines; all is there: %v; it says where the rest is: %v\n%s", method, rows, lines, complete, says, got)
			}
			if !strings.Contains(got, "Ann Lee") {
				t.Errorf("%s in %d rows: who leads is not in sight:\n%s", method, rows, got)
			}
		}
	}
}

// shownIn is what a window of so many rows shows; 0 is any number.
func shownIn(r client.Results, titles Titles, width, rows int) string {
	var b bytes.Buffer
	(&Output{Writer: &b, Terminal: true, width: width, rows: rows}).Results(r, "Board election", titles)
	return b.String()
}
