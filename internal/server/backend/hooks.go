package backend

import (
	"context"

	"voted/internal/cluster"
	"voted/internal/eventjson"
	"voted/internal/poll"
	"voted/internal/webhook"
)

// Hooks is a cluster node as its deliverer of webhooks sees it.
type Hooks struct {
	*cluster.Node
	Renderer func() eventjson.Renderer // of the API
}

var (
	_ webhook.State   = Hooks{}
	_ webhook.Cluster = Hooks{}
	_ webhook.Events  = Hooks{}
)

// KeyFiles implements webhook.Cluster.
func (h Hooks) KeyFiles() (all []webhook.KeyFile) {
	for _, r := range h.Reports() {
		k := webhook.KeyFile{Member: r.ID}
		if r.Webhooks != nil {
			k.Fingerprint = r.Webhooks.Key
		}
		all = append(all, k)
	}
	return all
}

// Delivery implements webhook.Events.
func (h Hooks) Delivery(ctx context.Context, e poll.Event, about eventjson.About) (eventjson.Delivery, error) {
	return h.Renderer().Delivery(ctx, e, about)
}

// Ping implements webhook.Events.
func (h Hooks) Ping(id string, at int64) (eventjson.Delivery, error) {
	return h.Renderer().Ping(id, at)
}

// Missed implements webhook.Events.
func (h Hooks) Missed(from, to uint64, at int64) (eventjson.Delivery, error) {
	return h.Renderer().Missed(from, to, at)
}
