package webhook

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

// renders is an Events that fails as long as broken is set.
type renders struct {
	eventjson.Renderer
	broken *atomic.Bool
}

func (r renders) Delivery(ctx context.Context, e poll.Event, about eventjson.About) (eventjson.Delivery, error) {
	if r.broken.Load() {
		return eventjson.Delivery{}, errors.New("the tally is not ready")
	}
	return r.Renderer.Delivery(ctx, e, about)
}

// inBrokenGroup is inGroup with a member that leads and cannot render events.
func inBrokenGroup(t *testing.T, f func(g *group, r *receivers, d *Deliverer, broken *atomic.Bool)) {
	t.Helper()
	inGroup(t, func(g *group, r *receivers) {
		var broken atomic.Bool
		broken.Store(true)
		g.render = renders{g.renderer(), &broken}
		g.hook("a")
		f(g, r, g.lead("n1", r), &broken)
	})
}

func TestAReceiverIsNotBlamedForWhatThisNodeCannotRender(t *testing.T) {
	t.Parallel()
	inBrokenGroup(t, func(g *group, r *receivers, d *Deliverer, broken *atomic.Bool) {
		// Given an event that cannot be rendered for a while.
		g.event("p")
		time.Sleep(30 * time.Minute)
		if e := g.endpoint("a"); e.FailingSince != 0 || len(r.at("a")) != 0 {
			g.t.Errorf("it was called %d times, and is failing since %d", len(r.at("a")), e.FailingSince)
		}
		// When it can be.
		broken.Store(false)
		time.Sleep(2 * longestDelay)
		// Then it is delivered, and measured as late: that is no fault of the receiver.
		if events, age := measured(g.t, d); len(r.at("a")) != 1 || events != 1 || age < 30*time.Minute {
			g.t.Errorf("%d deliveries; measured are %d, %v old", len(r.at("a")), events, age)
		}
	})
}

func TestAReceiverThatIsNeverCalledIsNotDisabled(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]int{"it never failed": 0, "it failed before": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBrokenGroup(t, func(g *group, r *receivers, _ *Deliverer, broken *atomic.Bool) {
				if fails > 0 {
					broken.Store(false)
					r.on("a", status(503))
					g.event("first")
					time.Sleep(100 * time.Millisecond)
					broken.Store(true)
				}
				for range 8 * 24 {
					g.event("p" + time.Now().Format("0215"))
					time.Sleep(time.Hour)
				}
				if e := g.endpoint("a"); e.State != poll.EndpointEnabled {
					g.t.Errorf("it is %v, %v", e.State, e.Reason)
				}
			})
		})
	}
}

func TestARedeliveryOfAnEventThatIsNoLongerKeptIsOverAtOnce(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given a redelivery that waits, as its endpoint is paused, until the journal drops its event.
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Polls = []string{"told"} })
		d := g.lead("n1", r)
		g.event("told")
		time.Sleep(time.Second)
		yes, no := true, false
		g.must(poll.PatchEndpoint{ID: "a", Paused: &yes})
		g.must(poll.Redeliver{ID: "a", Events: []uint64{1}})
		for n := range 1<<15 + 100 {
			g.event("p" + strconv.Itoa(n))
		}
		time.Sleep(8 * 24 * time.Hour)
		g.event("now")
		// When it goes on.
		g.must(poll.PatchEndpoint{ID: "a", Paused: &no})
		time.Sleep(time.Minute)
		// Then nothing is sent for it, it is over, and the attempts say why.
		if e := g.endpoint("a"); len(e.Again) != 0 || e.FailingSince != 0 {
			t.Errorf("it is %+v", e)
		}
		if got := r.numbers("a"); len(got) != 2 || got[0] != "1" || !strings.HasPrefix(got[1], "missed_") {
			t.Errorf("it got %v", got)
		}
		all, _ := d.Attempts(g.endpoint("a").Number)
		said := slices.DeleteFunc(all, func(a Attempt) bool { return a.Event != 1 || a.Result == OK })
		if len(said) != 1 || !strings.Contains(said[0].Failure, "no longer kept") || !said[0].Next.IsZero() {
			t.Errorf("the attempts at it are %+v", said)
		}
	})
}
