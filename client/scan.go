package client

import "bytes"

// flat reads a JSON object of plain strings and whole numbers, the form of
// receipts and of bulk answers, without reflection and without allocating.
// Anything else it leaves to encoding/json.
type flat struct {
	rest     []byte
	key, val []byte
	quoted   bool
	begun    bool
}

// step says what flat.next found.
type step int

const (
	stepMember  step = iota // key and val hold a member
	stepEnd                 // the object ended properly
	stepUnusual             // not of this form: use encoding/json, which also finds errors
)

func (f *flat) skipSpace() byte {
	for i, c := range f.rest {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			f.rest = f.rest[i:]
			return c
		}
	}
	f.rest = nil
	return 0
}

// take consumes c, if it comes next after white space.
func (f *flat) take(c byte) bool {
	if f.skipSpace() != c {
		return false
	}
	f.rest = f.rest[1:]
	return true
}

func (f *flat) next() step {
	if !f.begun {
		if !f.take('{') {
			return stepUnusual
		}
	}
	switch {
	case f.take('}'):
		if f.skipSpace() != 0 {
			return stepUnusual
		}
		return stepEnd
	case f.begun && !f.take(','):
		return stepUnusual
	}
	f.begun = true
	var ok bool
	if f.key, ok = f.text(); !ok || !f.take(':') {
		return stepUnusual
	}
	if f.skipSpace() == '"' {
		f.quoted = true
		f.val, ok = f.text()
	} else {
		f.quoted = false
		f.val, ok = f.digits()
	}
	if !ok {
		return stepUnusual
	}
	return stepMember
}

// text takes a string that has no escapes.
func (f *flat) text() ([]byte, bool) {
	if !f.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(f.rest, '"')
	if end < 0 || bytes.IndexByte(f.rest[:end], '\\') >= 0 {
		return nil, false
	}
	s := f.rest[:end]
	f.rest = f.rest[end+1:]
	return s, true
}

// digits takes a whole number of at most 19 digits, which fits into 64 bits.
func (f *flat) digits() ([]byte, bool) {
	n := 0
	for n < len(f.rest) && f.rest[n] >= '0' && f.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 19 || n == len(f.rest) {
		return nil, false
	}
	if c := f.rest[n]; c == '.' || c == 'e' || c == 'E' {
		return nil, false
	}
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s, true
}

// number returns the value of a member that is a number.
func (f *flat) number() (uint64, bool) {
	if f.quoted {
		return 0, false
	}
	var n uint64
	for _, c := range f.val {
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
