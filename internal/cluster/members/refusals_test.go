package members

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestARefusalThatGoesOnIsSaidWhenItBeginsSeldomMeanwhileAndWhenItEnds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var said []string
	r := refusals{now: func() time.Time { return now }}
	ask := func(id, why string) {
		r.countAndLog(id, "h:1", why, func(again ...any) { said = append(said, fmt.Sprint(id, " ", why, again)) })
	}
	end := func() {
		r.ended(func(id, addr string, sofar []any) { said = append(said, fmt.Sprint(id, " at ", addr, " ended", sofar)) })
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if !slices.Equal(said, want) {
			t.Errorf("%s it says %q, want %q", when, said, want)
		}
		said = nil
	}
	// given a copy that asks twice a second for ten minutes,
	for range 20 * 60 {
		ask("n3", "two processes, asked from port 40001")
		now = now.Add(500 * time.Millisecond)
		end()
	}
	expect("within ten minutes", "n3 two processes, asked from port 40001[]")
	// when it goes on, from any port, then that is logged, with the number that was not;
	ask("n3", "two processes, asked from port 40002")
	ask("n3", "two processes, asked from port 40003")
	expect("after ten minutes", "n3 two processes, asked from port 40002[times 1201 for 10m0s]")
	// another reason, and another member, are logged at once;
	ask("n3", "another disk")
	ask("n4", "another disk")
	expect("for another reason", "n3 another disk[times 1203 for 10m0s]", "n4 another disk[]")
	// the end is logged, once, when a minute has passed;
	now = now.Add(refusedEnds - time.Second)
	ask("n4", "another disk")
	end()
	expect("before the minute is over")
	now = now.Add(time.Second)
	end()
	end()
	expect("after it", "n3 at h:1 ended[times 1203 for 10m0s]")
	// and a request that was granted in the end is forgotten without a line.
	if !r.forget("n4", "h:1") || r.forget("n4", "h:1") {
		t.Error("what was refused was not known, or still is")
	}
	now = now.Add(time.Hour)
	end()
	expect("after it was granted")
}

func TestStrangersThatAskForMuchAreKnownInABoundedNumber(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	r := refusals{now: func() time.Time { return now }}
	lines := 0
	for i := range 10 * maxRefused {
		r.countAndLog(fmt.Sprint("x", i), "h:1", "no", func(...any) { lines++ })
		now = now.Add(time.Millisecond)
	}
	if len(r.all) != maxRefused || lines != 10*maxRefused {
		t.Errorf("%d are known, %d lines", len(r.all), lines)
	}
	// The newest are those that are known.
	r.countAndLog(fmt.Sprint("x", 10*maxRefused-1), "h:1", "no", func(...any) { t.Error("it is said again") })
}
