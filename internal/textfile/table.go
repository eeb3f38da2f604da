package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Table reads the records below a line of titles.
type Table struct {
	source Source
	layout Layout
	split  splitter

	titles  []string       // as in the file
	at      map[string]int // the column of each name that was found
	ignored []string

	ahead    []aheadLine // lines read ahead to find the end of a quoted cell
	text     []byte      // the record that spans lines
	consumed int         // the last line of the last record
}

// maxRecordLines bounds the lines of one quoted cell: enough for a comment, and few
// enough that a quote that is never closed costs little.
const maxRecordLines = 256

type aheadLine struct {
	text   []byte
	number int
	fault  error
}

// NewTable returns a table whose titles are not read yet; see [Table.Begin].
func NewTable(source Source, layout Layout) *Table {
	return &Table{source: source, layout: layout}
}

// Begin reads the titles. A *Fault says what is wrong with them; other errors are the
// source's own.
func (t *Table) Begin() error {
	line, err := t.first()
	if err != nil {
		return err
	}
	candidates := separators
	if t.layout.Separator != 0 {
		candidates = []byte{t.layout.Separator}
	}
	// Excel writes and reads a first line that names the separator.
	if told, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(told) == 1 {
		candidates = told
		if line, err = t.first(); err != nil {
			return err
		}
	}
	var wrong *Fault // with the separator that makes most titles of the line
	most := 0
	for _, c := range candidates {
		titles, at, fault := t.layout.read(line, c)
		better := len(titles) > most
		switch {
		case fault == nil && (better || t.at == nil):
			t.split.separator, t.titles, t.at, most = c, titles, at, len(titles)
		case fault != nil && t.at == nil && (better || wrong == nil):
			wrong, most = fault, len(titles)
		}
	}
	t.consumed = t.source.Number()
	if t.at != nil {
		wrong = t.further()
	}
	if wrong != nil {
		wrong.Line = t.source.Number()
		return wrong
	}
	return nil
}

// first returns the first line that is not blank.
func (t *Table) first() ([]byte, error) {
	for {
		line, err := t.source.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, &Fault{Line: t.source.Number() + 1, Detail: "the text is empty; " + t.layout.Want}
		case err != nil:
			return nil, err
		case !Blank(line):
			return bytes.Clone(line), nil
		}
	}
}

// Separator is the separator of the columns.
func (t *Table) Separator() byte { return t.split.separator }

// Title returns the title of a column as in the file; empty if there is none.
func (t *Table) Title(name string) string {
	if i, ok := t.at[name]; ok {
		return t.titles[i]
	}
	return ""
}

// Titles are the titles of all columns, as in the file.
func (t *Table) Titles() []string { return t.titles }

// Ignored lists the titles of the columns that are not read.
func (t *Table) Ignored() []string { return t.ignored }

// Record is one record of a table, valid until the next call of [Table.Next].
type Record struct {
	Line  int // where it begins
	table *Table
}

// Text returns the cell of a column and where it begins; ok is false if the table has
// no such column.
func (r Record) Text(name string) (text []byte, column int, ok bool) {
	i, ok := r.table.at[name]
	if !ok {
		return nil, 0, false
	}
	f := r.table.split.fields[i]
	return f.text, f.column, true
}

// Cell returns the cell of the column with a number, from 0, and where it begins.
func (r Record) Cell(number int) (text []byte, column int) {
	f := r.table.split.fields[number]
	return f.text, f.column
}

// Consumed is the number of the last line that belongs to what Next returned.
func (t *Table) Consumed() int { return t.consumed }

// Next returns the next record; io.EOF after the last one, a *Fault for one that is
// refused. Blank lines are skipped, and so are records with only empty cells.
func (t *Table) Next() (Record, error) {
	for {
		line, number, err := t.line()
		t.consumed = number
		if err != nil {
			return Record{}, err
		}
		if Blank(line) {
			continue
		}
		fault, err := t.record(line, number)
		if err != nil {
			return Record{}, err
		}
		if fault == nil {
			fault = t.count()
		}
		if fault != nil {
			fault.Line = number
			return Record{}, fault
		}
		if !t.empty() {
			return Record{Line: number, table: t}, nil
		}
	}
}

// line returns the next line, first those that were read ahead.
func (t *Table) line() ([]byte, int, error) {
	if len(t.ahead) > 0 {
		next := t.ahead[0]
		t.ahead = t.ahead[1:]
		return next.text, next.number, next.fault
	}
	line, err := t.source.Next()
	return line, t.source.Number(), err
}

// record splits a line, and adds the lines after it if a quoted cell continues in them.
// If the end is not found, only this line is refused, and the lines after it are read
// again.
func (t *Table) record(line []byte, number int) (*Fault, error) {
	state, fault := t.split.split(line)
	if state != open {
		return fault, nil
	}
	t.text = append(t.text[:0], line...)
	for i := 0; ; i++ {
		if i == len(t.ahead) {
			next, err := t.source.Next()
			var bad *Fault
			if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &bad) {
				return nil, err
			}
			t.ahead = append(t.ahead, aheadLine{bytes.Clone(next), t.source.Number(), err})
		}
		next := t.ahead[i]
		if next.fault != nil || i == maxRecordLines || len(t.text)+1+len(next.text) > t.layout.Limit {
			return fault, nil
		}
		t.text = append(append(t.text, '\n'), next.text...)
		state, _ := t.split.split(t.text)
		if state == whole {
			t.consumed = next.number
			t.ahead = t.ahead[i+1:]
			return nil, nil
		}
		if state == wrong {
			return fault, nil
		}
	}
}

// count refuses a record with more or fewer cells than titles.
func (t *Table) count() *Fault {
	fields := t.split.fields
	if len(fields) < len(t.titles) {
		return faultf("it has fewer columns than the first line: %d of %d", len(fields), len(t.titles))
	}
	for i, f := range fields {
		switch {
		case i >= len(t.titles):
			return &Fault{Column: f.column, Detail: fmt.Sprintf("it has more columns than the first line, which has %d", len(t.titles))}
		case t.titles[i] == "" && len(f.text) > 0:
			return &Fault{Column: f.column, Detail: fmt.Sprintf("column %d has a value and no title; give it one in the first line", i+1)}
		}
	}
	return nil
}

// empty reports whether the record is a row that a spreadsheet left empty.
func (t *Table) empty() bool {
	return !slices.ContainsFunc(t.split.fields, func(f field) bool { return f.quoted || len(f.text) > 0 })
}
