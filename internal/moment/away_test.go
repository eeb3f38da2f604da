package moment

import (
	"testing"
	"time"
)

func TestHowFarATimeIsIsNeverMoreThanThereIsAndNeverNothingBeforeIt(t *testing.T) {
	t.Parallel()
	const day, year = 24 * time.Hour, 31556952 * time.Second
	now := time.Date(2026, 12, 1, 12, 0, 0, 7e8, time.UTC)
	for left, want := range map[time.Duration]string{
		0:                                "now",
		time.Nanosecond:                  "in less than a second",
		400 * time.Millisecond:           "in less than a second", // within the next second of the clock
		time.Second - time.Nanosecond:    "in less than a second",
		time.Second:                      "in 1 second",
		9500 * time.Millisecond:          "in 9 seconds",
		2*time.Minute - time.Nanosecond:  "in 119 seconds",
		2 * time.Minute:                  "in 2 minutes",
		29 * time.Minute:                 "in 29 minutes",
		2*time.Hour - time.Nanosecond:    "in 119 minutes",
		2 * time.Hour:                    "in 2 hours",
		2*day - time.Nanosecond:          "in 47 hours",
		4*day + 20*time.Hour:             "in 4 days",
		3*year - time.Nanosecond:         "in 1095 days",
		3 * year:                         "in 3 years",
		-time.Nanosecond:                 "less than a second ago",
		-time.Second + time.Nanosecond:   "less than a second ago",
		-time.Second:                     "1 second ago",
		-2 * time.Minute:                 "2 minutes ago",
		-2*time.Minute + time.Nanosecond: "119 seconds ago",
	} {
		if got := Away(now, now.Add(left)); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
	if got := Away(now, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)); got != "in 7973 years" {
		t.Errorf("the last day is %q", got)
	}
}
