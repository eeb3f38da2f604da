package display

import (
	"fmt"
	"strconv"
	"strings"

	"voted/client"
)

// further writes what only some methods give: the order of election, an open tie, the
// runoff, the final order and the pairs.
func (o *Output) further(r client.Results, titles Titles) {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if len(r.Elected) > 1 {
		say("Elected in this order: %s.", titles.list(r.Elected, "and"))
	}
	if u := r.Unresolved; u != nil {
		say("Open: %s are equal for %s (%s).", titles.list(u.Options, "and"), Plural(int64(u.Seats), "seat"), strings.ReplaceAll(u.Stage, "_", " "))
	}
	if f := r.Runoff; f != nil && len(r.Finalists) == 2 {
		a, b := r.Finalists[0], r.Finalists[1]
		say("Runoff: %s %s, %s %s, no preference %s.", titles.of(a), Count(float64(f.Votes[a])), titles.of(b), Count(float64(f.Votes[b])), Int(f.NoPreference))
	}
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
	o.pairs(r, titles)
}

// maxPairs is how many options a table of pairs may have; --json has all pairs.
const maxPairs = 12

// pairs writes how many ballots prefer the option of the row to that of the column.
func (o *Output) pairs(r client.Results, titles Titles) {
	if len(r.Pairwise) == 0 || len(r.Options) > maxPairs || o.rows > 0 {
		return
	}
	o.Linef("")
	t := Table{Indent: 2, Columns: []Column{{Title: "preferred to", Flex: true}}}
	for i := range r.Options {
		t.Columns = append(t.Columns, Column{Title: strconv.Itoa(i + 1), Right: true})
	}
	for i, a := range r.Options {
		row := []Cell{{Text: strconv.Itoa(i+1) + " " + titles.of(a.ID)}}
		for _, b := range r.Options {
			cell := Cell{"–", Dim}
			if a.ID != b.ID {
				cell = Cell{Text: Count(float64(r.Pairwise[a.ID][b.ID]))}
				if r.Pairwise[a.ID][b.ID] > r.Pairwise[b.ID][a.ID] {
					cell.Style = Good
				}
			}
			row = append(row, cell)
		}
		t.Row(row...)
	}
	t.Write(o)
}
