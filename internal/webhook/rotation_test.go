package webhook

import (
	"slices"
	"sync"
	"testing"
	"time"

	"voted/internal/poll"
)

// notary is a Signer that notes with which keys it was to sign.
type notary struct {
	signer
	mu  sync.Mutex
	all [][]Generation // guarded by mu
}

func (n *notary) Signing(inForce ...Generation) []Key {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, slices.Clone(inForce))
	return n.signer.Signing(inForce...)
}

// A key that was rotated away without an overlap is one that somebody else may know.
func TestAnEventThatWaitedWhileTheKeyWasRotatedIsSignedByTheNewOne(t *testing.T) {
	t.Parallel()
	inGroup(t, func(g *group, r *receivers) {
		// Given a lane that waits for its rate, with the second of two events.
		keys := &notary{}
		g.signs = keys
		g.hook("a", func(p *poll.PutEndpoint) { p.Webhook.Rate = 1 })
		g.lead("n1", r)
		time.Sleep(10 * time.Second)
		g.event("p")
		g.event("q")
		time.Sleep(500 * time.Millisecond)
		before := g.endpoint("a").Key
		// When the key is rotated.
		g.must(poll.RotateKey{ID: "a"})
		time.Sleep(10 * time.Second)
		// Then the first event is signed by the old one, and the second one by the new one alone.
		now := g.endpoint("a").Key
		keys.mu.Lock()
		defer keys.mu.Unlock()
		if before == now || len(keys.all) != 2 || keys.all[0][0].Key != before || len(keys.all[1]) != 1 || keys.all[1][0].Key != now {
			t.Errorf("the keys were %v; first %d, then %d", keys.all, before, now)
		}
	})
}
