package display

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/mattn/go-runewidth"

	"voted/client"
	"voted/internal/console"
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

// Results writes a tally: a heading, a bar for each option, the rounds if the method counts
// in rounds, and how ties were decided. If the output has a bounded number of lines, it
// shows what fits: the options that lead, and how many were left out.
func (o *Output) Results(r client.Results, title string, titles Titles) {
	o.results(r, title, titles, "log index "+Int(r.Index))
}

// Counted writes the tally of a file as [Output.Results] does; from says what was counted.
func (o *Output) Counted(r client.Results, title string, titles Titles, from string) {
	o.results(r, title, titles, from)
}

// results writes a tally; from says where it comes from.
func (o *Output) results(r client.Results, title string, titles Titles, from string) {
	if title == "" {
		title = r.Poll
	}
	head := func(o *Output) { o.heading(r, title, from) }
	further := func(o *Output) { o.further(r, titles) }
	ties := func(o *Output) { o.ties(r, titles) }
	options := func(o *Output) { o.options(r, titles, len(r.Options)) }
	rounds := func(o *Output) {
		if hasRounds(r) {
			o.Linef("")
			o.Rounds(r, titles)
		}
	}
	if o.rows > 0 {
		if o.lines(ties) > o.rows/3 {
			ties = func(o *Output) { o.tiesInShort(r, titles) }
		}
		left := o.rows - o.lines(head) - o.lines(further) - o.lines(ties)
		if o.lines(options)+o.lines(rounds) > left {
			rounds = func(o *Output) {
				if hasRounds(r) {
					o.Linef("")
					o.Linef("%s", o.Paint(Dim, fit(fmt.Sprintf("%d rounds: see `voted results %s`", len(r.Rounds), r.Poll), o.Width())))
				}
			}
			room := max(1, left-o.lines(rounds))
			options = func(o *Output) { o.options(r, titles, room) }
		}
	}
	for _, part := range []func(*Output){head, options, further, rounds, ties} {
		part(o)
	}
}

// hasRounds reports whether there are rounds of votes to show.
func hasRounds(r client.Results) bool {
	return len(r.Rounds) > 1 && slices.ContainsFunc(r.Rounds, func(x client.Round) bool { return len(x.Votes) > 0 })
}

// Less returns the output with room for n lines fewer, if its room is bounded.
func (o *Output) Less(n int) *Output {
	p := *o
	if p.rows > 0 {
		p.rows = max(1, p.rows-n)
	}
	return &p
}

// lines counts the lines that a part takes.
func (o *Output) lines(part func(*Output)) int {
	var b bytes.Buffer
	p := *o
	p.Writer, p.width = &b, o.Width()
	part(&p)
	return bytes.Count(b.Bytes(), []byte("\n"))
}

// heading writes what is counted, how, and how many of the eligible voters have voted.
func (o *Output) heading(r client.Results, title, from string) {
	state := string(r.State)
	if r.Certified {
		state = "closed, final"
	}
	o.Linef("%s", o.Paint(Bold, fit(title, o.Width())))
	method := string(r.Method)
	if r.Seats > 1 {
		method += ", " + Plural(int64(r.Seats), "seat")
	}
	o.Para(Dim, fmt.Sprintf("%s · %s · %s · %s", method, state, Plural(int64(r.Ballots), "ballot"), from))
	if t := r.Turnout; t != nil {
		o.Para(Dim, fmt.Sprintf("turnout %s of %s (%s) · weight %s of %s",
			Int(t.Voted), Int(t.Eligible), Percent(float64(t.Voted), float64(t.Eligible)), Int(t.VotedWeight), Int(t.EligibleWeight)))
	}
	if q := r.Quorum; q != nil {
		met := "it counts once the poll has closed"
		if q.Met != nil {
			met = map[bool]string{true: "met", false: "not met"}[*q.Met]
		}
		o.Para(Dim, fmt.Sprintf("quorum %s: %s", Plural(int64(q.Needed), "voter"), met))
	}
	o.Linef("")
}

// measure returns what options are shown by, and what is said beside it: scores and their
// mean, points, won pairs, or votes and their share.
func measure(r client.Results) (value func(client.OptionResult) float64, beside func(client.OptionResult) string) {
	has := func(of func(client.OptionResult) client.Votes) bool {
		return slices.ContainsFunc(r.Options, func(x client.OptionResult) bool { return of(x) != 0 })
	}
	score := func(x client.OptionResult) client.Votes { return x.Score }
	points := func(x client.OptionResult) client.Votes { return x.Points }
	wins := func(x client.OptionResult) client.Votes { return x.Wins }
	switch {
	case r.Method == client.ScoreVoting || has(score):
		return func(x client.OptionResult) float64 { return float64(x.Score) },
			func(x client.OptionResult) string { return fmt.Sprintf("mean %.2f", x.Mean) }
	case has(points):
		return func(x client.OptionResult) float64 { return float64(x.Points) }, func(client.OptionResult) string { return "points" }
	case has(wins):
		return func(x client.OptionResult) float64 { return float64(x.Wins) }, func(client.OptionResult) string { return "won pairs" }
	}
	value = func(x client.OptionResult) float64 { return float64(x.Votes) }
	return value, func(x client.OptionResult) string { return Percent(value(x), cast(r)) }
}

