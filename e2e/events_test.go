package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"voted/client"
)

// A reader follows the events of elections while leaders die: each event once, in order,
// without a gap, and all that happened is among them.
func TestWhoFollowsEventsGetsEachOnceWhileLeadersDie(t *testing.T) {
	t.Parallel()
	c := start(t)
	cl := dial(t, c.Endpoints()...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const polls, kills = 12, 3
	read := make(chan []client.JournalEvent, 1)
	go func() {
		var all []client.JournalEvent
		closed := 0
		for e, err := range cl.Events(ctx, client.EventsQuery{Follow: true}) {
			if err != nil {
				t.Errorf("after %d events: %v", len(all), err)
				break
			}
			if all = append(all, e); e.Type == "poll.closed" {
				closed++
			}
			if closed == polls {
				break
			}
		}
		read <- all
	}()
	for n := range polls {
		id := fmt.Sprint("p", n)
		createPoll(t, cl, client.Definition{ID: id})
		if n%(polls/kills) == 1 {
			leader := leaderOf(t, c)
			if err := leader.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := leader.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		for v := range 3 {
			if _, err := cl.Cast(ctx, id, fmt.Sprint("v", v), client.Choose("ann")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := cl.ClosePoll(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	all := <-read
	told := map[string]int{}
	for i, e := range all {
		if i > 0 && e.Number <= all[i-1].Number {
			t.Errorf("event %d comes after %d", e.Number, all[i-1].Number)
		}
		told[e.Type+" "+e.Poll]++
	}
	for n := range polls {
		for kind, want := range map[string]int{"poll.created": 1, "poll.opened": 1, "poll.milestone": 2, "poll.closed": 1} {
			if got := told[fmt.Sprint(kind, " p", n)]; got != want {
				t.Errorf("%s of poll %d came %d times, not %d", kind, n, got, want)
			}
		}
	}
	// Every number is there: those left out by default are asked for now.
	number := uint64(0)
	for e, err := range cl.Events(ctx, client.EventsQuery{Types: []string{"*", "ballots.counted"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if number++; e.Number != number {
			t.Fatalf("event %d comes as the %dth", e.Number, number)
		}
	}
	if want := all[len(all)-1].Number; number != want {
		t.Errorf("the last event is %d, the reader had %d", number, want)
	}
}
