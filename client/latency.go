package client

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// latencySpan is how long one half of the recent latencies lasts. A quantile looks at
	// the present half and the one before it.
	latencySpan = 10 * time.Second
	// latencyUnit is the width of the narrowest buckets.
	latencyUnit = 250 * time.Microsecond
	// latencyBuckets reach to 32 s. Latencies double over four of them, so a quantile is at
	// most a quarter too long.
	latencyBuckets = 64
)

// latencies are how long one endpoint took for its recent answers. Times are since the
// client was made. Recording takes a lock only when a half is over.
type latencies struct {
	halves [2]half
	number atomic.Int64 // of the present half; halves[number%2] counts it

	mu sync.Mutex // held by whoever begins a half
}

// half counts latencies by bucket.
type half [latencyBuckets]atomic.Uint32

// record counts a latency, now.
func (l *latencies) record(now, took time.Duration) {
	l.turn(now)[bucketOf(took)].Add(1)
}

// turn begins a new half if the present one is over, and returns the present one.
func (l *latencies) turn(now time.Duration) *half {
	number := int64(now / latencySpan)
	if l.number.Load() >= number {
		return &l.halves[l.number.Load()%2]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for last := l.number.Load(); last < number; last++ {
		if number-last > 2 {
			continue // of halves without an answer only the last two matter
		}
		next := &l.halves[(last+1)%2]
		for i := range next {
			next[i].Store(0)
		}
	}
	l.number.Store(number)
	return &l.halves[number%2]
}

// quantile returns the latency that a share q of the recent answers did not exceed, and
// how many these answers are.
func (l *latencies) quantile(now time.Duration, q float64) (d time.Duration, answers int) {
	l.turn(now)
	var counts [latencyBuckets]int
	for i := range counts {
		counts[i] = int(l.halves[0][i].Load() + l.halves[1][i].Load())
		answers += counts[i]
	}
	left := q * float64(answers)
	for i, n := range counts {
		if left -= float64(n); left <= 0 && n > 0 {
			return bucketEnd(i), answers
		}
	}
	return 0, answers
}

// bucketOf returns the bucket of a latency: four for each doubling, and four of one unit
// at the start.
func bucketOf(d time.Duration) int {
	v := uint64(max(0, d) / latencyUnit)
	if v < 4 {
		return int(v)
	}
	shift := bits.Len64(v) - 3
	return min(latencyBuckets-1, shift*4+int(v>>shift))
}

// bucketEnd returns the latency at which a bucket ends.
func bucketEnd(i int) time.Duration {
	if i < 4 {
		return time.Duration(i+1) * latencyUnit
	}
	shift := i/4 - 1
	return time.Duration(i%4+5) << shift * latencyUnit
}
