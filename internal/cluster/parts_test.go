package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/survey"
)

// The leader's own clock jumps after it has seen those of the others.
func TestAJumpBetweenTwoLooksAtItsOwnClockMovesNoStamp(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -24 * time.Hour} {
		right := time.Now()
		c := newClock(func() time.Time { return time.Now().Round(0).Add(jump) })
		seen := survey.Look{{Peer: survey.Peer{ID: "n1"}, Votes: true}}
		for _, id := range []string{"n2", "n3"} {
			s := survey.Sighting{Peer: survey.Peer{ID: id}, Votes: true, At: right}
			s.Report.Now = right.Round(0)
			seen = append(seen, s)
		}
		c.update("n1", seen, slog.New(slog.DiscardHandler))
		if now, ok := c.read(); !ok || now.Sub(time.Now().Round(0)).Abs() > time.Minute {
			t.Errorf("after a jump by %v the stamp is %v, and it is %v", jump, now, time.Now())
		}
	}
}

func TestAReaderNeverJoinsARoundThatBeganBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var rounds atomic.Uint64
		gate := make(chan struct{})
		r := newReadRounds(ctx, func(f func()) { go f() }, func(context.Context) (uint64, error) {
			n := rounds.Add(1)
			<-gate
			return n, nil
		})
		got := make(chan uint64, 3)
		join := func() {
			n, err := r.join(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- n
		}
		// Given a round under way, when two more readers come …
		go join()
		synctest.Wait()
		go join()
		go join()
		synctest.Wait()
		// … then they share the next one.
		gate <- struct{}{}
		if n := <-got; n != 1 {
			t.Errorf("the first reader got round %d", n)
		}
		gate <- struct{}{}
		if a, b := <-got, <-got; a != 2 || b != 2 {
			t.Errorf("later readers got rounds %d and %d, want 2", a, b)
		}
	})
}
