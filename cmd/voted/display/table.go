package display

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
}

// Cells makes plain cells.
func Cells(texts ...string) []Cell {
	row := make([]Cell, len(texts))
	for i, t := range texts {
		row[i].Text = t
	}
	return row
}

// Column describes a column of a table.
type Column struct {
	Title string
	Right bool // numbers
	Flex  bool // is shortened first where the table is too wide
}

// Table has columns as wide as their widest cell.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Indent  int
	Bare    bool // without the line of titles
}

// Row adds a row.
func (t *Table) Row(cells ...Cell) { t.Rows = append(t.Rows, cells) }

// gap stands between columns.
const gap = "  "

// Write writes the table, so that it fits the output's width as far as its
// flexible columns allow.
func (t *Table) Write(o *Output) {
	widths := t.widths(o.Width())
	if !t.Bare {
		head := make([]Cell, len(t.Columns))
		for i, c := range t.Columns {
			head[i] = Cell{c.Title, Dim}
		}
		t.line(o, widths, head)
	}
	for _, row := range t.Rows {
		t.line(o, widths, row)
	}
}

func (t *Table) widths(limit int) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		if !t.Bare {
			widths[i] = runewidth.StringWidth(c.Title)
		}
		for _, row := range t.Rows {
			if i < len(row) {
				widths[i] = max(widths[i], runewidth.StringWidth(row[i].Text))
			}
		}
	}
	total := t.Indent + len(gap)*(len(widths)-1)
	for _, w := range widths {
		total += w
	}
	const least = 8 // of a column that is shortened
	for i, c := range t.Columns {
		if c.Flex && total > limit {
			cut := max(0, min(total-limit, widths[i]-least))
			widths[i] -= cut
			total -= cut
		}
	}
	return widths
}

func (t *Table) line(o *Output, widths []int, row []Cell) {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", t.Indent))
	for i, cell := range row {
		if i > 0 {
			b.WriteString(gap)
		}
		text := runewidth.Truncate(cell.Text, widths[i], "…")
		pad := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(text)))
		switch {
		case t.Columns[i].Right:
			b.WriteString(pad + o.Paint(cell.Style, text))
		case i == len(row)-1:
			b.WriteString(o.Paint(cell.Style, text)) // nothing to align with
		default:
			b.WriteString(o.Paint(cell.Style, text) + pad)
		}
	}
	o.Linef("%s", strings.TrimRight(b.String(), " "))
}
