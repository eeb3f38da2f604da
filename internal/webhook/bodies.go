package webhook

import (
	"context"
	"errors"
	"sync"

	"voted/internal/eventjson"
)

// maxBodyBytes bounds the rendered events that are kept. One alone is kept whatever its size.
const maxBodyBytes = 64 << 20

// bodies keeps the newest rendered events: however many endpoints get an event, it is rendered
// once. Its methods may be called from any goroutine.
type bodies struct {
	mu    sync.Mutex
	by    map[uint64]*body // guarded by mu; by the event's number
	order []uint64         // as they were rendered; guarded by mu
	bytes int              // guarded by mu
	limit int
}

type body struct {
	ready chan struct{} // closed once the rest is set
	eventjson.Delivery
	err error
}

func newBodies(limit int) *bodies { return &bodies{by: map[uint64]*body{}, limit: limit} }

// of returns an event rendered, by render if it is not there. What cannot be rendered is not
// kept: the next caller tries again.
func (b *bodies) of(ctx context.Context, event uint64, render func() (eventjson.Delivery, error)) (eventjson.Delivery, error) {
	b.mu.Lock()
	x, there := b.by[event]
	if !there {
		x = &body{ready: make(chan struct{})}
		b.by[event] = x
	}
	b.mu.Unlock()
	if !there {
		b.fill(event, x, render)
	}
	select {
	case <-x.ready:
		return x.Delivery, x.err
	case <-ctx.Done():
		return eventjson.Delivery{}, ctx.Err()
	}
}

// fill renders an event for all who wait for it, also where render panics.
func (b *bodies) fill(event uint64, x *body, render func() (eventjson.Delivery, error)) {
	x.err = errNotRendered
	defer close(x.ready)
	defer b.keep(event, x)
	x.Delivery, x.err = render()
}

var errNotRendered = errors.New("the event could not be rendered")

// keep drops the oldest ones for a new one, or that one if it has an error.
func (b *bodies) keep(event uint64, x *body) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.err != nil {
		delete(b.by, event)
		return
	}
	b.bytes += x.Bytes()
	b.order = append(b.order, event)
	for b.bytes > b.limit && len(b.order) > 1 {
		b.bytes -= b.by[b.order[0]].Bytes()
		delete(b.by, b.order[0])
		b.order = b.order[1:]
	}
}
