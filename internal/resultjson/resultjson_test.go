package resultjson

import (
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"voted/internal/tally"
)

func everything() *tally.Result {
	fixed := func(units int64) tally.Number { return tally.Fixed(big.NewInt(units), 5) }
	return &tally.Result{
		Ballots: 12, Blank: 1, Overvoted: 2,
		Options:         []tally.OptionResult{{Votes: 7, Points: tally.Fraction(big.NewRat(7, 2), 3), Wins: tally.Whole(1)}, {Votes: 0, Wins: tally.Fraction(big.NewRat(1, 2), 1)}},
		Winners:         []int{0},
		Elected:         []int{0},
		Unresolved:      &tally.Unresolved{Seats: 1, Options: []int{0, 1}, Stage: tally.StageLastSeat},
		Ranking:         [][]int{{1}, {0}},
		Pairwise:        [][]int64{{0, 5}, {9_007_199_254_740_993, 0}},
		CondorcetWinner: new(1),
		Smith:           []int{1},
		Paths:           [][]tally.Strength{{{}, {Votes: 4}}, {{Votes: 6, Against: 5}, {}}},
		WorstDefeat:     []int64{4, 0},
		Locked:          [][2]int{{1, 0}},
		Finalists:       []int{1, 0},
		Runoff:          &tally.Runoff{Votes: []int64{6, 4}, NoPreference: 2},
		DecidedBy:       tally.ByRunoff,
		Quota:           fixed(400000),
		Rounds: []tally.Round{{
			Votes: []tally.Number{fixed(1_234_567), fixed(0)}, Standing: []bool{true, true}, Eliminated: []int{1}, Elected: []int{0}, SurplusOf: []int{0},
			Transfers:   []tally.Transfer{{From: 0, To: 1, Votes: fixed(7)}, {From: 0, To: -1, Votes: fixed(8)}},
			ExhaustedBy: tally.Exhaustion{Skipped: 3}, Loss: fixed(1), Keep: []tally.Number{fixed(50_000), fixed(100_000)},
		}},
		Ties:        []tally.Tie{{Round: 1, Options: []int{0, 1}, Step: tally.TieListed, Chosen: []int{1}}},
		TieBreaking: "as listed",
	}
}

func TestAnOutcomeKeepsItsDecimalsAndItsOrder(t *testing.T) {
	t.Parallel()
	o := Of(everything(), tally.Ranking, []string{"zoe", "ann"})
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"votes":{"zoe":12.34567,"ann":0.00000}`, `"pairwise":{"zoe":{"ann":5},"ann":{"zoe":9007199254740993}}`,
		`"transfers":{"zoe":{"ann":0.00007,"exhausted":0.00008}}`, `"quota":4.00000`, `"paths":{"zoe":{"ann":4},"ann":{"zoe":"6:5"}}`, `"points":3.500`, `"unresolved":{"seats":1,"options":["zoe","ann"],"stage":"last_seat"}`,
		`"runoff":{"votes":{"ann":6,"zoe":4},"no_preference":2}`, `"other_orders_elect":[]`, `"locked":[["ann","zoe"]]`, `"keep":{"zoe":0.50000,"ann":1.00000}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	var back Outcome
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, o) {
		t.Errorf("read again it is\n%+v, was\n%+v", back, o)
	}
}

func TestWhatAMethodDoesNotGiveIsAbsent(t *testing.T) {
	t.Parallel()
	r := &tally.Result{Options: make([]tally.OptionResult, 1), TieBreaking: "x"}
	for form, want := range map[tally.Form]string{
		tally.Choice: `{"winners":[],"options":[{"id":"a","votes":0}],"tie_breaking":"x"}`,
		tally.Scores: `{"winners":[],"options":[{"id":"a","score":0,"mean":0,"ballots":0}],"tie_breaking":"x"}`,
	} {
		if text, err := json.Marshal(Of(r, form, []string{"a"})); err != nil || string(text) != want {
			t.Errorf("%v: got %s, want %s", err, text, want)
		}
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Number{`1.50`: "1.50", `"2.5"`: "2.5", `"x"`: "", `true`: "", `{}`: ""} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); (err == nil) != (want != "") || err == nil && n != want {
			t.Errorf("%s: %q, %v", text, n, err)
		}
	}
}
