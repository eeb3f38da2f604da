package display

import (
	"fmt"
	"strconv"

	"github.com/mattn/go-runewidth"

	"voted/client"
)

// details writes the tables by which a method decides: scores, pairs, paths, locked pairs.
func (o *Output) details(r client.Results, titles Titles) {
	o.distribution(r, titles)
	o.pairs(r, titles)
	o.paths(r, titles)
	o.locked(r, titles)
}

// maxPairs is how many options a table of pairs may have, and maxLines how many lines a list
// may; --json has all.
const (
	maxPairs = 12
	maxLines = 20
)

// pairs writes how many ballots prefer the option of the row to that of the column.
func (o *Output) pairs(r client.Results, titles Titles) {
	if len(r.Pairwise) == 0 {
		return
	}
	if len(r.Options) > maxPairs {
		o.Linef("")
		o.Para(Dim, fmt.Sprintf("The pairs of %s are not shown; --format pairs has them.", Plural(int64(len(r.Options)), "option")))
		return
	}
	o.byPairs(r, titles, "preferred to", func(a, b string) (string, bool) {
		votes := r.Pairwise[a][b]
		return Count(float64(votes)), votes > r.Pairwise[b][a]
	})
}

// paths writes the strength of the strongest chain of wins from the option of the row to
// that of the column.
func (o *Output) paths(r client.Results, titles Titles) {
	if len(r.Paths) == 0 {
		return
	}
	if len(r.Options) > maxPairs {
		o.Linef("")
		o.Para(Dim, fmt.Sprintf("The strongest paths of %s are not shown; --json has them.", Plural(int64(len(r.Options)), "option")))
		return
	}
	place := map[string]int{}
	for i, tier := range r.Ranking {
		for _, id := range tier {
			place[id] = i
		}
	}
	o.byPairs(r, titles, "best path to", func(a, b string) (string, bool) {
		return pathText(r.Paths[a][b]), place[a] < place[b]
	})
}

func pathText(s client.Strength) string {
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil {
		return string(s) // a ratio
	}
	return Int(n)
}

// byPairs writes a cell for each two options; better says that the first one is ahead.
func (o *Output) byPairs(r client.Results, titles Titles, head string, cell func(a, b string) (text string, better bool)) {
	g := grid{head: head}
	for i := range r.Options {
		g.columns = append(g.columns, strconv.Itoa(i+1))
	}
	for i, a := range r.Options {
		row := gridRow{name: strconv.Itoa(i+1) + " " + titles.of(a.ID)}
		for _, b := range r.Options {
			c := Cell{"–", Dim}
			if a.ID != b.ID {
				text, better := cell(a.ID, b.ID)
				if c = (Cell{Text: text}); better {
					c.Style = Good
				}
			}
			row.cells = append(row.cells, c)
		}
		g.rows = append(g.rows, row)
	}
	g.write(o)
}

// locked writes the pairs in the order in which they were locked, and those that were
// passed over.
func (o *Output) locked(r client.Results, titles Titles) {
	list := func(title, titleMore string, pairs [][2]string) {
		if len(pairs) == 0 {
			return
		}
		o.Linef("")
		o.Para(Plain, title)
		t := Table{Bare: true, Indent: 2, Columns: []Column{{Right: true}, {Flex: true}, {Right: true}}}
		for i, p := range pairs {
			if i == maxLines && len(pairs) > maxLines+1 {
				break
			}
			t.Row(Cell{Text: strconv.Itoa(i + 1)}, Cell{Text: titles.of(p[0]) + " over " + titles.of(p[1])},
				Cell{Count(float64(r.Pairwise[p[0]][p[1]])) + " to " + Count(float64(r.Pairwise[p[1]][p[0]])), Dim})
		}
		t.Write(o)
		if more := len(pairs) - len(t.Rows); more > 0 {
			o.Para(Dim, fmt.Sprintf("… and %s more %s; --json has all.", Int(more), titleMore))
		}
	}
	list("Locked in this order:", "pairs", r.Locked)
	list("Passed over, as they would close a circle:", "pairs", r.Dropped)
}

// distribution writes how many ballots give an option each score.
func (o *Output) distribution(r client.Results, titles Titles) {
	scores, rows := 0, 0
	for _, x := range r.Options {
		if scores = max(scores, len(x.Distribution)); len(x.Distribution) > 0 {
			rows++
		}
	}
	if rows == 0 {
		return
	}
	if rows > maxLines || scores > maxPairs+1 {
		o.Linef("")
		o.Para(Dim, "How many ballots give each score is not shown; --json has it.")
		return
	}
	g := grid{head: "by score"}
	for score := range scores {
		g.columns = append(g.columns, strconv.Itoa(score))
	}
	for _, x := range r.Options {
		row := gridRow{name: titles.of(x.ID)}
		for score := range scores {
			n := int64(0)
			if score < len(x.Distribution) {
				n = x.Distribution[score]
			}
			row.cells = append(row.cells, Cell{Text: Int(n)})
		}
		g.rows = append(g.rows, row)
	}
	g.write(o)
}

// grid is a table of numbers with many columns.
type grid struct {
	head    string // above the names
	columns []string
	rows    []gridRow
}

type gridRow struct {
	name  string
	cells []Cell
}

// write writes as many columns side by side as fit, and the others below them.
func (g grid) write(o *Output) {
	const indent, leastName = 2, 8
	name := runewidth.StringWidth(g.head)
	for _, row := range g.rows {
		name = max(name, runewidth.StringWidth(Safe(row.name)))
	}
	name = min(name, max(leastName, o.Width()/3))
	for from := 0; from < len(g.columns); {
		used, to := indent+name, from
		for to < len(g.columns) {
			width := runewidth.StringWidth(g.columns[to])
			for _, row := range g.rows {
				width = max(width, runewidth.StringWidth(row.cells[to].Text))
			}
			if used += len(gap) + width; used > o.Width() && to > from {
				break
			}
			to++
		}
		g.part(o, from, to)
		from = to
	}
}

func (g grid) part(o *Output, from, to int) {
	o.Linef("")
	t := Table{Indent: 2, Columns: []Column{{Title: g.head, Flex: true}}}
	for _, c := range g.columns[from:to] {
		t.Columns = append(t.Columns, Column{Title: c, Right: true})
	}
	for _, row := range g.rows {
		t.Row(append([]Cell{{Text: row.name}}, row.cells[from:to]...)...)
	}
	t.Write(o)
}
