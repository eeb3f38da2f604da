package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/internal/poll"
	"voted/internal/tally"
)

// rulesFor are the rules of a poll of three options.
func rulesFor(t *testing.T, d poll.Definition) *poll.Rules {
	t.Helper()
	d.ID, d.Options = "board-2026", []poll.Option{{ID: "ann"}, {ID: "bo"}, {ID: "cy~1"}}
	s := poll.NewState()
	s.Begin(poll.Stamp{Index: 1, At: 1})
	defer s.End()
	if r := s.Do(poll.Create{Definition: d.WithDefaults()}); r.Err != nil {
		t.Fatal(r.Err)
	}
	return s.Rules(d.ID)
}

func wholes(counts ...int64) (all []tally.Number) {
	for _, n := range counts {
		all = append(all, tally.Whole(n))
	}
	return all
}

// Clients read results by name, people read them as they stand: each byte stays.
func TestResultsAreTheSameBytesAsEver(t *testing.T) {
	t.Parallel()
	plain := rulesFor(t, poll.Definition{Method: "plurality"})
	scored := rulesFor(t, poll.Definition{Method: "score", MaxScore: 5})
	ranked := rulesFor(t, poll.Definition{Method: "irv"})
	onRoll := rulesFor(t, poll.Definition{Method: "approval", Eligibility: poll.OnRoll, Quorum: 3})
	quorum := rulesFor(t, poll.Definition{Method: "plurality", Quorum: 9})
	votes := func(n ...int64) (all []tally.OptionResult) {
		for _, v := range n {
			all = append(all, tally.OptionResult{Votes: v})
		}
		return all
	}
	rounds := []tally.Round{
		{Votes: wholes(4, 3, 3), Standing: []bool{true, true, true}, Eliminated: []int{2}, Decided: `the "order" of <ann> & Zoë`},
		{Votes: wholes(6, 3, 0), Standing: []bool{true, true, false}, Exhausted: tally.Whole(1)},
	}
	for name, s := range map[string]struct {
		poll.Info
		index  uint64
		result tally.Result
	}{
		"nothing yet": {Info: poll.Info{Rules: plain, Phase: poll.Opened}, index: 12, result: tally.Result{Options: votes(0, 0, 0), TieBreaking: "They tie."}},
		"a tie reported": {Info: poll.Info{Rules: plain, Phase: poll.Closed, ClosedIndex: 9, Ballots: 4}, index: 1 << 60, result: tally.Result{
			Options: votes(2, 2, 0), Winners: []int{0, 1}, TieBreaking: "They \"tie\".",
			Ties: []tally.Tie{{Options: []int{0, 1}, Step: tally.TieReported, Chosen: []int{0, 1}}},
		}},
		"scores": {Info: poll.Info{Rules: scored, Phase: poll.Opened, Ballots: 3}, index: 7, result: tally.Result{
			Winners: []int{0}, TieBreaking: "x",
			Options: []tally.OptionResult{{Score: 10, Marks: 3, Mean: 10.0 / 3}, {Score: 1, Marks: 10_000_000, Mean: 1e-7}, {Score: 1 << 60, Marks: 1, Mean: 1 << 60}},
		}},
		"rounds": {Info: poll.Info{Rules: ranked, Phase: poll.Closed, ClosedIndex: 8, Ballots: 10}, index: 9, result: tally.Result{
			Options: votes(4, 3, 3), Winners: []int{0}, Rounds: rounds, TieBreaking: "in order",
			Ties: []tally.Tie{
				{Round: 1, Options: []int{1, 2}, Step: tally.TieEarlierRound, Chosen: []int{2}},
				{Round: 1, Options: []int{1, 2}, Step: tally.TieListed, Chosen: []int{2}},
			},
			OtherOrders: []int{1}, OrdersLeft: true,
		}},
		"a tie that the order decides and that changes no winner": {Info: poll.Info{Rules: ranked, Phase: poll.Opened}, index: 9, result: tally.Result{
			Options: votes(1, 0, 0), Winners: []int{0}, Rounds: rounds[1:], TieBreaking: "in order",
			Ties: []tally.Tie{{Round: 1, Options: []int{1, 2}, Step: tally.TieListed, Chosen: []int{2}}},
		}},
		"orders left without a tie are not said": {Info: poll.Info{Rules: ranked, Phase: poll.Opened}, index: 9, result: tally.Result{
			Options: votes(1, 0, 0), TieBreaking: "in order", OtherOrders: []int{1}, OrdersLeft: true,
		}},
		"a roll and a quorum that is met": {Info: poll.Info{
			Rules: onRoll, Phase: poll.Closed, ClosedIndex: 5, Ballots: 3, Turnout: poll.Turnout{Eligible: 4, EligibleWeight: 40, Voted: 3, VotedWeight: 30},
		}, index: 9, result: tally.Result{Options: votes(30, 0, 0), Winners: []int{0}, TieBreaking: "They tie."}},
		"a roll before anybody is on it": {Info: poll.Info{Rules: onRoll, Phase: poll.Scheduled}, index: 9, result: tally.Result{Options: votes(0, 0, 0), TieBreaking: "They tie."}},
		"a quorum that is not met":       {Info: poll.Info{Rules: quorum, Phase: poll.Closed, ClosedIndex: 5, Ballots: 8}, index: 9, result: tally.Result{Options: votes(8, 0, 0), Winners: []int{0}, TieBreaking: "They tie."}},
	} {
		path := filepath.Join("testdata", "results", strings.ReplaceAll(name, " ", "-")+".json")
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := newStanding(s.Info, s.index, s.result).appendJSON([]byte("data: ")); string(got) != "data: "+string(want) {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
	}
}
