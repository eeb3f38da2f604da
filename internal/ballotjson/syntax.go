package ballotjson

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

func wrongJSON(format string, args ...any) *refusal.Error {
	return refusal.New(refusal.MalformedRequest, format, args...)
}

// noObject says what stands there in place of a JSON object.
func noObject(data []byte) *refusal.Error {
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(text) == 0:
		return wrongJSON("There is nothing here; send the ballot as a JSON object.")
	case bytes.HasPrefix(text, []byte("\uFEFF")):
		return wrongJSON("It begins with a byte order mark; leave it out.")
	case bytes.IndexByte(text, 0) >= 0 || bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return wrongJSON("It is not in UTF-8, but looks like UTF-16; send it in UTF-8.")
	}
	return wrongJSON("A ballot is a JSON object, such as {\"selections\":[\"ann\"]}; this begins with something else.")
}

// syntax says what makes a text no JSON, and where.
func (d *Decoder) syntax(err error) *refusal.Error {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return wrongJSON("It ends at byte %d, before the object does; send all of it.", d.json.InputOffset())
	}
	d.at = s.ByteOffset
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fault(poll.Member("", s.JSONPointer.LastToken()), "This name stands here twice; keep one.")
	}
	return wrongJSON("It is not valid JSON in UTF-8 at byte %d; correct it there.", s.ByteOffset+1)
}
