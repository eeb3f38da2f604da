package moment

import (
	"errors"
	"regexp"
	"testing"
	"time"
)

func TestATimeIsOneOfRFC3339OrNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"2026-12-02T20:00:00Z":               nil,
		"2026-12-02T20:00:00.25+23:59":       nil,
		"2026-12-02T20:00:00-23:59":          nil,
		"2026-12-02T20:00:00-00:00":          nil,
		"2024-02-29T00:00:00.123456789+00:1": ErrForm,
		"2026-12-02T20:00:00+24:00":          ErrOffset,
		"2026-12-02T20:00:00-24:00":          ErrOffset,
		"2026-12-02T20:00:00+00:60":          ErrOffset,
		"2026-12-02T20:00:00+23:60":          ErrOffset,
		"2026-12-02T20:00:00.5-24:60":        ErrOffset,
		"2026-12-02T20:00:00+25:00":          ErrForm, // no reader takes these for a time
		"2026-12-02T20:00:00+0100":           ErrForm,
		"2026-12-02T20:00:00+01":             ErrForm,
		"2026-12-02T20:00:00":                ErrForm,
		"2026-12-02T7:00:00Z":                ErrForm,
		"2026-12-02T20:00:00,25Z":            ErrForm,
		"2026-12-02T20:00:00.Z":              ErrForm,
		"2026-12-02T24:00:00Z":               ErrForm,
		"2026-12-02T20:00:60Z":               ErrForm,
		"2026-02-30T20:00:00Z":               ErrForm,
		"2026-12-02t20:00:00z":               ErrForm,
		"2026-12-02 20:00:00Z":               ErrForm,
		" 2026-12-02T20:00:00Z":              ErrForm,
		"10000-01-01T00:00:00Z":              ErrForm,
		"":                                   ErrForm,
	} {
		got, err := Parse([]byte(text))
		if !errors.Is(err, want) || (err != nil) != got.IsZero() {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := Parse([]byte("2026-12-02T00:30:00.5+23:59")); err != nil || !got.Equal(time.Date(2026, 12, 1, 0, 31, 0, 5e8, time.UTC)) {
		t.Errorf("it is %v, %v", got, err)
	}
}

// form is the grammar of RFC 3339, section 5.6.
var form = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func FuzzATimeIsTakenOnlyInTheFormOfRFC3339(f *testing.F) {
	f.Add("2026-12-02T20:00:00.25+23:59")
	f.Add("2026-12-02T7:00:00,5-24:60")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := Parse([]byte(text))
		if (err == nil) != (form.MatchString(text) && time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC).Format(time.DateOnly) == text[:10]) {
			t.Fatalf("%q is %v, %v", text, at, err)
		}
	})
}