// cast is the total weight of all ballots, the whole of which votes are shares.
func cast(r client.Results) float64 {
	if r.Weight > 0 {
		return float64(r.Weight)
	}
	return float64(r.Ballots)
}

// options writes a bar for each option, longest for the most votes. If there is room for
// fewer, those with the most votes are shown.
func (o *Output) options(r client.Results, titles Titles, room int) {
	value, last := measure(r)
	shown := r.Options
	if len(shown) > room {
		shown = slices.Clone(shown)
		slices.SortStableFunc(shown, func(a, b client.OptionResult) int { return cmp.Compare(value(b), value(a)) })
		shown = shown[:max(0, room-1)]
	}
	most := 0.0
	for _, x := range r.Options {
		most = max(most, value(x))
	}
	row := func(x client.OptionResult) []Cell {
		mark := markOf(r, x.ID)
		return []Cell{{titles.of(x.ID), mark.Style}, {Count(value(x)), Bold}, {last(x), Plain}, mark}
	}
	barWidth := o.barWidth(shown, row)
	t := Table{Bare: true, Indent: 2, Columns: []Column{{Flex: true}, {}, {Right: true}, {Right: true}, {}}}
	if barWidth == 0 {
		t.Columns = slices.Delete(t.Columns, 1, 2)
	}
	for _, x := range shown {
		cells := row(x)
		if barWidth > 0 {
			share := 0.0
			if most > 0 {
				share = value(x) / most
			}
			cells = slices.Insert(cells, 1, Cell{console.Bar(share, barWidth), Cyan})
		}
		t.Row(cells...)
	}
	t.Write(o)
	if more := len(r.Options) - len(shown); more > 0 {
		o.Linef("%s", o.Paint(Dim, fmt.Sprintf("  … and %s more", Int(more))))
	}
}

// barWidth returns how wide bars can be next to the other cells of their rows; 0 if there
// is too little room for a useful one.
func (o *Output) barWidth(shown []client.OptionResult, row func(client.OptionResult) []Cell) int {
	const leastBar, leastName = 6, 8
	var widths [4]int
	for _, x := range shown {
		for i, cell := range row(x) {
			widths[i] = max(widths[i], runewidth.StringWidth(Safe(cell.Text)))
		}
	}
	room := o.Width() - 2 - 4*len(gap) - min(widths[0], max(leastName, o.Width()/4)) - widths[1] - widths[2] - widths[3]
	if room < leastBar {
		return 0
	}
	return min(room, max(o.Width()/3, leastName), 40)
}

// markOf returns the mark of an option, before and after the result is final: the winner,
// one of several that tie, or one that another order would have elected.
func markOf(r client.Results, id string) Cell {
	switch won := slices.Contains(r.Winners, id); {
	case won && len(r.Winners) > max(r.Seats, 1):
		return Cell{"tied", Good}
	case won && r.Seats > 1 && r.State == client.StateClosed:
		return Cell{"✓ elected", Good}
	case r.Unresolved != nil && slices.Contains(r.Unresolved.Options, id):
		return Cell{"open", Yellow}
	case won && r.State == client.StateClosed:
		return Cell{"✓ wins", Good}
	case won:
		return Cell{"leads", Good}
	case slices.Contains(r.OtherOrdersElect, id) && r.State == client.StateClosed:
		return Cell{"could have won", Yellow}
	case slices.Contains(r.OtherOrdersElect, id):
		return Cell{"could lead", Yellow}
	}
	return Cell{}
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
	row := []Cell{{"exhausted", Dim}}
	for i := from; i < to; i++ {
		row = append(row, Cell{Count(float64(r.Rounds[i].Exhausted)), Dim}, Cell{}, Cell{})
	}
	t.Row(row...)
	t.Write(o)
}

// roundCells show what an option has in a round: votes, and their share of the votes that
// still count, because those shares decide who has a majority.
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

// fit makes s safe and cuts it to a width.
func fit(s string, width int) string { return runewidth.Truncate(Safe(s), max(1, width), "…") }
