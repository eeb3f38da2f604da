package display

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"voted/client"
)

// hasRounds reports whether there are rounds to show as a table: of votes, or of sums that
// change from round to round.
func hasRounds(r client.Results) bool {
	return len(r.Rounds) > 1 && (countsVotes(r) || r.Quota != 0)
}

func countsVotes(r client.Results) bool {
	return slices.ContainsFunc(r.Rounds, func(x client.Round) bool { return len(x.Votes) > 0 })
}

// maxBlocks is how many tables of rounds stand below each other; a report has all rounds.
const maxBlocks = 6

// Rounds writes a count in rounds as a table, a column for each round, as many side by side
// as fit. Of very many rounds it shows the first and the last ones.
func (o *Output) Rounds(r client.Results, titles Titles) {
	name := len("exhausted")
	for _, x := range r.Options {
		name = max(name, runewidth.StringWidth(titles.of(x.ID)))
	}
	const column = 22 // "1,234,567  100.0 %  out"
	fits := max(1, (o.Width()-2-min(name, 24))/(column+len(gap)))
	last := fits // the first round of the last blocks
	if rest := len(r.Rounds) - maxBlocks*fits; rest > 0 {
		last += rest
	}
	for from := 0; from < len(r.Rounds); {
		if from > 0 {
			o.Linef("")
		}
		o.someRounds(r, titles, from, min(from+fits, len(r.Rounds)))
		if from += fits; from < last {
			o.Linef("")
			o.Para(Dim, fmt.Sprintf("Rounds %d to %d are not shown; --report has all.", from+1, last))
			from = last
		}
	}
}

func (o *Output) someRounds(r client.Results, titles Titles, from, to int) {
	t := Table{Indent: 2, Columns: []Column{{Flex: true}}}
	for i := from; i < to; i++ {
		t.Columns = append(t.Columns, Column{Title: fmt.Sprintf("round %d", i+1), Right: true}, Column{Right: true}, Column{})
	}
	gone := map[string]bool{} // before this block: shown only once
	for _, round := range r.Rounds[:from] {
		for _, id := range round.Eliminated {
			gone[id] = true
		}
	}
	for _, x := range r.Options {
		if gone[x.ID] {
			continue
		}
		row := []Cell{{Text: titles.of(x.ID)}}
		for i := from; i < to; i++ {
			row = append(row, roundCells(r, i, x.ID)...)
		}
		if slices.Contains(r.Winners, x.ID) {
			row[0].Style = Good
		}
		t.Row(row...)
	}
	for _, line := range belowRounds(r) {
		row := []Cell{{line.name, Dim}}
		for i := from; i < to; i++ {
			row = append(row, Cell{Count(float64(line.of(r.Rounds[i]))), Dim}, Cell{}, Cell{})
		}
		t.Row(row...)
	}
	t.Write(o)
}

// roundLine is a number of each round that belongs to no option.
type roundLine struct {
	name string
	of   func(client.Round) client.Votes
}

// belowRounds are the lines below the options: those that have anything in them.
func belowRounds(r client.Results) (lines []roundLine) {
	if countsVotes(r) {
		lines = []roundLine{{"exhausted", func(x client.Round) client.Votes { return x.Exhausted }}}
	}
	for _, l := range []roundLine{
		{"lost", func(x client.Round) client.Votes { return x.Loss }}, // by rounding
		{"needed", func(x client.Round) client.Votes { return x.Threshold }},
		{"quota", func(x client.Round) client.Votes { return x.Quota }},
	} {
		if slices.ContainsFunc(r.Rounds, func(x client.Round) bool { return l.of(x) != 0 }) {
			lines = append(lines, l)
		}
	}
	return lines
}

// roundCells show what an option has in a round: votes, and their share of the votes that
// still count, because those shares decide who has a majority; or its sum of scores.
func roundCells(r client.Results, i int, id string) []Cell {
	round := r.Rounds[i]
	numbers := round.Votes
	if len(numbers) == 0 {
		numbers = round.Scores
	}
	n, standing := numbers[id]
	for _, earlier := range r.Rounds[:i] {
		standing = standing && !slices.Contains(earlier.Eliminated, id)
	}
	if !standing {
		return []Cell{{"–", Dim}, {}, {}}
	}
	var mark Cell
	switch {
	case slices.Contains(round.Eliminated, id):
		mark = Cell{"out", Red}
	case slices.Contains(round.Elected, id), i == len(r.Rounds)-1 && len(round.Votes) > 0 && slices.Contains(r.Winners, id):
		mark = Cell{"✓", Good}
	}
	share := Cell{}
	if len(round.Votes) > 0 {
		total := 0.0
		for _, v := range round.Votes {
			total += float64(v)
		}
		share.Text = Percent(float64(n), total)
	}
	return []Cell{{Count(float64(n)), Plain}, share, mark}
}

// maxMoves is how many lines say what moved; a report has all.
const maxMoves = 12

// moves writes what moved between rounds, and why ballots are exhausted in the end.
func (o *Output) moves(r client.Results, titles Titles) {
	lines := movesSaid(r, titles)
	more := len(lines) - maxMoves
	if more > 1 {
		lines = lines[:maxMoves]
	}
	if len(lines) > 0 {
		o.Linef("")
	}
	for _, line := range lines {
		o.Para(Plain, line)
	}
	if more > 1 {
		o.Para(Dim, fmt.Sprintf("… and %s more; --report has all.", Plural(int64(more), "transfer")))
	}
	if n := len(r.Rounds); n > 0 && r.Rounds[n-1].ExhaustedBy != nil {
		if e := r.Rounds[n-1].ExhaustedBy; e.Overvotes+e.Skipped+e.Repeated > 0 {
			o.Linef("")
			o.Para(Plain, fmt.Sprintf("Exhausted: no further choice %s, overvotes %s, skipped ranks %s, options ranked again %s.",
				Int(e.Choices), Int(e.Overvotes), Int(e.Skipped), Int(e.Repeated)))
		}
	}
}

// movesSaid has a line for each option whose votes moved in a round, and for the shares
// that elected options keep.
func movesSaid(r client.Results, titles Titles) (lines []string) {
	for i, round := range r.Rounds {
		for _, from := range r.Options {
			to, moved := round.Transfers[from.ID]
			if !moved {
				continue
			}
			what := "votes of"
			if slices.Contains(round.SurplusOf, from.ID) {
				what = "surplus of"
			}
			var parts []string
			for _, x := range r.Options {
				if votes, ok := to[x.ID]; ok {
					parts = append(parts, Count(float64(votes))+" to "+titles.of(x.ID))
				}
			}
			if votes, ok := to["exhausted"]; ok {
				parts = append(parts, Count(float64(votes))+" exhausted")
			}
			lines = append(lines, fmt.Sprintf("Round %d, %s %s: %s.", i+1, what, titles.of(from.ID), strings.Join(parts, ", ")))
		}
		if keeps := keepsSaid(r, round, titles); keeps != "" {
			lines = append(lines, fmt.Sprintf("Round %d, kept of each ballot: %s.", i+1, keeps))
		}
	}
	return lines
}

// keepsSaid are the shares of those who keep a part: neither all nor nothing.
func keepsSaid(r client.Results, round client.Round, titles Titles) string {
	var parts []string
	for _, x := range r.Options {
		if keep := float64(round.Keep[x.ID]); keep > 0 && keep < 1 {
			parts = append(parts, titles.of(x.ID)+" "+strconv.FormatFloat(keep, 'f', -1, 64))
		}
	}
	return strings.Join(parts, ", ")
}
