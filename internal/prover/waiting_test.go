package prover

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestPollsWaitInTheOrderInWhichTheyBegan(t *testing.T) {
	t.Parallel()
	w, t0 := newWaiting(), time.Unix(1000, 0)
	second := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Second) }
	w.note("a", 5, 0, false, second(1))
	w.note("b", 5, 5, false, second(1)) // it is covered
	w.note("c", 7, 2, true, second(2))
	w.note("a", 9, 0, false, second(3))
	if leaves, oldest := w.behind(); leaves != 14 || !oldest.Equal(second(1)) {
		t.Errorf("%d leaves wait since %v", leaves, oldest)
	}
	if got := w.closed(9); !slices.Equal(got, []string{"c"}) || w.closed(9) != nil {
		t.Errorf("the closings are %v", got)
	}
	if got := w.next(9, second(1)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("of the first second: %v", got)
	}
	// a was tried and comes after c now, until it is covered.
	if got := w.next(9, second(9)); !slices.Equal(got, []string{"c", "a"}) {
		t.Errorf("in all: %v", got)
	}
	w.cover("c", 7, second(4))
	w.cover("a", 6, second(4)) // three leaves came meanwhile
	if leaves, oldest := w.behind(); leaves != 3 || !oldest.Equal(second(4)) {
		t.Errorf("%d leaves wait since %v", leaves, oldest)
	}
	w.forget("a")
	if got := w.next(9, second(9)); got != nil || w.queue != nil {
		t.Errorf("%v waits, and the queue has %v", got, w.queue)
	}
}

// A member that collects nothing keeps no list of what others have covered.
func TestWhatIsCoveredLeavesTheQueue(t *testing.T) {
	t.Parallel()
	w, now := newWaiting(), time.Unix(1000, 0)
	for n := range uint64(10_000) {
		poll := fmt.Sprint("p", n%7)
		w.note(poll, n+1, n, true, now)
		w.cover(poll, n+1, now)
		if n%7 == 6 {
			w.next(9, time.Time{})
			w.closed(9)
		}
	}
	if len(w.queue) > 14 || len(w.closings) > 14 || len(w.polls) > 0 {
		t.Errorf("%d turns, %d closings, %d polls are left", len(w.queue), len(w.closings), len(w.polls))
	}
}
