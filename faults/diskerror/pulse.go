package diskerror

import (
	"sync"
	"time"
)

// pulse is when ballots were acknowledged.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

// watch forgets what was before: the time counts from now.
func (p *pulse) watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.longest = time.Now(), 0
}

// beat is an acknowledgement.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
}

// pause returns the longest time without an acknowledgement; one that still lasts counts.
func (p *pulse) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.longest, time.Since(p.last))
}
