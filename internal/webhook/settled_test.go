package webhook

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"voted/internal/poll"
)

// measured is how many events a deliverer took to receivers that did not fail, and how old they were together.
func measured(t *testing.T, d *Deliverer) (events uint64, age time.Duration) {
	t.Helper()
	var m dto.Metric
	if err := d.metrics.settled.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetHistogram().GetSampleCount(), time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second))
}

func TestHowLateAnEventIsTakenIsMeasuredUnlessTheReceiverIsToBlame(t *testing.T) {
	t.Parallel()
	paused, resumed := true, false
	for _, x := range []struct {
		name   string
		happen func(g *group, r *receivers) *Deliverer
		events uint64
		late   bool
	}{
		{"a receiver that answers", func(g *group, r *receivers) *Deliverer {
			d := g.lead("n1", r)
			g.event("p")
			return d
		}, 1, false},
		{"one that failed, and what came meanwhile", func(g *group, r *receivers) *Deliverer {
			r.on("a", status(503))
			d := g.lead("n1", r)
			g.event("p")
			g.event("q")
			time.Sleep(10 * time.Minute)
			r.on("a", status(200))
			return d
		}, 0, false},
		{"one that failed, and what comes after it", func(g *group, r *receivers) *Deliverer {
			r.on("a", status(503))
			d := g.lead("n1", r)
			g.event("p")
			time.Sleep(10 * time.Minute)
			r.on("a", status(200))
			time.Sleep(3 * longestDelay)
			g.event("q")
			return d
		}, 1, false},
		{"one that was paused", func(g *group, r *receivers) *Deliverer {
			d := g.lead("n1", r)
			time.Sleep(time.Second)
			g.must(poll.PatchEndpoint{ID: "a", Paused: &paused})
			g.event("p")
			time.Sleep(10 * time.Minute)
			g.must(poll.PatchEndpoint{ID: "a", Paused: &resumed})
			return d
		}, 0, false},
		{"a cluster without a leader", func(g *group, r *receivers) *Deliverer {
			g.lead("n1", r)
			time.Sleep(time.Second)
			g.die()
			g.event("p")
			time.Sleep(10 * time.Minute)
			return g.lead("n2", r)
		}, 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			inGroup(t, func(g *group, r *receivers) {
				g.hook("a")
				d := x.happen(g, r)
				time.Sleep(3 * longestDelay)
				events, age := measured(g.t, d)
				if events != x.events || (age > 5*time.Minute) != x.late {
					g.t.Errorf("%d events are measured, together %v old", events, age)
				}
			})
		})
	}
}
