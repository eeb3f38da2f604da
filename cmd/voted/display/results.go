package display

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"voted/client"
)

// Titles names the options of a poll for people, by id.
type Titles map[string]string

// TitlesOf returns the titles of a poll's options.
func TitlesOf(d client.Definition) Titles {
	t := Titles{}
	for _, o := range d.Options {
		t[o.ID] = o.Title
	}
	return t
}

func (t Titles) of(id string) string {
	if title := t[id]; title != "" {
		return title
	}
	return id
}

// Results writes a tally: a line that says what it is, a bar for each option
// and, where the method counts in rounds, the rounds.
func (o *Output) Results(r client.Results, title string, titles Titles) {
	if title == "" {
		title = r.Poll
	}
	state := string(r.State)
	if r.Certified {
		state = "closed, final"
	}
	o.Linef("%s", o.Paint(Bold, fit(title, o.Width())))
	o.Linef("%s", o.Paint(Dim, fmt.Sprintf("%s · %s · %s · log index %s",
		r.Method, state, Plural(int64(r.Ballots), "ballot"), Int(r.Index))))
	o.turnout(r)
	o.Linef("")
	o.options(r, titles)
	if len(r.Rounds) > 1 {
		o.Linef("")
		o.Rounds(r, titles)
	}
	if r.TieBreaking != "" && len(r.Winners) > 1 {
		o.Linef("")
		o.Linef("%s", o.Paint(Dim, "ties: "+r.TieBreaking))
	}
}

// turnout writes who has voted of those who may, and whether they are enough.
func (o *Output) turnout(r client.Results) {
	if t := r.Turnout; t != nil {
		o.Linef("%s", o.Paint(Dim, fmt.Sprintf("turnout %s of %s (%s) · weight %s of %s",
			Int(t.Voted), Int(t.Eligible), Percent(float64(t.Voted), float64(t.Eligible)), Int(t.VotedWeight), Int(t.EligibleWeight))))
	}
	if q := r.Quorum; q != nil {
		met := "it counts once the poll has closed"
		if q.Met != nil {
			met = map[bool]string{true: "met", false: "not met"}[*q.Met]
		}
		o.Linef("%s", o.Paint(Dim, fmt.Sprintf("quorum %s: %s", Plural(int64(q.Needed), "voter"), met)))
	}
}

// options writes a bar for each option, longest for the most votes.
func (o *Output) options(r client.Results, titles Titles) {
	value := func(x client.OptionResult) float64 { return float64(x.Votes) }
	scored := false
	for _, x := range r.Options {
		scored = scored || x.Score != 0
	}
	if scored {
		value = func(x client.OptionResult) float64 { return float64(x.Score) }
	}
	most := 0.0
	for _, x := range r.Options {
		most = max(most, value(x))
	}
	barWidth := min(max(o.Width()/3, 8), 40)
	t := Table{Bare: true, Indent: 2, Columns: []Column{{Flex: true}, {}, {Right: true}, {Right: true}, {}}}
	for _, x := range r.Options {
		share, style, won := 0.0, Plain, ""
		if most > 0 {
			share = value(x) / most
		}
		if slices.Contains(r.Winners, x.ID) {
			style, won = Good, winnerMark(r)
		}
		last := Percent(value(x), float64(r.Ballots))
		if scored {
			last = fmt.Sprintf("mean %.2f", x.Mean)
		}
		t.Row(Cell{titles.of(x.ID), style}, Cell{Bar(share, barWidth), Cyan}, Cell{Count(value(x)), Bold}, Cell{last, Plain}, Cell{won, style})
	}
	t.Write(o)
}

// winnerMark says what a winner is while it may still change.
func winnerMark(r client.Results) string {
	switch {
	case len(r.Winners) > 1 && r.Method != client.STV:
		return "tied"
	case r.State == client.StateClosed:
		return "✓ wins"
	}
	return "leads"
}

// Rounds writes a count in rounds as a table, a column for each round, as many
// side by side as fit.
func (o *Output) Rounds(r client.Results, titles Titles) {
	name := len("exhausted")
	for _, x := range r.Options {
		name = max(name, runewidth.StringWidth(titles.of(x.ID)))
	}
	const column = 22 // "1,234,567  100.0 %  out"
	fits := max(1, (o.Width()-2-min(name, 24))/(column+len(gap)))
	for from := 0; from < len(r.Rounds); from += fits {
		if from > 0 {
			o.Linef("")
		}
		o.someRounds(r, titles, from, min(from+fits, len(r.Rounds)))
	}
}

func (o *Output) someRounds(r client.Results, titles Titles, from, to int) {
	t := Table{Indent: 2, Columns: []Column{{Flex: true}}}
	for i := from; i < to; i++ {
		t.Columns = append(t.Columns, Column{Title: fmt.Sprintf("round %d", i+1), Right: true}, Column{Right: true}, Column{})
	}
	for _, x := range r.Options {
		row := []Cell{{Text: titles.of(x.ID)}}
		for i := from; i < to; i++ {
			row = append(row, roundCells(r, i, x.ID)...)
		}
		if slices.Contains(r.Winners, x.ID) {
			row[0].Style = Good
		}
		t.Row(row...)
	}
	row := []Cell{{"exhausted", Dim}}
	for i := from; i < to; i++ {
		row = append(row, Cell{Count(float64(r.Rounds[i].Exhausted)), Dim}, Cell{}, Cell{})
	}
	t.Row(row...)
	t.Write(o)
}

// roundCells tell what an option has in a round: votes and their share of those
// that still count, as the shares decide who has a majority.
func roundCells(r client.Results, i int, id string) []Cell {
	round := r.Rounds[i]
	votes, standing := round.Votes[id]
	for _, earlier := range r.Rounds[:i] {
		standing = standing && !slices.Contains(earlier.Eliminated, id)
	}
	if !standing {
		return []Cell{{"–", Dim}, {}, {}}
	}
	total := 0.0
	for _, v := range round.Votes {
		total += float64(v)
	}
	var mark Cell
	switch {
	case slices.Contains(round.Eliminated, id):
		mark = Cell{"out", Red}
	case slices.Contains(round.Elected, id), i == len(r.Rounds)-1 && slices.Contains(r.Winners, id):
		mark = Cell{"✓", Good}
	}
	return []Cell{{Count(float64(votes)), Plain}, {Percent(float64(votes), total), Plain}, mark}
}

// Plural returns "1 ballot", "2 ballots".
func Plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Int(n) + " " + noun
}

func fit(s string, width int) string {
	return runewidth.Truncate(strings.ToValidUTF8(s, "\uFFFD"), width, "…")
}
