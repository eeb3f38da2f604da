package webhook

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/poll"
)

// answersInTurn answers with these statuses, one a request, and with the last one from then on.
func answersInTurn(statuses ...int) func(context.Context, int, Request) Answer {
	var n atomic.Int64
	return func(context.Context, int, Request) Answer {
		return Answer{Status: statuses[min(int(n.Add(1)), len(statuses))-1]}
	}
}

// Days in which nothing is tried say nothing about a receiver.
func TestOneFailureAfterQuietDaysDisablesNothing(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(g *group, r *receivers){
		"an event was refused and is a dead letter": func(g *group, r *receivers) {
			r.on("a", status(422))
			g.event("p")
		},
		"a redelivery was refused": func(g *group, r *receivers) {
			g.event("p")
			time.Sleep(time.Second)
			r.on("a", status(422))
			g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		},
		"a redelivery failed once": func(g *group, r *receivers) {
			g.event("p")
			time.Sleep(time.Second)
			r.on("a", answersInTurn(503, 200))
			g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGroup(t, func(g *group, r *receivers) {
				// Given
				g.hook("a")
				g.lead("n1", r)
				before(g, r)
				// When there is no event for six days, and the next one fails once.
				time.Sleep(6 * 24 * time.Hour)
				if e := g.endpoint("a"); e.FailingSince != 0 || len(e.Again) != 0 {
					g.t.Errorf("in quiet days it is %+v", e)
				}
				calls := len(r.at("a"))
				r.on("a", answersInTurn(502, 200))
				g.event("q")
				time.Sleep(time.Minute)
				// Then it is tried again, and taken.
				e := g.endpoint("a")
				if e.State != poll.EndpointEnabled || e.FailingSince != 0 {
					g.t.Errorf("it is %v, %v, failing since %d", e.State, e.Reason, e.FailingSince)
				}
				if got := r.numbers("a")[calls:]; !reflect.DeepEqual(got, []string{"3", "3"}) {
					g.t.Errorf("it got %v", got)
				}
			})
		})
	}
}

// The control of the test above: with one dead letter after another, it does take nothing.
func TestAReceiverThatRefusesEveryEventForFiveDaysIsDisabled(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", status(422))
		g.lead("n1", r)
		// One event is given up after five minutes at the earliest, so another one waits then.
		for began := time.Now(); time.Since(began) < disableAfter+24*time.Hour; time.Sleep(4 * time.Minute) {
			g.event(fmt.Sprint("p", g.newest()))
		}
		if e := g.endpoint("a"); e.State != poll.EndpointStopped || e.Reason != poll.ReasonFailing {
			t.Errorf("it is %v, %v after %d dead letters", e.State, e.Reason, len(e.Dead))
		}
	})
}
