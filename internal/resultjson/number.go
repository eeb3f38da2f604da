package resultjson

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/tally"
)

// Number is a number as JSON has it, with its decimals. An empty one is left out.
type Number string

// Int is a whole number.
func Int(n int64) Number { return Number(strconv.FormatInt(n, 10)) }

// number is a tally's number; a 0 stays a number.
func number(n tally.Number) Number { return Number(n.String()) }

// some is a tally's number; a 0 is left out.
func some(n tally.Number) Number {
	if n.Sign() == 0 {
		return ""
	}
	return number(n)
}

// Strength is the strength of a path: a number, or a ratio such as "7:2".
type Strength string

func strength(s tally.Strength) Strength {
	if s.Against == 0 {
		return Strength(Int(s.Votes))
	}
	return Strength(fmt.Sprintf("%d:%d", s.Votes, s.Against))
}

// MarshalJSONTo implements json.MarshalerTo: a ratio is a text.
func (s Strength) MarshalJSONTo(e *jsontext.Encoder) error {
	if strings.Contains(string(s), ":") {
		return e.WriteToken(jsontext.String(string(s)))
	}
	return e.WriteValue(jsontext.Value(s))
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Strength) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err == nil {
		*s = Strength(token.String())
	}
	return err
}

// MarshalJSONTo implements json.MarshalerTo.
func (n Number) MarshalJSONTo(e *jsontext.Encoder) error { return e.WriteValue(jsontext.Value(n)) }

// UnmarshalJSONFrom implements json.UnmarshalerFrom. A number in quotes is taken too.
func (n *Number) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '0':
		value, err := d.ReadValue()
		*n = Number(value)
		return err
	case '"':
		token, err := d.ReadToken()
		if err == nil {
			_, err = strconv.ParseFloat(token.String(), 64)
			*n = Number(token.String())
		}
		return err
	}
	return errors.New("a number should stand here")
}

// Pair is a name and its value.
type Pair[V any] struct {
	ID    string
	Value V
}

// By is values by the ids of options, in order: an object in JSON.
type By[V any] []Pair[V]

// Of returns the value of an option.
func (b By[V]) Of(id string) (value V, ok bool) {
	for _, p := range b {
		if p.ID == id {
			return p.Value, true
		}
	}
	return value, false
}
