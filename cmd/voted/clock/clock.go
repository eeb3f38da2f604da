// Package clock reads times as people type them, and shows times in the local zone, with
// its offset and the distance from now.
package clock

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"voted/internal/moment"
)

// Clock is the current time and the zone in which times are typed and shown. The time of
// one Clock does not change.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

// Local returns the clock of this machine, in its own zone or in UTC.
func Local(utc bool) Clock {
	c := Clock{Now: time.Now(), Zone: time.Local}
	if utc {
		c.Zone = time.UTC
	}
	return c
}

// Forms describes how times may be typed, for help and errors.
const Forms = `a local time such as 2026-12-02 20:00, 20:00 for the next such, +2h from now, or with its zone 2026-12-02T20:00:00+01:00`

// wallForms are the layouts of a local time with its day. One blank may be in place of
// the T.
var wallForms = []string{"2006-01-02T15:04", "2006-01-02T15:04:05"}

// Parse reads a time. Its errors say what to type, in one sentence without a full stop.
func (c Clock) Parse(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	switch t, err := moment.Parse([]byte(s)); {
	case err == nil:
		return t, nil
	case errors.Is(err, moment.ErrOffset):
		return time.Time{}, fmt.Errorf("%q is not a time: %w; type %s", s, err, Forms)
	}
	if away, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(away)
		if err != nil || d < 0 {
			return time.Time{}, fmt.Errorf("%q is not a time from now; type +2h, +90m or +1h30m", s)
		}
		return c.Now.Add(d).Truncate(time.Second), nil
	}
	for _, form := range wallForms {
		// Read in UTC, the digits are taken as they are: no zone moves them.
		if wall, err := time.Parse(form, strings.Replace(s, " ", "T", 1)); err == nil {
			return c.at(wall)
		}
	}
	if wall, err := time.Parse("15:04", s); err == nil {
		return c.next(wall)
	}
	return time.Time{}, fmt.Errorf("%q is not a time; type %s", s, Forms)
}

// next returns the next moment at which clocks show an hour and minute.
func (c Clock) next(wall time.Time) (time.Time, error) {
	here := c.Now.In(c.Zone)
	for days := 0; ; days++ {
		day := time.Date(here.Year(), here.Month(), here.Day()+days, wall.Hour(), wall.Minute(), 0, 0, time.UTC)
		t, err := c.at(day)
		if err != nil || t.After(c.Now) {
			return t, err
		}
	}
}

// at finds the one moment at which clocks in the zone show what wall shows in UTC. When
// they are set forward there is none, when they are set back there are two.
func (c Clock) at(wall time.Time) (time.Time, error) {
	var found []time.Time
	for _, t := range c.candidates(wall) {
		if sameDigits(t, wall) {
			found = append(found, t)
		}
	}
	const digits = "2006-01-02 15:04"
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		before := c.candidates(wall)
		return time.Time{}, fmt.Errorf("there is no %s in the zone %s, where clocks are set forward over it; type %s, or give the offset",
			wall.Format(digits), c.Zone, before[len(before)-1].Format(digits))
	}
	return time.Time{}, fmt.Errorf("clocks in the zone %s show %s twice; type %s or %s",
		c.Zone, wall.Format(digits), found[0].Format(time.RFC3339), found[1].Format(time.RFC3339))
}

// candidates are the moments that wall could be, by the offsets of the zone around that
// time, the earliest first.
func (c Clock) candidates(wall time.Time) []time.Time {
	_, before := wall.Add(-24 * time.Hour).In(c.Zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(c.Zone).Zone()
	most, least := max(before, after), min(before, after)
	all := []time.Time{wall.Add(-time.Duration(most) * time.Second).In(c.Zone)}
	if least != most {
		all = append(all, wall.Add(-time.Duration(least)*time.Second).In(c.Zone))
	}
	return all
}

func sameDigits(t, wall time.Time) bool {
	return t.Hour() == wall.Hour() && t.Minute() == wall.Minute() && t.Second() == wall.Second() && t.Day() == wall.Day()
}

// Show returns a time as people read it, such as 2026-12-02 20:00 +01:00 (in 4 days); ""
// for none.
func (c Clock) Show(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	form := "2006-01-02 15:04:05 -07:00"
	if t.Second() == 0 {
		form = "2006-01-02 15:04 -07:00"
	}
	return t.In(c.Zone).Format(form) + " (" + moment.Away(c.Now, t) + ")"
}
