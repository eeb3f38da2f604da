package replica

import (
	"sync"
	"time"
)

// attention measures for how long a member has run and received nothing from the leader.
// It counts looks, not time alone: a process that did not run for a while, because its
// machine was stopped or overloaded, received nothing for that reason, and takes only one
// late look when it goes on.
type attention struct {
	every time.Duration // between two looks

	mu     sync.Mutex
	last   time.Time // guarded by mu: the last contact with the leader that a look has seen
	silent int       // guarded by mu: looks since then that saw no newer one
}

// look notes when the member last received something from the leader.
func (a *attention) look(contact time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if contact.Equal(a.last) {
		a.silent++
		return
	}
	a.last, a.silent = contact, 0
}

// listened returns for how much of the time since contact this member has run, to within
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

// watchContact takes looks until the replica ends.
func (r *Replica) watchContact() {
	ticker := time.NewTicker(r.attention.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.attention.look(r.raft.LastContact())
		case <-r.ctx.Done():
			return
		}
	}
}

// Unheard returns for how long this member has run without receiving anything from the
// leader; 0 if it leads itself or has never had contact with a leader.
func (r *Replica) Unheard() time.Duration {
	last := r.raft.LastContact()
	if last.IsZero() || r.leaders.Now().Self {
		return 0
	}
	return min(r.attention.listened(last, time.Now()), r.busy.since())
}

// LastContact returns when this member last received something from the leader, zero for
// never.
func (r *Replica) LastContact() time.Time { return r.raft.LastContact() }
