package e2e

import (
	"testing"
	"time"

	"voted/client"
)

// What is scheduled happens once, at one index on all nodes, although the leader that took
// it in is dead by then.
func TestWhatIsScheduledHappensOnceAlthoughTheLeaderDies(t *testing.T) {
	t.Parallel()
	c := start(t)
	cl := dial(t, c.Endpoints()...)
	createPoll(t, cl, client.Definition{ID: "p"})
	order := client.Scheduled{At: time.Now().Add(4 * time.Second), Close: "p"}
	for n := range 2 {
		if _, err := cl.Schedule(t.Context(), "end", order); err != nil {
			t.Fatalf("time %d: %v", n+1, err)
		}
	}
	leader := leaderOf(t, c)
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := leader.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	var done client.Task
	for deadline := time.Now().Add(30 * time.Second); done.State != "done"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is %+v", done)
		}
		var err error
		if done, err = cl.Scheduled(t.Context(), "end"); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := cl.Schedule(t.Context(), "end", order); err != nil || again.State != "done" || again.Index != done.Index {
		t.Errorf("sent again it is %+v, %v", again, err)
	}
	for _, n := range c.Nodes {
		one := dial(t, n.URL)
		p, err := one.Poll(t.Context(), "p")
		if err != nil || p.ClosedIndex != done.Index || !p.ClosedAt.Equal(order.At.Truncate(time.Millisecond)) {
			t.Errorf("%s: closed at %d, %v, not at %d, %v: %v", n.ID, p.ClosedIndex, p.ClosedAt, done.Index, order.At, err)
		}
		number := 0
		for e, err := range one.Events(t.Context(), client.EventsQuery{Types: []string{"schedule.done"}}) {
			if number++; err != nil || e.Index != done.Index {
				t.Errorf("%s tells of it as %+v, %v", n.ID, e, err)
			}
		}
		if number != 1 {
			t.Errorf("%s tells of it %d times", n.ID, number)
		}
	}
}
