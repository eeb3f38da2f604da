package cvr

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/textfile"
)

// walker walks through JSON, and makes faults of what is not as it should be.
type walker struct {
	json   *jsontext.Decoder
	places *places
}

func newWalker(r io.Reader) *walker {
	w := &walker{}
	w.places = &places{r: r, behind: func() int64 { return w.json.InputOffset() }, line: 1, column: 1}
	w.json = jsontext.NewDecoder(w.places)
	return w
}

// wrong is a fault where the walker is.
func (w *walker) wrong(format string, args ...any) error {
	return w.places.fault(w.json.InputOffset(), fmt.Sprintf(format, args...))
}

// explain makes a fault of an error of the decoder.
func (w *walker) explain(err error) error {
	var syntax *jsontext.SyntacticError
	var fault *textfile.Fault
	switch {
	case err == nil || errors.As(err, &fault):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return w.wrong("the file ends in the middle; take a whole copy of it")
	case errors.Is(err, jsontext.ErrDuplicateName):
		errors.As(err, &syntax)
		return w.places.fault(syntax.ByteOffset, "a name stands in one object twice; keep one")
	case errors.As(err, &syntax):
		return w.places.fault(syntax.ByteOffset, "this is no JSON in UTF-8; take a whole copy of the file, or correct it here")
	}
	return err
}

// object reads an object and calls member for each name; member reads the value.
func (w *walker) object(what string, member func(name string) error) error {
	if w.json.PeekKind() != '{' {
		return w.other(what + " should stand here, an object")
	}
	if _, err := w.json.ReadToken(); err != nil {
		return err
	}
	for w.json.PeekKind() != '}' {
		token, err := w.json.ReadToken()
		if err != nil {
			return err
		}
		if err := member(token.String()); err != nil {
			return err
		}
	}
	_, err := w.json.ReadToken()
	return err
}

// array reads an array and calls item for each value, which it reads.
func (w *walker) array(what string, item func() error) error {
	if w.json.PeekKind() != '[' {
		return w.other("a list of " + what + " should stand here")
	}
	if _, err := w.json.ReadToken(); err != nil {
		return err
	}
	for w.json.PeekKind() != ']' {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := w.json.ReadToken()
	return err
}

// other is a fault about the next value, or the error of reading it.
func (w *walker) other(detail string) error {
	offset := w.json.InputOffset()
	if err := w.json.SkipValue(); err != nil {
		return err
	}
	return w.places.fault(offset, detail)
}

func (w *walker) text(what string, to *string) error {
	if w.json.PeekKind() != '"' {
		return w.other(what + " is a text")
	}
	token, err := w.json.ReadToken()
	if err == nil {
		*to = token.String()
	}
	return err
}

// number reads a whole number from least to most.
func (w *walker) number(what string, least, most int, to *int) error {
	value, err := w.json.ReadValue()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(value))
	if err != nil || n < least || n > most {
		return w.wrong("%s is %.32s, and can be a whole number from %d to %d", what, value, least, most)
	}
	*to = n
	return nil
}
