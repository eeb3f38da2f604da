package webhook

import (
	"reflect"
	"testing"
	"time"

	"voted/internal/poll"
)

// A lane waits for its rate or for a place at its host. It must see afterwards what came meanwhile.
func TestALaneThatWaitsWhenTheLeaderYieldsBeginsNothing(t *testing.T) {
	t.Parallel()
	for name, rig := range map[string]func(g *group, r *receivers){
		"for its rate": func(g *group, _ *receivers) {
			g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Rate = 1 })
		},
		"for a place at its host": func(g *group, r *receivers) {
			for n := range maxAtHost {
				id := string(rune('b' + n))
				g.hook(id, func(p *poll.PutEndpoint) { p.Webhook.URL = urlOf("a") + "?" + id })
				r.onURL(urlOf("a")+"?"+id, takes(900*time.Millisecond))
			}
			g.hook("a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGroup(t, func(g *group, r *receivers) {
				// Given a lane that waits, with an event to deliver.
				rig(g, r)
				d := g.lead("n1", r)
				time.Sleep(10 * time.Second)
				g.event("p")
				g.event("q")
				time.Sleep(500 * time.Millisecond)
				// When the leader yields.
				resume := d.Yield(g.t.Context())
				before := len(r.at("a"))
				time.Sleep(10 * time.Second)
				// Then it gets nothing until the leader goes on.
				if got := r.numbers("a"); len(got) != before || before > 1 {
					g.t.Errorf("while the leader yields it got %v, %d of them before", got, before)
				}
				resume()
				time.Sleep(10 * time.Second)
				if got := r.numbers("a"); !reflect.DeepEqual(got, []string{"1", "3"}) {
					g.t.Errorf("then it got %v", got)
				}
			})
		})
	}
}
