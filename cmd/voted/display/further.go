package display

import (
	"fmt"
	"slices"
	"strings"

	"voted/client"
	"voted/internal/resultjson"
	"voted/internal/resulttext"
)

// further writes in sentences what only some methods give: the order of election, an open
// tie, the runoffs, the final order, worst defeats.
func (o *Output) further(r client.Results, titles Titles) {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if len(r.Elected) > 1 {
		say("Elected in this order: %s.", titles.list(r.Elected, "and"))
	}
	if u := r.Unresolved; u != nil {
		lines = append(lines, resulttext.Open((*resultjson.Unresolved)(u), titles.list))
	}
	lines = append(lines, runoffsSaid(r, titles)...)
	if len(r.Ranking) > 1 {
		tiers := make([]string, len(r.Ranking))
		for i, tier := range r.Ranking {
			tiers[i] = titles.list(tier, "and")
		}
		say("Order: %s.", strings.Join(tiers, " > "))
	}
	switch {
	case r.CondorcetWinner != "":
		say("%s wins against each other option.", titles.of(r.CondorcetWinner))
	case len(r.SmithSet) > 1:
		say("No option wins against each other one; %s win against all others.", titles.list(r.SmithSet, "and"))
	}
	lines = append(lines, defeatsSaid(r, titles)...)
	if r.Quota != 0 {
		say("Quota: %s.", Count(float64(r.Quota)))
	}
	if r.Blank > 0 {
		say("%s blank.", Plural(int64(r.Blank), "ballot"))
	}
	if r.Overvoted > 0 {
		say("%s with too many options, which counts for none.", Plural(int64(r.Overvoted), "ballot"))
	}
	if len(lines) > 0 {
		o.Linef("")
	}
	for _, line := range lines {
		o.Para(Plain, line)
	}
}

// maxRunoffs is how many runoffs are said; --json has all.
const maxRunoffs = 12

// runoffsSaid are the runoffs between finalists: one, or one for each seat.
func runoffsSaid(r client.Results, titles Titles) (lines []string) {
	say := func(name string, f *client.Runoff, finalists []string, by string) {
		if f == nil || len(finalists) != 2 {
			return
		}
		a, b := finalists[0], finalists[1]
		line := fmt.Sprintf("%s: %s %s, %s %s, no preference %s.", name,
			titles.of(a), Count(float64(f.Votes[a])), titles.of(b), Count(float64(f.Votes[b])), Int(f.NoPreference))
		if by != "" && f.Votes[a] == f.Votes[b] {
			line += " " + resulttext.DecidedBy(by)
		}
		lines = append(lines, line)
	}
	if !slices.ContainsFunc(r.Rounds, func(x client.Round) bool { return x.Runoff != nil }) {
		say("Runoff", r.Runoff, r.Finalists, r.DecidedBy)
		return lines
	}
	for i, round := range r.Rounds {
		say(fmt.Sprintf("Runoff of round %d", i+1), round.Runoff, round.Finalists, round.DecidedBy)
	}
	if more := len(lines) - maxRunoffs; more > 1 {
		lines = append(lines[:maxRunoffs], fmt.Sprintf("… and %s more; --json has all.", Plural(int64(more), "runoff")))
	}
	return lines
}

// defeatsSaid are the worst defeats by which minimax decides.
func defeatsSaid(r client.Results, titles Titles) []string {
	var parts []string
	for _, x := range r.Options {
		if worst, ok := r.WorstDefeat[x.ID]; ok {
			parts = append(parts, titles.of(x.ID)+" "+Count(float64(worst)))
		}
	}
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) > maxPairs:
		return []string{fmt.Sprintf("Worst defeats of %s are not shown; --json has them.", Plural(int64(len(parts)), "option"))}
	}
	return []string{"Worst defeats: " + strings.Join(parts, ", ") + "."}
}
