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
	details := func(o *Output) { o.details(r, titles) }
	moves := func(o *Output) { o.moves(r, titles) }
	if o.rows > 0 {
		if o.lines(ties) > o.rows/3 {
			ties = func(o *Output) { o.tiesInShort(r, titles) }
		}
		left := o.rows - o.lines(head) - o.lines(further) - o.lines(ties)
		if o.lines(options)+o.lines(details)+o.lines(rounds)+o.lines(moves) > left {
			details, moves = o.elsewhere("more tables", r.Poll, details, moves), func(*Output) {}
		}
		if o.lines(options)+o.lines(details)+o.lines(rounds) > left {
			if rounds = o.elsewhere(Plural(int64(len(r.Rounds)), "round"), r.Poll, rounds); hasRounds(r) {
				details = func(*Output) {}
			}
			room := max(1, left-o.lines(rounds)-o.lines(details))
			options = func(o *Output) { o.options(r, titles, room) }
		}
	}
	for _, part := range []func(*Output){head, options, further, details, rounds, moves, ties} {
		part(o)
	}
}

// elsewhere stands for parts for which a window has no room; nothing stands for nothing.
func (o *Output) elsewhere(what, poll string, parts ...func(*Output)) func(*Output) {
	lines := 0
	for _, part := range parts {
		lines += o.lines(part)
	}
	if lines == 0 {
		return func(*Output) {}
	}
	return func(o *Output) {
		o.Linef("")
		o.Linef("%s", o.Paint(Dim, fit(fmt.Sprintf("%s: see `voted results %s`", what, poll), o.Width())))
	}
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
		return func(x client.OptionResult) float64 { return float64(x.Wins) }, func(x client.OptionResult) string {
			if x.Wins == 1 {
				return "won pair"
			}
			return "won pairs"
		}
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

// Plural returns "1 ballot", "2 ballots".
func Plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Int(n) + " " + noun
}

// fit makes s safe and cuts it to a width.
func fit(s string, width int) string { return runewidth.Truncate(Safe(s), max(1, width), "…") }
