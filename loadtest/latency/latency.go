// Package latency records how long answers took: one histogram of all, and a
// timeline in buckets of 100 ms. Every latency counts from the moment at which
// the request was to be sent. So a stall shows in all the requests that it held up,
// and not only in the few that were under way (G. Tene, "How NOT to
// Measure Latency"; coordinated omission).
package latency

import (
	"slices"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// BucketWidth is the resolution of the timeline.
	BucketWidth = 100 * time.Millisecond
	// highest is the longest latency that the histogram distinguishes: twice a call's
	// deadline.
	highest = time.Minute
	// figures: 3 significant figures, 0.1 % error.
	figures = 3
	// maxBuckets bounds the timeline: a day. Later requests count in the last one.
	maxBuckets = 24 * 3600 * 10
)

// Recorder records latencies. It is not safe for concurrent use.
type Recorder struct {
	all     *hdr.Histogram
	buckets []*bucket
}

// bucket keeps the latencies of the requests intended in one stretch of time.
type bucket struct {
	micros []uint32 // until it is folded
	point  Point
	folded bool
}

// Point is one stretch of the timeline.
type Point struct {
	At     time.Duration `json:"at"` // its beginning
	Sent   int           `json:"sent"`
	Failed int           `json:"failed"`
	Acked  int           `json:"acked"` // ballots acknowledged in this stretch, whenever sent
	P50    time.Duration `json:"p50"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// New makes an empty recorder.
func New() *Recorder {
	return &Recorder{all: hdr.New(1, highest.Microseconds(), figures)}
}

// Add records a request that was intended at one time and ended at another, both
// since the start. One without an answer counts with the time it took to give up.
func (r *Recorder) Add(intended, end time.Duration, answered bool) {
	d := max(end-intended, time.Microsecond)
	_ = r.all.RecordValue(min(d, highest).Microseconds()) // the value is always in range
	b := r.bucket(intended)
	if b.folded {
		b.addLate(d)
	} else {
		b.micros = append(b.micros, uint32(min(d.Microseconds(), 1<<32-1)))
	}
	b.point.Sent++
	if !answered {
		b.point.Failed++
	}
}

// addLate takes a request into a stretch whose percentiles are computed already.
func (b *bucket) addLate(d time.Duration) { b.point.Max = max(b.point.Max, d) }

// Acknowledged notes a ballot acknowledged at a time.
func (r *Recorder) Acknowledged(at time.Duration) { r.bucket(at).point.Acked++ }

// bucket returns the stretch that a time is in.
func (r *Recorder) bucket(at time.Duration) *bucket {
	i := min(int(max(at, 0)/BucketWidth), maxBuckets)
	for len(r.buckets) <= i {
		// A call lasts no longer than this: older stretches are complete.
		if old := len(r.buckets) - int(2*highest/BucketWidth); old >= 0 {
			r.buckets[old].fold()
		}
		r.buckets = append(r.buckets, &bucket{point: Point{At: time.Duration(len(r.buckets)) * BucketWidth}})
	}
	return r.buckets[i]
}

// fold replaces the single latencies by their percentiles.
func (b *bucket) fold() {
	if b.folded || len(b.micros) == 0 {
		b.folded = true
		return
	}
	slices.Sort(b.micros)
	at := func(q float64) time.Duration {
		return time.Duration(b.micros[int(q*float64(len(b.micros)-1))]) * time.Microsecond
	}
	b.point.P50, b.point.P99, b.point.Max = at(0.50), at(0.99), at(1)
	b.micros, b.folded = nil, true
}

// Timeline returns the stretches so far. Call it when all requests are recorded: the
// percentiles do not change afterwards.
func (r *Recorder) Timeline() []Point {
	points := make([]Point, len(r.buckets))
	for i, b := range r.buckets {
		b.fold()
		points[i] = b.point
	}
	return points
}

// Quantile returns the latency below which a share q, 0 to 1, of the requests lie.
func (r *Recorder) Quantile(q float64) time.Duration {
	return time.Duration(r.all.ValueAtQuantile(q*100)) * time.Microsecond
}

// Max returns the longest latency.
func (r *Recorder) Max() time.Duration { return time.Duration(r.all.Max()) * time.Microsecond }

// Count returns the number of requests.
func (r *Recorder) Count() int64 { return r.all.TotalCount() }
