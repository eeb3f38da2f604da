package webhook

import (
	"context"
	"sync"
)

// maxAtHost is how many requests are under way to one host: endpoints of one receiver share
// it, and others never wait for it.
const maxAtHost = 16

// hosts bounds the requests under way to each host. Its methods may be called from any
// goroutine.
type hosts struct {
	mu sync.Mutex
	by map[string]*host // those that anybody uses or waits for; guarded by mu
}

type host struct {
	slots chan struct{} // a token for each request under way
	users int           // with those who wait; guarded by hosts.mu
}

func newHosts() *hosts { return &hosts{by: map[string]*host{}} }

// enter waits for a place at a host. The caller leaves it with leave.
func (h *hosts) enter(ctx context.Context, name string) (leave func(), err error) {
	h.mu.Lock()
	x := h.by[name]
	if x == nil {
		x = &host{slots: make(chan struct{}, maxAtHost)}
		h.by[name] = x
	}
	x.users++
	h.mu.Unlock()
	select {
	case x.slots <- struct{}{}:
		return func() {
			<-x.slots
			h.left(name, x)
		}, nil
	case <-ctx.Done():
		h.left(name, x)
		return nil, ctx.Err()
	}
}

func (h *hosts) left(name string, x *host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x.users--; x.users == 0 {
		delete(h.by, name)
	}
}
