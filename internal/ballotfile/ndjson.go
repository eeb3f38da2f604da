package ballotfile

import (
	"errors"
	"slices"
	"strings"

	"voted/internal/ballotjson"
	"voted/internal/refusal"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// NDJSON reads one object per line, as the API's bulk route does, and the lines of
// exports. It is a [Reader].
type NDJSON struct {
	source  textfile.Source
	decoder *ballotjson.Decoder
	ignored []string
	keyed   bool
}

// NewNDJSON returns a reader of objects.
func NewNDJSON(source textfile.Source) *NDJSON {
	return &NDJSON{source: source, decoder: ballotjson.Get()}
}

// Begin implements [Reader].
func (*NDJSON) Begin() error { return nil }

// Ignored implements [Reader].
func (n *NDJSON) Ignored() []string { return n.ignored }

// Keyed implements [Reader].
func (n *NDJSON) Keyed() bool { return n.keyed }

// Next implements [Reader].
func (n *NDJSON) Next() (Ballot, error) {
	for {
		line, err := n.source.Next()
		if err != nil {
			return Ballot{}, err
		}
		if textfile.Blank(line) {
			continue
		}
		read, err := n.decoder.DecodeLine(line)
		b := Ballot{Voter: read.Voter, Field: read.Field, Marks: read.Marks, IfVersion: read.IfVersion, Line: n.source.Number()}
		if err != nil {
			return b, n.fault(line, b, err)
		}
		for _, name := range read.Further {
			n.keyed = n.keyed || name == ballotjson.KeyName
			if name != ballotjson.KeyName && !slices.Contains(n.ignored, name) {
				n.ignored = append(n.ignored, name)
			}
		}
		return b, nil
	}
}

// fault says what is wrong with a line, in the sentences of the API.
func (n *NDJSON) fault(line []byte, b Ballot, err error) *textfile.Fault {
	at := n.decoder.Offset()
	for at < len(line) && strings.IndexByte(" \t,", line[at]) >= 0 {
		at++
	}
	f := &textfile.Fault{Line: b.Line, Column: textfile.Column(line, at), Voter: b.Voter, Detail: err.Error(), Cause: err}
	var refused *refusal.Error
	if !errors.As(err, &refused) {
		return f
	}
	f.Detail = refused.Detail
	for _, field := range refused.Fields {
		f.Detail = field.Field + ": " + field.Detail
	}
	if _, wrong := voterid.Canonical(b.Voter); wrong != nil {
		f.Voter = ""
	}
	return f
}
