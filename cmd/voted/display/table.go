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
	Flex  bool // is shortened first if the table is too wide
}

// Table has columns as wide as their widest cell.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Indent  int
	Bare    bool // without the line of titles
}

// Row adds a row. The text of its cells is made safe.
func (t *Table) Row(cells ...Cell) {
	for i := range cells {
		cells[i].Text = Safe(cells[i].Text)
	}
	t.Rows = append(t.Rows, cells)
}

// gap stands between columns.
const gap = "  "

// Write writes the table, so that it fits the output's width as far as its
// flexible columns allow. On a terminal that is narrower still, a table with titles
// becomes a block of lines for each row.
func (t *Table) Write(o *Output) {
	widths, total := t.widths(o.Width())
	if o.Terminal && !t.Bare && total > o.Width() {
		t.stack(o)
		return
	}
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

// stack writes each row as a block: the first cell, and below it the others by their
// titles.
func (t *Table) stack(o *Output) {
	for _, row := range t.Rows {
		block := Table{Bare: true, Indent: t.Indent + len(gap), Columns: make([]Column, 2)}
		for i, cell := range row {
			switch {
			case i == 0:
				o.Linef("%s%s", strings.Repeat(" ", t.Indent), o.Paint(cell.Style, fit(cell.Text, o.Width()-t.Indent)))
			case cell.Text != "":
				block.Row(Cell{strings.ToLower(t.Columns[i].Title), Dim}, cell)
			}
		}
		block.Write(o)
	}
}

// widths returns how wide each column is, and the total with the gaps.
func (t *Table) widths(limit int) (widths []int, total int) {
	widths = make([]int, len(t.Columns))
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
	total = t.Indent + len(gap)*(len(widths)-1)
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
	return widths, total
}

func (t *Table) line(o *Output, widths []int, row []Cell) {
	var b strings.Builder
	used := t.Indent
	b.WriteString(strings.Repeat(" ", t.Indent))
	for i, cell := range row {
		if i > 0 {
			b.WriteString(gap)
			used += len(gap)
		}
		if i == len(row)-1 && !t.Columns[i].Right && !t.Columns[i].Flex {
			t.last(o, &b, used, cell) // nothing to align with
			return
		}
		text := runewidth.Truncate(cell.Text, widths[i], "…")
		pad := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(text)))
		if t.Columns[i].Right {
			b.WriteString(pad + string(o.Paint(cell.Style, text)))
		} else {
			b.WriteString(string(o.Paint(cell.Style, text)) + pad)
		}
		used += widths[i]
	}
	o.Linef("%s", Painted(strings.TrimRight(b.String(), " ")))
}

// last writes the last cell of a row after the others. On a terminal text that is too long
// for the line continues below, if that leaves room for words.
func (t *Table) last(o *Output, before *strings.Builder, used int, cell Cell) {
	const leastWords = 12
	lines := []string{cell.Text}
	if room := o.Width() - used; o.Terminal && room >= leastWords && runewidth.StringWidth(cell.Text) > room {
		lines = wrap(cell.Text, room)
	}
	for i, line := range lines {
		if i > 0 {
			before.WriteString(strings.Repeat(" ", used))
		}
		before.WriteString(string(o.Paint(cell.Style, line)))
		o.Linef("%s", Painted(strings.TrimRight(before.String(), " ")))
		before.Reset()
	}
}
