package moment

import (
	"fmt"
	"time"
)

// Away returns how far a time is from now: in 4 days, in less than a second, 12 minutes
// ago. It rounds down (4 days and 20 hours are 4 days), but never to nothing while
// something is left.
func Away(now, t time.Time) string {
	form := "in %s"
	from, to := now, t
	if t.Before(now) {
		form, from, to = "%s ago", t, now
	}
	seconds := to.Unix() - from.Unix() // a Duration holds at most 292 years
	if to.Nanosecond() < from.Nanosecond() {
		seconds--
	}
	switch {
	case t.Equal(now):
		return "now"
	case seconds == 0:
		return fmt.Sprintf(form, "less than a second")
	}
	return fmt.Sprintf(form, amount(seconds))
}

// amount returns a number of seconds in the largest unit of which there are two or
// more.
func amount(seconds int64) string {
	const minute, hour, day, year = 60, 60 * 60, 24 * 60 * 60, 31556952
	n, unit := seconds, "second"
	switch {
	case seconds >= 3*year:
		n, unit = seconds/year, "year"
	case seconds >= 2*day:
		n, unit = seconds/day, "day"
	case seconds >= 2*hour:
		n, unit = seconds/hour, "hour"
	case seconds >= 2*minute:
		n, unit = seconds/minute, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
