package blt

import (
	"bytes"
	"errors"
	"io"

	"voted/internal/textfile"
)

// words splits a text into its words: numbers and signs, and names in quotes.
type words struct {
	source textfile.Source
	line   []byte
	at     int // in line

	word   []byte // the last one, without its quotes; valid until the next call of next
	quoted bool
	start  int // of the word, in line
}

// next reads the next word; io.EOF after the last one.
func (w *words) next() error {
	for {
		for w.at < len(w.line) && (w.line[w.at] == ' ' || w.line[w.at] == '\t') {
			w.at++
		}
		if w.at < len(w.line) && w.line[w.at] != '#' {
			return w.take()
		}
		line, err := w.source.Next()
		if err != nil {
			w.line, w.at, w.start = nil, 0, 0
			return err
		}
		w.line, w.at = line, 0
	}
}

// take takes the word that begins here.
func (w *words) take() error {
	w.start = w.at
	rest := w.line[w.at:]
	closing, what := byte(0), ""
	switch rest[0] {
	case '"':
		closing, what = '"', "quote"
	case '(':
		closing, what = ')', "bracket"
	}
	if w.quoted = rest[0] == '"'; closing != 0 {
		end := bytes.IndexByte(rest[1:], closing)
		if end < 0 {
			return w.fault("the " + what + " that begins here is not closed on its line; close it, or take another copy of the file")
		}
		w.word, w.at = rest[1:1+end], w.at+end+2
		if !w.quoted {
			w.word = rest[:end+2]
		}
		return nil
	}
	end := bytes.IndexAny(rest, " \t#")
	if end < 0 {
		end = len(rest)
	}
	w.word, w.at = rest[:end], w.at+end
	return nil
}

// fault is a fault at the last word.
func (w *words) fault(detail string) error {
	return &textfile.Fault{Line: max(w.source.Number(), 1), Column: textfile.Column(w.line, w.start), Detail: detail}
}

// want is next where the file cannot end yet.
func (w *words) want(what string) error {
	err := w.next()
	if errors.Is(err, io.EOF) {
		return &textfile.Fault{Line: max(w.source.Number(), 1), Detail: "the file ends before " + what + "; take a whole copy of it"}
	}
	return err
}
