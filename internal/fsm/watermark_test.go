package fsm

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

func TestAWaiterReturnsWhenItsIndexIsApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(nil)
		var done [5]bool
		for n := range done {
			go func() {
				if err := f.WaitApplied(t.Context(), uint64(n)); err != nil {
					t.Error(err)
				}
				done[n] = true
			}()
		}
		for applied := range done {
			if applied > 0 {
				f.Apply(&raft.Log{Index: uint64(applied), Data: AppendCommand(nil, 1, poll.Tick{})})
			}
			synctest.Wait()
			for n := range done {
				if done[n] != (n <= applied) {
					t.Fatalf("after entry %d the waiter for %d has returned: %t", applied, n, done[n])
				}
			}
		}
	})
}

func TestAWaiterGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.WaitApplied(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("then %v", err)
		}
		if n := f.applied.waiting.Load(); n != 0 {
			t.Fatalf("%d waiters are left", n)
		}
	})
}

func TestAConfigurationPassesButIsNotACommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(nil)
		passed, applied := false, false
		ctx, cancel := context.WithCancel(t.Context())
		go func() { passed = f.WaitPassed(ctx, 3) == nil }()
		go func() { applied = f.WaitApplied(ctx, 3) == nil }()
		f.StoreConfiguration(3, raft.Configuration{})
		synctest.Wait()
		if !passed || applied || f.Index() != 0 {
			t.Fatalf("passed %t, applied %t, index %d", passed, applied, f.Index())
		}
		cancel()
		synctest.Wait()
	})
}

func TestARestoreWakesWaiters(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, smallLog())
	snapshot := persist(t, f)
	synctest.Test(t, func(t *testing.T) {
		g := New(nil)
		done := make(chan error, 2)
		go func() { done <- g.WaitApplied(t.Context(), f.Index()) }()
		go func() { done <- g.WaitPassed(t.Context(), f.Index()) }()
		synctest.Wait()
		if err := g.Restore(readCloser(snapshot)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// No rise may be missed, however waiting and rising interleave.
func TestNoRiseIsMissed(t *testing.T) {
	t.Parallel()
	const last = 3000
	var w watermark
	var waiters sync.WaitGroup
	for n := range 4 {
		waiters.Go(func() {
			for i := n; i <= last; i += 4 {
				if err := w.wait(t.Context(), uint64(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := uint64(1); i <= last; i++ {
		w.raise(i)
	}
	waiters.Wait()
}
