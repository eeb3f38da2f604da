package resulttext

import (
	"slices"
	"strings"
	"testing"

	"voted/internal/resultjson"
	"voted/internal/tally"
)

func names(ids []string, and string) string {
	if n := len(ids); n > 1 {
		return strings.Join(ids[:n-1], ", ") + " " + and + " " + ids[n-1]
	}
	return strings.Join(ids, "")
}

func votes(ids ...string) (by resultjson.By[resultjson.Number]) {
	for _, id := range ids {
		by = append(by, resultjson.Pair[resultjson.Number]{ID: id, Value: "3"})
	}
	return by
}

func tie(round int, options string, step tally.TieStep, chosen string) resultjson.Tie {
	return resultjson.Tie{Round: round, Options: strings.Fields(options), Step: string(step), Chosen: strings.Fields(chosen)}
}

// A tie is told as what it was about: who wins, who goes out, whose surplus moves, who comes
// to a runoff, who wins it.
func TestATieIsSaidAsWhatItWasAbout(t *testing.T) {
	t.Parallel()
	out := resultjson.Round{Votes: votes("ann", "bo", "cy", "di")}
	surplus := resultjson.Round{Votes: votes("ann", "bo", "cy", "di"), SurplusOf: []string{"bo"}}
	atSurplus := resultjson.Round{Votes: votes("ann", "bo", "cy", "di"), Unresolved: &resultjson.Unresolved{Stage: "surplus"}}
	rounds := func(r ...resultjson.Round) resultjson.Outcome { return resultjson.Outcome{Rounds: r} }
	runoff := resultjson.Outcome{Finalists: []string{"ann", "bo"}}
	for _, c := range []struct {
		outcome resultjson.Outcome
		ties    []resultjson.Tie
		want    []string
	}{
		{resultjson.Outcome{}, []resultjson.Tie{tie(0, "ann bo cy", tally.TieListed, "ann")}, []string{"Tie: ann, bo and cy are equal; the order of the options decided, and ann wins."}},
		{resultjson.Outcome{}, []resultjson.Tie{tie(0, "ann bo cy", tally.TieListed, "ann bo")}, []string{"Tie: ann, bo and cy are equal; the order of the options decided, and ann and bo win."}},
		{resultjson.Outcome{}, []resultjson.Tie{tie(0, "ann bo cy", tally.TieLot, "cy")}, []string{"Tie: ann, bo and cy are equal; the lot decided, and cy wins."}},
		{resultjson.Outcome{}, []resultjson.Tie{tie(0, "ann bo cy", tally.TieOpen, "")}, []string{"Tie: ann, bo and cy are equal, and nothing has decided between them."}},
		{resultjson.Outcome{}, []resultjson.Tie{tie(0, "ann bo", tally.TieReported, "ann bo")}, []string{"Tie: ann and bo share first place. It is reported, not broken."}},
		{
			resultjson.Outcome{},
			[]resultjson.Tie{tie(0, "ann bo cy", tally.TieMarginsAmong, "ann bo"), tie(0, "ann bo", tally.TieMarginsAll, "bo")},
			[]string{
				"Tie: ann, bo and cy are equal; the sum of margins over each other left ann and bo.",
				"Tie: ann and bo are equal; the sum of margins over all options decided, and bo wins.",
			},
		},
		{rounds(out), []resultjson.Tie{tie(1, "ann bo", tally.TieOpen, "")}, []string{"Tie in round 1: ann and bo were last with equal votes, and nothing has decided which of them goes out."}},
		{rounds(out), []resultjson.Tie{tie(1, "ann bo", tally.TieLot, "ann")}, []string{"Tie in round 1: ann and bo were last with equal votes; the lot decided, and ann, drawn last, went out."}},
		{rounds(out), []resultjson.Tie{tie(1, "ann bo", tally.TieListed, "bo")}, []string{"Tie in round 1: ann and bo were last with equal votes; the order of the options decided, and bo, listed last, went out."}},
		{rounds(out), []resultjson.Tie{tie(1, "ann bo", tally.TieTogether, "ann bo")}, []string{"Tie in round 1: ann and bo were last with equal votes and went out together, as their order cannot matter."}},
		{rounds(out), []resultjson.Tie{tie(1, "ann bo", tally.TieAnyOrder, "bo")}, []string{"Tie in round 1: ann and bo were last with equal votes; bo went out first, but whichever does, the same options win."}},
		{
			rounds(out),
			[]resultjson.Tie{tie(1, "ann bo cy di", tally.TieEarlierRound, "ann bo"), tie(1, "ann bo", tally.TieListed, "bo")},
			[]string{
				"Tie in round 1: ann, bo, cy and di, all that were left, had equal votes; an earlier round left ann and bo.",
				"Tie in round 1: ann and bo were last with equal votes; the order of the options decided, and bo, listed last, went out.",
			},
		},
		{rounds(surplus), []resultjson.Tie{tie(1, "ann bo", tally.TieEarlierRound, "bo")}, []string{"Tie in round 1: ann and bo had equal surpluses; an earlier round decided, and the surplus of bo moved first."}},
		{rounds(surplus), []resultjson.Tie{tie(1, "ann bo", tally.TieAnyOrder, "bo")}, []string{"Tie in round 1: ann and bo had equal surpluses; the surplus of bo moved first, but whichever does, the same options win."}},
		{rounds(atSurplus), []resultjson.Tie{tie(1, "ann bo", tally.TieOpen, "")}, []string{"Tie in round 1: ann and bo had equal surpluses, and nothing has decided whose surplus moves first."}},
		{
			runoff,
			[]resultjson.Tie{tie(0, "ann bo cy", tally.TieTopScores, "ann bo"), tie(0, "ann bo", tally.TieScore, "bo")},
			[]string{
				"Tie: ann, bo and cy were equal for a place in the runoff; the number of top scores decided, and ann and bo go on.",
				"Tie: ann and bo were equal in the runoff; the sum of scores decided, and bo wins.",
			},
		},
		{runoff, []resultjson.Tie{tie(0, "bo cy", tally.TieHeadToHead, "bo")}, []string{"Tie: bo and cy were equal for a place in the runoff; the comparisons among them decided, and bo goes on."}},
		{
			resultjson.Outcome{Unresolved: &resultjson.Unresolved{Stage: "scoring"}},
			[]resultjson.Tie{tie(0, "bo cy", tally.TieOpen, "")},
			[]string{"Tie: bo and cy were equal for a place in the runoff, and nothing has decided who of them goes on."},
		},
		{ // sums elect at once
			resultjson.Outcome{Quota: "5", Rounds: []resultjson.Round{{Scores: votes("bo", "cy"), Unresolved: &resultjson.Unresolved{Stage: "scoring"}}}},
			[]resultjson.Tie{tie(1, "bo cy", tally.TieOpen, "")},
			[]string{"Tie in round 1: bo and cy are equal, and nothing has decided between them."},
		},
		{
			resultjson.Outcome{Rounds: []resultjson.Round{{Scores: votes("bo", "cy"), Finalists: []string{"bo", "cy"}}}},
			[]resultjson.Tie{tie(1, "bo cy", tally.TieLot, "cy")},
			[]string{"Tie in round 1: bo and cy were equal in the runoff; the lot decided, and cy wins."},
		},
	} {
		c.outcome.Ties = c.ties
		if got := Ties(&c.outcome, names); !slices.Equal(got, c.want) {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestWhoElseCouldHaveWonIsSaidForListAndLot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step   tally.TieStep
		others []string
		left   bool
		final  bool
		want   string
	}{
		{tally.TieEarlierRound, nil, false, true, ""},
		{tally.TieListed, []string{"bo", "cy"}, false, true, "With another order of the options bo or cy could have won."},
		{tally.TieLot, []string{"bo"}, false, true, "With another lot bo could have won."},
		{tally.TieLot, nil, false, true, "No other lot would have changed who wins."},
		{tally.TieListed, nil, false, false, "No other order of the options changes who wins."},
		{tally.TieListed, nil, true, true, "There are too many orders to count them all: others may win as well."},
		{tally.TieLot, []string{"bo"}, true, true, "With another lot bo could have won. There are too many lots to count them all: others may win as well."},
	} {
		o := &resultjson.Outcome{Ties: []resultjson.Tie{tie(0, "ann bo", c.step, "ann")}, OtherOrders: &c.others, OrdersLeft: c.left}
		if got := OtherOrders(o, c.final, names); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.step, c.others, got, c.want)
		}
	}
}

