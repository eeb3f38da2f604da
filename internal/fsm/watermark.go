package fsm

import (
	"context"
	"sync"
	"sync/atomic"
)

// watermark is a log index that rises and can be waited for. While no one waits,
// raising it costs one atomic store.
type watermark struct {
	index   atomic.Uint64
	waiting atomic.Int32

	mu   sync.Mutex
	wake chan struct{} // closed at the next rise; guarded by mu; nil while no one waits
}

func (w *watermark) raise(index uint64) {
	for {
		// A restored snapshot may be older than what has passed already.
		was := w.index.Load()
		if index <= was {
			return
		}
		if w.index.CompareAndSwap(was, index) {
			break
		}
	}
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake != nil {
		close(w.wake)
		w.wake = nil
	}
}

// wait returns when the index is at least min, or with ctx's error.
func (w *watermark) wait(ctx context.Context, min uint64) error {
	if w.index.Load() >= min {
		return nil
	}
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	for {
		w.mu.Lock()
		if w.wake == nil {
			w.wake = make(chan struct{})
		}
		wake := w.wake
		w.mu.Unlock()
		// The index is read again after the wait is announced, so no rise can be
		// missed.
		if w.index.Load() >= min {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
