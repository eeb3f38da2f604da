package resulttext

import (
	"fmt"
	"slices"

	"voted/internal/resultjson"
	"voted/internal/tally"
)

// subject is what the options of a tie were compared for.
type subject uint8

const (
	theSeat        subject = iota // who wins
	theElimination                // who leaves a count in rounds
	theSurplus                    // whose surplus moves first
	thePlace                      // who goes to a runoff
	theRunoff                     // who wins a runoff
)

// Ties has a sentence for each step that decided between equal options, in their order.
func Ties(o *resultjson.Outcome, names Names) (said []string) {
	for i := range o.Ties {
		said = append(said, tieSentence(o, i, names))
	}
	return said
}

// tieSentence says what was equal, which step looked at it, and what came of it.
func tieSentence(o *resultjson.Outcome, i int, names Names) string {
	t := &o.Ties[i]
	about := subjectOf(o, t)
	equals, chosen := names(t.Options, "and"), names(t.Chosen, "and")
	tied := beginning(o, t, about, equals)
	switch tally.TieStep(t.Step) {
	case tally.TieReported:
		return fmt.Sprintf("Tie: %s share first place. It is reported, not broken.", equals)
	case tally.TieOpen:
		return tied + ", and nothing has decided " + undecided[about] + "."
	case tally.TieTogether:
		return tied + " and went out together, as their order cannot matter."
	case tally.TieAnyOrder:
		return fmt.Sprintf("%s; %s first, but whichever does, the same options win.", tied, happened(about, chosen, 1))
	}
	if narrows(o, i) {
		return fmt.Sprintf("%s; %s left %s.", tied, judge(t.Step), chosen)
	}
	came := happened(about, chosen+lastInOrder(about, t), len(t.Chosen))
	if about == theSurplus {
		came += " first"
	}
	return fmt.Sprintf("%s; %s decided, and %s.", tied, judge(t.Step), came)
}

// subjectOf finds out what a tie was about.
func subjectOf(o *resultjson.Outcome, t *resultjson.Tie) subject {
	finalists, open := o.Finalists, o.Unresolved
	if r := roundOf(o, t); r != nil {
		finalists, open = r.Finalists, r.Unresolved
		switch {
		case len(r.Votes) == 0:
		case len(r.SurplusOf) > 0, isOpenAt(open, tally.StageSurplus):
			return theSurplus
		default:
			return theElimination
		}
	}
	scoring := isOpenAt(open, tally.StageScoring) && o.Quota == "" // with a quota, sums elect at once
	switch {
	case len(finalists) == 2 && subset(t.Options, finalists):
		return theRunoff
	case len(finalists) == 2, scoring:
		return thePlace
	}
	return theSeat
}

func roundOf(o *resultjson.Outcome, t *resultjson.Tie) *resultjson.Round {
	if t.Round < 1 || t.Round > len(o.Rounds) {
		return nil
	}
	return &o.Rounds[t.Round-1]
}

func isOpenAt(u *resultjson.Unresolved, stage tally.Stage) bool {
	return u != nil && u.Stage == string(stage)
}

func subset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(id string) bool { return !slices.Contains(of, id) })
}

// beginning says who was equal in what.
func beginning(o *resultjson.Outcome, t *resultjson.Tie, about subject, equals string) string {
	tie := "Tie"
	if t.Round > 0 {
		tie = fmt.Sprintf("Tie in round %d", t.Round)
	}
	equal := "are equal"
	switch r := roundOf(o, t); {
	case about == theElimination && len(t.Options) == len(r.Votes):
		equal = "all that were left, had equal votes"
		return fmt.Sprintf("%s: %s, %s", tie, equals, equal)
	case about == theElimination:
		equal = "were last with equal votes"
	case about == theSurplus:
		equal = "had equal surpluses"
	case about == thePlace:
		equal = "were equal for a place in the runoff"
	case about == theRunoff:
		equal = "were equal in the runoff"
	}
	return fmt.Sprintf("%s: %s %s", tie, equals, equal)
}

// undecided are the questions that an open tie leaves.
var undecided = map[subject]string{
	theSeat:        "between them",
	theElimination: "which of them goes out",
	theSurplus:     "whose surplus moves first",
	thePlace:       "who of them goes on",
	theRunoff:      "between them",
}

// happened says what became of those that a step picked.
func happened(about subject, chosen string, n int) string {
	switch {
	case about == theElimination:
		return chosen + " went out"
	case about == theSurplus:
		return "the surplus of " + chosen + " moved"
	case about == thePlace && n == 1:
		return chosen + " goes on"
	case about == thePlace:
		return chosen + " go on"
	case n == 1:
		return chosen + " wins"
	}
	return chosen + " win"
}

// lastInOrder says of an option that left why an order took it.
func lastInOrder(about subject, t *resultjson.Tie) string {
	switch {
	case about != theElimination:
	case t.Step == string(tally.TieListed):
		return ", listed last,"
	case t.Step == string(tally.TieLot):
		return ", drawn last,"
	}
	return ""
}

// narrows reports whether the next step decides among those that this one picked.
func narrows(o *resultjson.Outcome, i int) bool {
	if i+1 >= len(o.Ties) {
		return false
	}
	t, next := &o.Ties[i], &o.Ties[i+1]
	return next.Round == t.Round && len(t.Chosen) > 1 && subset(next.Options, t.Chosen) && subjectOf(o, next) == subjectOf(o, t)
}

// judge names a step as what decides.
func judge(step string) string {
	switch tally.TieStep(step) {
	case tally.TieEarlierRound:
		return "an earlier round"
	case tally.TieHeadToHead:
		return "the comparisons among them"
	case tally.TieScore:
		return "the sum of scores"
	case tally.TieTopScores:
		return "the number of top scores"
	case tally.TieMarginsAmong:
		return "the sum of margins over each other"
	case tally.TieMarginsAll:
		return "the sum of margins over all options"
	case tally.TieListed:
		return "the order of the options"
	case tally.TieLot:
		return "the lot"
	}
	return "the step " + step // of a newer build
}
