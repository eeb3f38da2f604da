package preflib

import "voted/internal/textfile"

// order is an order that is being read: places with commas between, each an option or
// several in curly brackets.
type order struct {
	line []byte
	at   int

	// Of the last place.
	more  bool // another one follows
	tied  bool // it holds several options
	empty bool
}

// place reads a place, and calls take with each option of it and its column.
func (o *order) place(take func(option, column int) *textfile.Fault) *textfile.Fault {
	o.more, o.tied, o.empty = false, false, false
	group := o.skip() == '{'
	if group {
		o.at++
	}
	n := 0
	for ; ; n++ {
		if c := o.skip(); group && n == 0 && c == '}' {
			break
		}
		column := textfile.Column(o.line, o.at)
		option, fault := o.number()
		if fault == nil {
			fault = take(option, column)
		}
		if fault != nil {
			return fault
		}
		if c := o.skip(); !group || c != ',' {
			n++
			break
		}
		o.at++
	}
	if group {
		if o.skip() != '}' {
			return o.wrong("the curly bracket of this place is not closed; take a whole copy of the file")
		}
		o.at++
	}
	o.tied, o.empty = n > 1, n == 0
	switch o.skip() {
	case 0:
	case ',':
		o.at++
		o.more = true
	default:
		return o.wrong("a comma should stand between places")
	}
	return nil
}

// skip skips blanks and returns the next byte, 0 at the end.
func (o *order) skip() byte {
	for o.at < len(o.line) && (o.line[o.at] == ' ' || o.line[o.at] == '\t') {
		o.at++
	}
	if o.at == len(o.line) {
		return 0
	}
	return o.line[o.at]
}

func (o *order) number() (int, *textfile.Fault) {
	n, start := 0, o.at
	for o.at < len(o.line) && '0' <= o.line[o.at] && o.line[o.at] <= '9' {
		if n = 10*n + int(o.line[o.at]-'0'); n > 1<<20 {
			n = 1 << 20
		}
		o.at++
	}
	if o.at == start {
		return 0, o.wrong("the number of an option should stand here; an order is such as 1,{2,3},4")
	}
	return n, nil
}

func (o *order) wrong(detail string) *textfile.Fault {
	return &textfile.Fault{Column: textfile.Column(o.line, o.at), Detail: detail}
}
