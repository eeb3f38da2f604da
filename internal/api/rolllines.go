package api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"voted/internal/lines"
	"voted/internal/refusal"
	"voted/internal/rollfile"
	"voted/internal/textfile"
)

// rollType returns how a roll is sent: as a table or as objects, and in which encoding. A
// table may be in an encoding of one byte per character if its charset says so; nothing
// is guessed here.
func rollType(r *http.Request) (table bool, encoding textfile.Encoding, err error) {
	name, params, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	table = strings.EqualFold(strings.TrimSpace(name), mediaCSV)
	charset := charsetOf(params)
	if err := contentType(r, mediaNDJSON, mediaCSV); err == nil || !table || charset == "" {
		return table, textfile.UTF8, err
	}
	encoding, err = textfile.Named(charset)
	if err != nil || encoding.Wide() {
		return table, encoding, refusal.New(refusal.UnsupportedMediaType, "The charset %.40q is not taken here; send the roll in UTF-8.", charset)
	}
	plain := r.Clone(r.Context())
	plain.Header.Set("Content-Type", mediaCSV)
	return table, encoding, contentType(plain, mediaNDJSON, mediaCSV)
}

// rollLines are the lines of an upload. It is a textfile.Source.
type rollLines struct {
	reader   *lines.Reader
	encoding textfile.Encoding
	number   int
}

func newRollLines(body io.Reader, encoding textfile.Encoding, extend func()) *rollLines {
	return &rollLines{reader: lines.New(body, bulkReadBytes, rollfile.MaxLineBytes, extend), encoding: encoding}
}

// Number implements textfile.Source.
func (l *rollLines) Number() int { return l.number }

// Next implements textfile.Source.
func (l *rollLines) Next() ([]byte, error) {
	if err := l.reader.Await(); err != nil {
		return nil, err
	}
	line, err := l.reader.Next()
	if err != nil && !errors.Is(err, lines.ErrTooLong) {
		return nil, err
	}
	l.number++
	if err != nil {
		return nil, textfile.TooLong(l.number, rollfile.MaxLineBytes)
	}
	if l.number == 1 {
		line = textfile.TrimMark(line)
	}
	text, fault := l.encoding.Decode(line)
	if fault == nil {
		return text, nil
	}
	fault.Line = l.number
	switch {
	case fault.Guess != "":
		fault.Detail = "this is not UTF-8, it looks like " + fault.Guess + "; send it in UTF-8, or a CSV with this charset in its Content-Type"
	case fault.Foreign:
		fault.Detail = "this is not UTF-8; send it in UTF-8, or a CSV with its charset in the Content-Type"
	}
	return nil, fault
}

// sentenceOf returns a line's fault as a sentence.
func sentenceOf(f *textfile.Fault) string {
	s := f.Sentence()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
