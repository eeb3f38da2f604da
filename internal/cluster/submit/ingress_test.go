package submit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// gathering is an ingress that carries nothing, since enough is under way.
func gathering(t *testing.T) *ingress {
	t.Helper()
	g := newIngress(&Submitter{ctx: t.Context(), metrics: newMetrics(nil)})
	g.inFlight = batchesInFlight
	return g
}

func TestABallotsTimeIsUpAtTheDeadlineOrWithTheContext(t *testing.T) {
	t.Parallel()
	const soon, late = time.Second, time.Minute
	for name, c := range map[string]struct{ deadline, context time.Duration }{
		"the deadline passes":                     {soon, late},
		"the context ends":                        {late, soon},
		"the context ends and no deadline is set": {0, soon},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.context)
				defer cancel()
				var deadline time.Time
				start := time.Now()
				if c.deadline > 0 {
					deadline = start.Add(c.deadline)
				}
				_, err := gathering(t).cast(ctx, deadline, &poll.Ballot{})
				var refused *refusal.Error
				if took := time.Since(start); took != soon || !errors.As(err, &refused) || refused.Code != refusal.Unavailable {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

func TestEachCallerGetsTheOutcomeOfItsOwnBallotWhileOthersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gathering(t)
		const rounds, callers = 50, 40
		for round := range rounds {
			// Given callers of one batch, every third of which leaves before the outcome is there.
			b := g.waiting
			ended := make(chan error, callers)
			for i := range callers {
				number := uint32(round*callers + i)
				go func() {
					deadline := time.Now().Add(time.Minute)
					if i%3 == 0 {
						deadline = time.Now().Add(time.Millisecond)
					}
					o, err := g.cast(t.Context(), deadline, &poll.Ballot{IfVersion: number})
					if err == nil && o.Receipt.Ballot != number {
						err = errors.New("the outcome is another ballot's")
					}
					if i%3 == 0 {
						if err == nil {
							err = errors.New("it did not leave")
						} else {
							err = nil
						}
					}
					ended <- err
				}()
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			// When the outcomes come, then waiters are used again by the next round.
			g.mu.Lock()
			g.waiting = g.newBatch()
			g.mu.Unlock()
			b.cancel()
			var f sealed
			b.dispatch(&f)
			f.outcomes = make([]poll.Outcome, f.ballots)
			for _, w := range b.waiters {
				if !w.gone {
					f.outcomes[w.place.Position(f.first)] = poll.Outcome{Receipt: poll.Receipt{Ballot: w.ballot.IfVersion}}
				}
			}
			b.finish(&f, nil)
			for range callers {
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
