package ingest

import (
	"context"
	"sync"
	"time"
)

// patience remembers since when messages are refused for what may still come, and when polls open. It may be lost: the
// messages then wait from the beginning. It is safe for concurrent use.
type patience struct {
	mu       sync.Mutex
	waits    map[string]wait    // by message; guarded by mu
	openings map[string]opening // by poll; guarded by mu
}

// wait is when a message was refused for the first and for the last time.
type wait struct{ since, seen time.Time }

// opening is when a poll opens, as it was read.
type opening struct{ opens, read time.Time }

// first returns when a message was first refused, which is now if it was not before.
func (p *patience) first(id string, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.waits[id]
	if !ok {
		if p.waits == nil {
			p.waits = map[string]wait{}
		}
		w.since = now
	}
	w.seen = now
	p.waits[id] = w
	return w.since
}

// forget drops a message that was settled.
func (p *patience) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waits, id)
}

// prune drops messages that have not come again for long, as another bridge has settled them, and polls that nobody asks for.
func (p *patience) prune(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, w := range p.waits {
		if now.Sub(w.seen) > 2*longestEarly {
			delete(p.waits, id)
		}
	}
	for poll, o := range p.openings {
		if now.Sub(o.read) > 2*longestEarly {
			delete(p.openings, poll)
		}
	}
}

// opening returns when a poll opens; zero: it is not known. It is read again now and then, as it can be changed.
func (p *patience) opening(ctx context.Context, c Cluster, poll string) time.Time {
	p.mu.Lock()
	o, ok := p.openings[poll]
	p.mu.Unlock()
	if ok && time.Since(o.read) < longestPause {
		return o.opens
	}
	// Without an answer what was known holds on, for as long: the messages of a batch must not ask one after the other. A
	// message of a poll that nobody can read waits for the window.
	if read, err := c.Poll(ctx, poll); err == nil {
		o.opens = read.OpensAt
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.openings == nil {
		p.openings = map[string]opening{}
	}
	o.read = time.Now()
	p.openings[poll] = o
	return o.opens
}
