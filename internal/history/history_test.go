package history

import (
	"math"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

func TestARecorderKeepsAQuarterOfAnHourAndAThousandEvents(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	for n := range 2000 {
		r.Sample(Reading{Counted: uint64(n * n), Index: uint64(n)}, second(n))
		r.Note(Event{At: second(n), Kind: FindingBegan, Text: "It is."})
	}
	h := r.Since(time.Time{})
	if len(h.Samples) != 900 || len(h.Events) != 1000 || cap(r.samples.values) != 900 || cap(r.events.values) != 1000 {
		t.Fatalf("%d samples, %d events", len(h.Samples), len(h.Events))
	}
	first, last := h.Samples[0], h.Samples[899]
	if !first.At.Equal(second(1100)) || first.Counted != 1100*1100-1099*1099 || last.Index != 1999 {
		t.Errorf("the first is %+v, the last %+v", first, last)
	}
	if h.Events[0].Seq != 1001 || h.Events[999].Seq != 2000 {
		t.Errorf("events %d to %d", h.Events[0].Seq, h.Events[999].Seq)
	}
	h = r.Since(second(1989))
	if len(h.Samples) != 10 || len(h.Events) != 10 || h.Events[0].Seq != 1991 {
		t.Errorf("after an instant come %d samples and %d events", len(h.Samples), len(h.Events))
	}
	if h = r.Since(second(5000)); h.Samples == nil || len(h.Samples) != 0 || h.Events == nil {
		t.Errorf("after all of them come %+v", h)
	}
}

func TestTheFirstReadingIsNoSample(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	r.Sample(Reading{Counted: 7_000_000}, second(0)) // a node that was not watched before
	if h := r.Since(time.Time{}); len(h.Samples) != 0 {
		t.Errorf("%+v", h.Samples)
	}
	if rates := r.Rates(); rates != (Rates{}) {
		t.Errorf("%+v", rates)
	}
}

func TestALongSentenceIsCut(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	r.Note(Event{Kind: FindingBegan, Text: strings.Repeat("x", 1<<20)})
	if e := r.Since(time.Time{}).Events[0]; len(e.Text) > maxTextBytes+len("…") || e.At.IsZero() {
		t.Errorf("%d bytes at %v", len(e.Text), e.At)
	}
}

func TestRatesAreOfTheLastTenSeconds(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	for n := range 30 { // 100 ballots a second, and in the last five seconds none
		ballots := uint64(100 * min(n, 24))
		r.Sample(Reading{Counted: ballots, Cast: Distribution{[]float64{0.001, 0.01}, []uint64{ballots, 0, 0}}}, second(n))
	}
	rates := r.Rates()
	if rates.Ballots != 50 || rates.Cast == nil || rates.Cast.P50 != 0.5 {
		t.Errorf("%+v %+v", rates, rates.Cast)
	}
	for n := range 20 {
		r.Sample(Reading{Counted: 2400, Cast: Distribution{[]float64{0.001, 0.01}, []uint64{2400, 0, 0}}}, second(30+n))
	}
	if rates = r.Rates(); rates.Ballots != 0 || rates.Cast != nil {
		t.Errorf("a node at rest has %+v", rates)
	}
}

func TestQuantilesAreInterpolatedWithinTheirBucket(t *testing.T) {
	t.Parallel()
	bounds := []float64{0.001, 0.01, 0.1}
	for name, c := range map[string]struct {
		counts []uint64
		share  float64
		want   float64
	}{
		"the middle of the only bucket":        {[]uint64{10, 0, 0, 0}, 0.5, 0.0005},
		"the end of a bucket":                  {[]uint64{10, 10, 0, 0}, 0.5, 0.001},
		"a bucket between":                     {[]uint64{0, 100, 0, 0}, 0.5, 0.0055},
		"behind empty buckets":                 {[]uint64{0, 0, 4, 0}, 0.25, 0.0325},
		"the last has no bound":                {[]uint64{0, 0, 0, 9}, 0.5, 0.1},
		"almost all are quick, and p99 is not": {[]uint64{97, 0, 3, 0}, 0.99, 0.07},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := Distribution{bounds, c.counts}.quantile(c.share)
			if !ok || math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%g, want %g", got, c.want)
			}
		})
	}
	if _, ok := (Distribution{bounds, make([]uint64, 4)}).quantile(0.5); ok {
		t.Error("nothing has a median")
	}
	if _, ok := (Distribution{}).quantile(0.5); ok {
		t.Error("no histogram has a median")
	}
}

// BenchmarkSample is what a second costs.
func BenchmarkSample(b *testing.B) {
	r := NewRecorder()
	d := Distribution{Bounds: make([]float64, 16), Counts: make([]uint64, 17)}
	for n := 0; b.Loop(); n++ {
		r.Sample(Reading{Counted: uint64(n), Cast: d, Commit: d, Sync: d}, noon)
	}
}
