package webhook

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

func TestAnEventIsSentOnceMoreWhenSomebodyAsksForIt(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", r)
		for _, id := range []string{"p", "q", "r"} {
			g.event(id)
		}
		time.Sleep(time.Second)
		g.must(poll.Redeliver{ID: "a", Events: []uint64{3}})
		time.Sleep(time.Second)
		all := r.at("a")
		if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "3", "5", "3"}) {
			t.Fatalf("it got %v", got)
		}
		if all[3].body != all[1].body || all[3].id != all[1].id {
			t.Errorf("first came\n%s, then\n%s", all[1].body, all[3].body)
		}
		if e := g.endpoint("a"); len(e.Again) != 0 || e.Cursor < 5 {
			t.Errorf("the endpoint is %+v", e)
		}
	})
}

func TestADeadLetterThatIsTakenLaterIsNoneAnyMore(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", status(422))
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Hour)
		if n := g.endpoint("a").DeadNow(); n != 1 {
			t.Fatalf("there are %d dead letters", n)
		}
		// A redelivery that is refused again is over, and the event stays what it was.
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		time.Sleep(time.Hour)
		if e := g.endpoint("a"); e.DeadNow() != 1 || len(e.Again) != 0 {
			t.Errorf("after it was refused again: %+v", e)
		}
		r.on("a", status(200))
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		time.Sleep(time.Second)
		if e := g.endpoint("a"); e.DeadNow() != 0 || len(e.Again) != 0 {
			t.Errorf("after it was taken: %+v", e)
		}
	})
}

func TestEventsThatAreNewDoNotWaitForOnesThatAreSentOnceMore(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.lead("n1", r)
		g.event("p")
		time.Sleep(time.Second)
		r.on("a", func(_ context.Context, _ int, q Request) Answer {
			if strings.HasSuffix(q.Header.Get("Webhook-Id"), "_1") {
				return Answer{Status: 500}
			}
			return Answer{Status: 200}
		})
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		time.Sleep(100 * time.Millisecond)
		g.event("q")
		time.Sleep(10 * time.Second)
		if got := strings.Join(r.numbers("a"), " "); !strings.Contains(got, "3") {
			t.Errorf("it got %s", got)
		}
		time.Sleep(time.Hour)
		if e := g.endpoint("a"); len(e.Again) != 0 {
			t.Errorf("it is still tried: %+v", e)
		}
	})
}

func TestAReceiverIsToldWhichEventsAreNoLongerKept(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given an endpoint that is paused while more events come than the journal keeps for a week.
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"told"} })
		yes, no := true, false
		g.must(poll.PatchEndpoint{ID: "a", Paused: &yes})
		for n := range 1<<15 + 100 {
			g.event("p" + strconv.Itoa(n))
		}
		time.Sleep(8 * 24 * time.Hour)
		g.event("told")
		var oldest uint64
		g.Read(func(s *poll.State) { oldest, _ = s.EventSpan() })
		// When it goes on.
		g.lead("n1", r)
		g.must(poll.PatchEndpoint{ID: "a", Paused: &no})
		time.Sleep(time.Minute)
		// Then it is told what it missed, and gets what comes then.
		all := r.at("a")
		if len(all) != 2 || !strings.Contains(all[0].body, `"type":"events.missed"`) ||
			!strings.Contains(all[0].body, fmt.Sprintf(`"from":"1","to":"%d"`, oldest-1)) {
			t.Fatalf("it got %+v", all)
		}
		if !strings.Contains(all[1].body, fmt.Sprintf(`"previous":"%d"`, oldest-1)) || !strings.Contains(all[1].body, `"subject":"polls/told"`) {
			t.Errorf("then it got %s", all[1].body)
		}
	})
}

func TestEachAttemptIsSignedWithItsOwnTime(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		r.on("a", func(_ context.Context, n int, q Request) Answer {
			signed, err := strconv.ParseInt(q.Header.Get("Webhook-Timestamp"), 10, 64)
			if err != nil || time.Since(time.Unix(signed, 0)) >= 5*time.Minute {
				return Answer{Status: 401} // as the libraries of receivers do
			}
			if n < 12 {
				return Answer{Status: 500}
			}
			return Answer{Status: 200}
		})
		g.lead("n1", r)
		g.event("p")
		time.Sleep(5 * time.Hour)
		if e := g.endpoint("a"); e.Cursor < 1 || len(e.Dead) != 0 {
			t.Errorf("it was not taken: %+v", e)
		}
	})
}

func TestThePreviousKeySignsTooWhileItIsInForce(t *testing.T) {
	t.Parallel()
	e := &poll.Endpoint{ID: "a", Number: 7, Key: 3, PreviousKey: 2, PreviousUntil: 1000}
	now, before := Generation{"a", 7, 3}, Generation{"a", 7, 2}
	if got := inForce(e, 999); !reflect.DeepEqual(got, []Generation{now, before}) {
		t.Errorf("before the end: %v", got)
	}
	if got := inForce(e, 1000); !reflect.DeepEqual(got, []Generation{now}) {
		t.Errorf("at the end: %v", got)
	}
}

// panics is an Events that panics at one event.
type panics struct {
	eventjson.Renderer
	at uint64
}

func (p panics) Delivery(ctx context.Context, e poll.Event, about eventjson.About) (eventjson.Delivery, error) {
	if e.Number == p.at {
		panic("planted by the test")
	}
	return p.Renderer.Delivery(ctx, e, about)
}

func TestAnEventThatPanicsIsTriedAgainAndEndsNothing(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		g.hook("a")
		g.hook("b", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"q"} })
		g.render = panics{g.renderer(), 1}
		d := g.lead("n1", r)
		g.event("p")
		g.event("q")
		time.Sleep(30 * time.Second)
		if got := r.numbers("b"); !reflect.DeepEqual(got, []string{"3"}) {
			t.Errorf("the other endpoint got %v", got)
		}
		tries, _ := d.Attempts(g.endpoint("a").Number)
		if len(tries) < 3 || tries[0].Fault != poll.FaultRender || tries[0].Next.IsZero() {
			t.Errorf("the attempts are %+v", tries)
		}
	})
}

func TestAttemptsAreKeptForPeople(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		e := g.hook("a")
		d := g.lead("n1", r)
		for range 150 {
			g.event(fmt.Sprint("p", g.newest()))
		}
		time.Sleep(time.Minute)
		all, ok := d.Attempts(e.Number)
		if !ok || len(all) != maxAttempts || all[maxAttempts-1].Event != 299 || all[0].Event != 101 || all[0].Status != 204 {
			t.Errorf("%d are kept, from %+v", len(all), all[0])
		}
	})
}

func TestABodyIsRenderedOnceForAllEndpoints(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		for n := range 20 {
			g.hook(fmt.Sprint("e", n))
		}
		counts := &counted{Renderer: g.renderer()}
		g.render = counts
		g.lead("n1", r)
		time.Sleep(time.Second)
		g.event("p")
		time.Sleep(time.Second)
		synctest.Wait()
		if counts.n != 1 {
			t.Errorf("it was rendered %d times", counts.n)
		}
	})
}

type counted struct {
	eventjson.Renderer
	n int
}

func (c *counted) Delivery(ctx context.Context, e poll.Event, about eventjson.About) (eventjson.Delivery, error) {
	c.n++
	return c.Renderer.Delivery(ctx, e, about)
}
