package trial

import (
	"testing"
	"time"
)

func TestTheGeneratorMayBeLateOnlyWhereItDoesNotMatter(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		own, all time.Duration
		want     bool
	}{
		"it was in time": {1 * ms, 2 * ms, false},
		"it was late by 50 ms, which does not count yet":        {50 * ms, 55 * ms, false},
		"most of the latency is its own lateness":               {120 * ms, 150 * ms, true},
		"its own lateness is a tenth of the latency in a pause": {300 * ms, 3000 * ms, false},
		"its own lateness is a fifth of that latency":           {600 * ms, 3000 * ms, true},
		"nothing was measured, and it was late":                 {60 * ms, 0, true},
		"nothing was sent late, nothing was measured":           {0, 0, false},
	} {
		if got := tooLate(c.own, c.all); got != c.want {
			t.Errorf("%s: too late is %v, want %v", name, got, c.want)
		}
	}
}
