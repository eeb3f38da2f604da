package textfile

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// narrower turns UTF-16 into UTF-8. What is no character becomes bytes that are not
// UTF-8, so that its line is refused like any other such line.
type narrower struct {
	r    io.Reader
	big  bool
	raw  [4096]byte
	n    int    // bytes in raw
	text []byte // not read yet
	err  error
}

func (n *narrower) Read(p []byte) (int, error) {
	for len(n.text) == 0 && n.err == nil {
		n.fill()
	}
	if len(n.text) == 0 {
		return 0, n.err
	}
	done := copy(p, n.text)
	n.text = n.text[done:]
	return done, nil
}

// fill decodes the next part.
func (n *narrower) fill() {
	got, err := n.r.Read(n.raw[n.n:])
	n.n += got
	n.err = err
	text := n.text[:0]
	at := 0
	for {
		r, size := n.rune(at)
		if size == 0 {
			break
		}
		at += size
		text = appendRune(text, r)
	}
	n.n = copy(n.raw[:], n.raw[at:n.n])
	if n.err != nil && n.n > 0 {
		text = append(text, '\xff') // half a character at the end
		n.n = 0
	}
	n.text = text
}

// rune decodes the character at an offset; size 0 means that more bytes are needed. A
// surrogate without its other half is returned as it is.
func (n *narrower) rune(at int) (r rune, size int) {
	if n.n-at < 2 {
		return 0, 0
	}
	r = n.unit(at)
	if !utf16.IsSurrogate(r) {
		return r, 2
	}
	if n.n-at < 4 {
		if n.err == nil {
			return 0, 0
		}
		return r, 2
	}
	if pair := utf16.DecodeRune(r, n.unit(at+2)); pair != utf8.RuneError {
		return pair, 4
	}
	return r, 2
}

func (n *narrower) unit(at int) rune {
	a, b := rune(n.raw[at]), rune(n.raw[at+1])
	if n.big {
		a, b = b, a
	}
	return a | b<<8
}

// appendRune appends a character. Half of one becomes a byte that never occurs in
// UTF-8.
func appendRune(text []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(text, '\xff')
	}
	return utf8.AppendRune(text, r)
}
