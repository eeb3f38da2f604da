package latency

import (
	"testing"
	"time"
)

func TestAStallShowsInEveryRequestItHeldUp(t *testing.T) {
	t.Parallel()
	// Given a request a millisecond for 10 s, answered in 1 ms, but nothing is
	// answered in the second that begins at 5 s.
	r := New()
	for i := range 10_000 {
		at := time.Duration(i) * time.Millisecond
		end := at + time.Millisecond
		if at >= 5*time.Second && at < 6*time.Second {
			end = 6*time.Second + time.Millisecond
		}
		r.Add(at, end, true)
	}
	if p50, p99 := r.Quantile(.5), r.Quantile(.99); p50 > 2*time.Millisecond || p99 < 850*time.Millisecond || p99 > 950*time.Millisecond {
		t.Errorf("p50 %v, p99 %v; a tenth of the requests waited 0.5 s on average", p50, p99)
	}
	line := r.Timeline()
	if len(line) != 100 || line[50].Max < time.Second || line[49].Max > 2*time.Millisecond || line[50].Sent != 100 {
		t.Errorf("%d stretches; at 5 s: %+v", len(line), line[50])
	}
}

func TestOldStretchesAreFolded(t *testing.T) {
	t.Parallel()
	r := New()
	r.Add(0, time.Millisecond, true)
	r.Add(10*time.Minute, 10*time.Minute+time.Second, false)
	if !r.buckets[0].folded {
		t.Error("a stretch ten minutes old still keeps its single latencies")
	}
	r.Add(time.Millisecond, time.Second, true)
	line := r.Timeline()
	if line[0].Sent != 2 || line[0].Max < 900*time.Millisecond || line[6000].Failed != 1 {
		t.Errorf("the first stretch is %+v, that after ten minutes %+v; want 2 requests, the second of 1 s, and a failed one", line[0], line[6000])
	}
}
