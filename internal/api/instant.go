package api

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/moment"
)

// instant is a time in a body: milliseconds since the Unix epoch, 0 for none.
type instant int64

const timeForm = "It must be a time in the form of RFC 3339, with its zone, from -23:59 to +23:59, such as 2026-12-02T20:00:00Z or 2026-12-02T21:00:00+01:00."

// UnmarshalJSONFrom implements json.UnmarshalerFrom. null is no time.
func (i *instant) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	if !i.read(v) {
		return misplaced(d.StackPointer(), timeForm)
	}
	return nil
}

// read takes a JSON value and reports whether it is a time, or null.
func (i *instant) read(v jsontext.Value) bool {
	if v.Kind() == 'n' {
		*i = 0
		return true
	}
	if v.Kind() != '"' {
		return false
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return false
	}
	t, err := moment.Parse(text)
	if err != nil {
		return false
	}
	*i = instant(millis(t))
	return true
}

// millis turns a time into milliseconds since the Unix epoch. 0 would mean "none", so the
// epoch itself is treated like an earlier time.
func millis(t time.Time) int64 {
	if ms := t.UnixMilli(); ms > 0 {
		return ms
	}
	return -1
}