func TestWhatIsOpenAndWhatDecidedAreSentences(t *testing.T) {
	t.Parallel()
	for stage, want := range map[tally.Stage]string{
		tally.StageLastSeat:    "Open: ann and bo are equal for 2 seats.",
		tally.StageScoring:     "Open: ann and bo have equal scores, so 2 seats cannot be filled.",
		tally.StageRunoff:      "Open: ann and bo are equal in the runoff, so 2 seats cannot be filled.",
		tally.StageElimination: "Open: nothing has decided whether ann or bo goes out, so the count stopped, and 2 seats cannot be filled.",
		tally.StageSurplus:     "Open: nothing has decided whether the surplus of ann or bo moves first, so the count stopped, and 2 seats cannot be filled.",
	} {
		if got := Open(&resultjson.Unresolved{Seats: 2, Options: []string{"ann", "bo"}, Stage: string(stage)}, names); got != want {
			t.Errorf("%s: got %q, want %q", stage, got, want)
		}
	}
	for _, by := range []tally.DecidedBy{tally.ByRunoff, tally.ByScore, tally.ByTopScores, tally.ByListed, tally.ByLot} {
		if said := DecidedBy(string(by)); strings.HasPrefix(said, "Decided by") || !strings.HasSuffix(said, ".") {
			t.Errorf("%s is said as %q", by, said)
		}
	}
	if said := DecidedBy("dice"); said != "Decided by dice." {
		t.Errorf("a newer step is said as %q", said)
	}
}
