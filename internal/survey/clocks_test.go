package survey

import (
	"testing"
	"time"
)

func TestStampsFollowTheMedianClock(t *testing.T) {
	t.Parallel()
	s := time.Second
	for _, x := range []struct {
		name    string
		offsets []time.Duration
		want    time.Duration
	}{
		{"alone: its own", []time.Duration{0}, 0},
		{"two: the slower one, whichever that is", []time.Duration{0, 3600 * s}, 0},
		{"two, the other is behind", []time.Duration{0, -5 * s}, -5 * s},
		{"three: one clock an hour ahead changes nothing", []time.Duration{0, 3600 * s, s / 100}, s / 100},
		{"three: the leader itself is a day ahead", []time.Duration{0, -86400 * s, -86401 * s}, -86400 * s},
		{"five: two wrong clocks change nothing", []time.Duration{0, -3600 * s, 3600 * s, s / 10, -s / 10}, 0},
	} {
		if got := medianOf(x.offsets); got != x.want {
			t.Errorf("%s: median is %v, want %v", x.name, got, x.want)
		}
	}
}

func TestClocksCountOnlyWhereAMajorityOfTheVotingMembersIsHeard(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	shows := func(id string, ahead time.Duration) Sighting {
		return with(well(id), func(m *Sighting) { m.At, m.Report.Now = now, now.Add(ahead) })
	}
	spare := with(shows("n4", time.Hour), func(m *Sighting) { m.Votes = false })
	for _, x := range []struct {
		name   string
		seen   Look
		ok     bool
		median time.Duration
		worst  time.Duration
	}{
		{"all agree", Look{shows("n1", 0), shows("n2", 0), shows("n3", 0)}, true, 0, 0},
		{"one is wrong", Look{shows("n1", 0), shows("n2", time.Hour), shows("n3", 2*time.Second)}, true, 2 * time.Second, time.Hour - 2*time.Second},
		{"only itself", Look{shows("n1", 0), absent("n2"), absent("n3")}, false, 0, 0},
		{"one without a vote makes no majority", Look{shows("n1", 0), absent("n2"), absent("n3"), spare}, false, 0, 0},
		{"one without a vote moves nothing", Look{shows("n1", 0), shows("n2", time.Second), absent("n3"), spare}, true, 0, time.Second},
	} {
		got, ok := x.seen.Clocks("n1", now, now)
		if ok != x.ok || got.Median != x.median || got.Worst() != x.worst {
			t.Errorf("%s: %+v, %t", x.name, got, ok)
		}
	}
}
