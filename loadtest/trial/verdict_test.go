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
		"it was in time":                              {1 * ms, 2 * ms, false},
		"what is below 50 ms does not count":          {50 * ms, 55 * ms, false},
		"most of a latency is its own":                {120 * ms, 150 * ms, true},
		"a tenth of the latency of a pause is":        {300 * ms, 3000 * ms, false},
		"a fifth of that is, and that is too much":    {600 * ms, 3000 * ms, true},
		"nothing was measured, and it was late":       {60 * ms, 0, true},
		"nothing was sent late, nothing was measured": {0, 0, false},
	} {
		if got := tooLate(c.own, c.all); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
