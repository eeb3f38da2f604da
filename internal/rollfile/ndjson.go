package rollfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// NDJSON reads one object per line, such as {"voter":"v-17","weight":3}. It is a
// [Reader].
type NDJSON struct {
	source textfile.Source
	json   *jsontext.Decoder
	src    bytes.Reader
}

// NewNDJSON returns a reader of objects.
func NewNDJSON(source textfile.Source) *NDJSON {
	n := &NDJSON{source: source}
	n.json = jsontext.NewDecoder(&n.src)
	return n
}

// Begin implements [Reader].
func (*NDJSON) Begin() error { return nil }

// Ignored implements [Reader].
func (*NDJSON) Ignored() []string { return nil }

// Consumed implements [Reader].
func (n *NDJSON) Consumed() int { return n.source.Number() }

// Next implements [Reader].
func (n *NDJSON) Next() (Entry, error) {
	for {
		line, err := n.source.Next()
		if err != nil {
			return Entry{}, err
		}
		if textfile.Blank(line) {
			continue
		}
		e, wrong := n.entry(line)
		e.Line = n.source.Number()
		if wrong != nil {
			wrong.Line, wrong.Voter = e.Line, e.Voter
			return e, wrong
		}
		return e, nil
	}
}

// value reads a name or a value, and where it begins in the line.
func (n *NDJSON) value() (raw jsontext.Value, at int, err error) {
	raw, err = n.json.ReadValue()
	return raw, int(n.json.InputOffset()) - len(raw), err
}

func fault(line []byte, at int, format string, args ...any) *textfile.Fault {
	return &textfile.Fault{Column: textfile.Column(line, at), Detail: fmt.Sprintf(format, args...)}
}

const usage = `write one object such as {"voter":"v-17","weight":3}`

// syntax says why a line is not valid JSON.
func (n *NDJSON) syntax(line []byte, err error) *textfile.Fault {
	var s *jsontext.SyntacticError
	switch {
	case !errors.As(err, &s):
		return fault(line, len(line), "the line ends too early; "+usage)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault(line, int(s.ByteOffset), "%.64q stands twice; keep one", s.JSONPointer.LastToken())
	}
	return fault(line, int(s.ByteOffset), "this is not valid JSON; "+usage)
}

func (n *NDJSON) entry(line []byte) (e Entry, wrong *textfile.Fault) {
	n.src.Reset(line)
	n.json.Reset(&n.src)
	if n.json.PeekKind() != '{' {
		return e, fault(line, 0, usage)
	}
	if _, err := n.json.ReadToken(); err != nil {
		return e, n.syntax(line, err)
	}
	e.Weight = 1
	for n.json.PeekKind() != '}' {
		if wrong := n.member(line, &e); wrong != nil {
			return e, wrong
		}
	}
	if _, err := n.json.ReadToken(); err != nil {
		return e, n.syntax(line, err)
	}
	end := int(n.json.InputOffset())
	if _, err := n.json.ReadToken(); !errors.Is(err, io.EOF) {
		return e, fault(line, end, "something follows the object; write one object a line")
	}
	if e.Voter == "" {
		return e, fault(line, 0, "it names no voter; "+usage)
	}
	return e, nil
}

// member reads a name and its value.
func (n *NDJSON) member(line []byte, e *Entry) *textfile.Fault {
	raw, at, err := n.value()
	if err != nil {
		return n.syntax(line, err)
	}
	name := text(raw)
	if name != "voter" && name != "weight" {
		return fault(line, at, "%.64q is not known here; leave it out, or correct its spelling", name)
	}
	if raw, at, err = n.value(); err != nil {
		return n.syntax(line, err)
	}
	switch {
	case name == "voter" && raw.Kind() == '"':
		if e.Voter, err = voterid.Canonical(text(raw)); err != nil {
			return &textfile.Fault{Column: textfile.Column(line, at), Detail: err.Error(), Cause: err}
		}
	case name == "weight" && raw.Kind() == '0':
		w, err := strconv.ParseUint(string(raw), 10, 32)
		if err != nil || w < 1 || w > poll.MaxWeight {
			return fault(line, at, "%s", noWeight(string(raw)))
		}
		e.Weight = uint32(w)
	case name == "voter":
		return fault(line, at, `the voter must be a string, such as "v-17"`)
	default:
		return fault(line, at, "the weight must be a whole number without quotes")
	}
	return nil
}

// text returns the content of a JSON string that has been read.
func text(raw jsontext.Value) string {
	if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return string(plain)
	}
	b, _ := jsontext.AppendUnquote(nil, raw) // the decoder has checked it
	return string(b)
}
