package viewers

import (
	"slices"
	"testing"
	"time"
)

func TestAViewerIsBehindByTheOldestBallotThatItsEventBrings(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	at := func(index uint64, ms int) moment {
		return moment{index, start.Add(time.Duration(ms) * time.Millisecond)}
	}
	acknowledged := []moment{at(11, 0), at(12, 10), at(13, 900), at(14, 2000)}
	for name, c := range map[string]struct {
		events []moment
		want   []int
	}{
		"the first event brings what was before":     {[]moment{at(10, 0)}, nil},
		"one event for three ballots":                {[]moment{at(10, 0), at(13, 1000)}, []int{1000}},
		"two events":                                 {[]moment{at(10, 0), at(12, 500), at(14, 2500)}, []int{500, 1600}},
		"an event that is before the answer":         {[]moment{at(13, 0), at(14, 1990)}, []int{0}},
		"an event without a ballot, as of the close": {[]moment{at(14, 2500), at(15, 9000)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for _, d := range behind(acknowledged, c.events) {
				got = append(got, int(d.Milliseconds()))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	all := make([]time.Duration, 100)
	for i := range all {
		all[i] = time.Duration(i + 1)
	}
	if p50, p99, most := quantile(all, 0.5), quantile(all, 0.99), quantile(all, 1); p50 != 51 || p99 != 100 || most != 100 {
		t.Errorf("%d %d %d", p50, p99, most)
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("nothing has a median")
	}
}
