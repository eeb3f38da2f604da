package webhook

import (
	"reflect"
	"testing"
	"time"

	"voted/internal/poll"
)

// redelivered waits until nothing is to be delivered once more.
func (g *group) redelivered(id string) {
	g.t.Helper()
	for range 10_000 {
		if len(g.endpoint(id).Again) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	g.t.Fatalf("after 10 s these wait: %+v", g.endpoint(id).Again)
}

func TestAnEventThatIsAskedForRightAfterAnotherWasSettledIsSentToo(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given
		g.hook("a")
		g.lead("n1", r)
		g.event("p")
		g.event("q")
		time.Sleep(time.Second)
		// When one redelivery is settled and another one asked for, between two looks of the watcher.
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		g.redelivered("a")
		g.must(poll.Redeliver{ID: "a", Events: []uint64{3}})
		// Then
		g.redelivered("a")
		if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "3", "1", "3"}) {
			t.Errorf("it got %v", got)
		}
	})
}

func TestARedeliveryOfTheSameEventIsTriedAsOftenAsTheOneBefore(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given an event that was delivered once more, after its receiver had failed almost too often.
		g.hook("a")
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Second)
		r.on("a", answersInTurn(503, 503, 503, 503, 503, 503, 503, 200, 503, 200))
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		time.Sleep(time.Hour)
		calls := len(r.at("a"))
		// When it is asked for again, and fails once.
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		time.Sleep(time.Hour)
		// Then it is tried again, as attempt 2.
		again := r.at("a")[calls:]
		if len(again) != 2 || again[0].attempt != "1" || again[1].attempt != "2" {
			t.Errorf("of %d calls before, then it got %+v", calls, again)
		}
	})
}
