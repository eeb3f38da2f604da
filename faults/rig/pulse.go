package rig

import (
	"sync"
	"time"
)

// Pulse measures the time between acknowledgements. Its methods are safe for concurrent use.
type Pulse struct {
	mu      sync.Mutex
	last    time.Time     // of the last acknowledgement; guarded by mu
	longest time.Duration // between two of them; guarded by mu
}

// Watch starts to measure, from now. What was measured before is forgotten.
func (p *Pulse) Watch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.longest = time.Now(), 0
}

// Beat notes an acknowledgement.
func (p *Pulse) Beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
}

// Pause returns the longest time without an acknowledgement, also if it still lasts.
func (p *Pulse) Pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.longest, time.Since(p.last))
}

// Longest returns the longest time that ended with an acknowledgement.
func (p *Pulse) Longest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.longest
}
