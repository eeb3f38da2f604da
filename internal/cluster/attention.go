package cluster

import (
	"sync"
	"time"
)

// attention is for how long a member has listened without hearing from the leader.
// It is counted in looks, not in time alone: a process that did not run for a while
// (a machine that was stopped, or has too much to do) has not listened, and takes one
// late look when it goes on.
type attention struct {
	every time.Duration // between two looks

	mu     sync.Mutex
	last   time.Time // guarded by mu: the leader's last sign of life that a look has seen
	silent int       // guarded by mu: looks since then that saw no other
}

// look notes when the leader was last heard from.
func (a *attention) look(contact time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if contact.Equal(a.last) {
		a.silent++
		return
	}
	a.last, a.silent = contact, 0
}

// listened is how much of the time since contact this member has listened, to within
// one look.
func (a *attention) listened(contact, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	looks := 0
	if contact.Equal(a.last) {
		looks = a.silent
	}
	return min(now.Sub(contact), time.Duration(looks+1)*a.every)
}

// listen looks until the node ends.
func (n *Node) listen() {
	ticker := time.NewTicker(n.attention.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			n.attention.look(n.raft.LastContact())
		case <-n.ctx.Done():
			return
		}
	}
}
