package ingest

import (
	"context"
	"sync"
	"time"

	"voted/internal/pause"
)

// weather is whether the cluster takes ballots. While it does not, the whole bridge pauses, longer and longer: a message
// after the other would only be delivered again and again. It is safe for concurrent use.
type weather struct {
	mu       sync.Mutex
	failures int       // in a row, those of one pause counted once; guarded by mu
	until    time.Time // no casting before; guarded by mu
	back     time.Time // when the cluster took ballots again after a pause; guarded by mu
}

// bad notes that the cluster took no ballots, and returns for how long none are to be cast. least is what it asked for.
func (w *weather) bad(least time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if left := w.until.Sub(now); left > 0 {
		return left // cast before the pause began
	}
	w.failures++
	pause := max(pauseAfter(uint64(w.failures)), min(least, longestPause))
	w.until = now.Add(pause)
	return pause
}

// good notes that the cluster answers of a ballot, and returns since when it does; zero: it always did.
func (w *weather) good() (back time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failures > 0 {
		w.failures, w.until, w.back = 0, time.Time{}, time.Now()
	}
	return w.back
}

// wait waits for the end of a pause, and reports whether casting is only a try.
func (w *weather) wait(ctx context.Context) (try bool) {
	w.mu.Lock()
	try, left := w.failures > 0, time.Until(w.until)
	w.mu.Unlock()
	_ = pause.For(ctx, left)
	return try
}
