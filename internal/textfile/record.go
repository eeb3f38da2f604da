package textfile

import (
	"bytes"
	"fmt"
)

// field is one cell of a table's line.
type field struct {
	text   []byte
	column int // where it begins, in characters from 1
	quoted bool
}

// The result of parsing a line.
type parsed int

const (
	whole parsed = iota // a record
	open                // a quoted cell continues in the next line
	wrong               // the fault says what is
)

// splitter reads the cells of one record (RFC 4180, with any separator). Blanks around
// cells without quotes are removed; text in quotes is kept as it is.
type splitter struct {
	separator byte
	fields    []field // of the last record; reused
	unquoted  []byte  // cells with doubled quotes; reused
}

// split reads a record. Its fields are valid until the next call.
func (s *splitter) split(line []byte) (parsed, *Fault) {
	s.fields, s.unquoted = s.fields[:0], s.unquoted[:0]
	for at := 0; ; at++ {
		f := field{column: at} // in bytes until place is called
		var end int
		var state parsed
		if at < len(line) && line[at] == '"' {
			f.quoted = true
			f.text, end, state = s.quotedCell(line, at)
		} else {
			f.text, end, state = s.plainCell(line, at)
		}
		switch state {
		case open:
			return open, &Fault{Column: Column(line, at), Detail: "the quote that begins here is not closed; a cell in quotes ends with one, and a quote in it is doubled"}
		case wrong:
			return wrong, &Fault{Column: Column(line, end), Detail: "a quote is out of place; write the whole cell in quotes, and a quote in it twice"}
		case whole:
		}
		s.fields = append(s.fields, f)
		if at = end; at >= len(line) {
			s.place(line)
			return whole, nil
		}
	}
}

// place turns the offsets of the fields into columns.
func (s *splitter) place(line []byte) {
	if ascii(line) {
		for i := range s.fields {
			s.fields[i].column++
		}
		return
	}
	for i := range s.fields {
		s.fields[i].column = Column(line, s.fields[i].column)
	}
}

func (s *splitter) plainCell(line []byte, at int) (text []byte, end int, state parsed) {
	end = len(line)
	if i := bytes.IndexByte(line[at:], s.separator); i >= 0 {
		end = at + i
	}
	if i := bytes.IndexByte(line[at:end], '"'); i >= 0 {
		return nil, at + i, wrong
	}
	return bytes.Trim(line[at:end], " \t"), end, whole
}

func (s *splitter) quotedCell(line []byte, at int) (text []byte, end int, state parsed) {
	start := len(s.unquoted)
	for rest := at + 1; ; {
		i := bytes.IndexByte(line[rest:], '"')
		if i < 0 {
			return nil, at, open
		}
		s.unquoted = append(s.unquoted, line[rest:rest+i]...)
		rest += i + 1
		if rest == len(line) || line[rest] == s.separator {
			return s.unquoted[start:], rest, whole
		}
		if line[rest] != '"' {
			return nil, rest, wrong
		}
		s.unquoted = append(s.unquoted, '"')
		rest++
	}
}

// Separators are those that are detected, in the order in which they are tried.
var separators = []byte{',', ';', '\t', '|'}

// NamedSeparator returns a separator: itself, or its name.
func NamedSeparator(s string) (byte, error) {
	switch s {
	case ",", "comma":
		return ',', nil
	case ";", "semicolon":
		return ';', nil
	case "\t", `\t`, "tab":
		return '\t', nil
	case "|", "pipe":
		return '|', nil
	}
	return 0, fmt.Errorf("columns cannot be separated by %q; give one of comma, semicolon, tab and pipe", s)
}

// SeparatorName returns the name of a separator, such as semicolon.
func SeparatorName(c byte) string {
	switch c {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "pipe"
	}
	return string(c)
}
