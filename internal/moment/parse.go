// Package moment reads and writes times as text: in the form of RFC 3339, and as
// distances from now. Times in requests and commands must be read here, so that a text
// means the same moment everywhere, or is refused everywhere.
package moment

import (
	"errors"
	"time"
)

// ErrForm says that a text is not a time in the form of RFC 3339.
var ErrForm = errors.New("it is not a time in the form of RFC 3339")

// ErrOffset says that RFC 3339 does not allow the time's offset from UTC.
var ErrOffset = errors.New("its offset from UTC lies outside -23:59 to +23:59")

// Parse reads a time in the form of RFC 3339, section 5.6, with upper-case T and Z. Its
// error is [ErrForm] or [ErrOffset].
func Parse(text []byte) (time.Time, error) {
	var t time.Time
	// The time package also accepts an hour of one digit, a comma before the fraction,
	// and offsets of 24 hours or 60 minutes.
	const hour, second = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	switch {
	case t.UnmarshalText(text) != nil, text[hour] != ':', text[second] == ',':
		return time.Time{}, ErrForm
	case text[len(text)-1] != 'Z' && !isOffset(string(text[len(text)-len("00:00"):])):
		return time.Time{}, ErrOffset
	}
	return t, nil
}

// isOffset reports whether the hours and minutes of an offset are in the ranges of a
// clock.
func isOffset(hhmm string) bool { return hhmm[:2] <= "23" && hhmm[3:] <= "59" }
