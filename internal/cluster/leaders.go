package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// leadership is who leads, as one member sees it, for as long as it sees it so.
type leadership struct {
	id, addr string
	self     bool
	// ctx ends when somebody else leads, or nobody.
	ctx context.Context
}

// leaders follows raft's view of who leads and lets others wait for a change.
type leaders struct {
	mu      sync.Mutex
	current leadership
	end     context.CancelFunc // of current
	changed chan struct{}      // closed at the next change
}

func newLeaders() *leaders {
	ctx, end := context.WithCancel(context.Background())
	return &leaders{current: leadership{ctx: ctx}, end: end, changed: make(chan struct{})}
}

// follow begins to watch raft, until ctx ends. Observers of raft drop what a full
// channel cannot take, so an observation only says: look again.
// candidate is told, in raft's own goroutine, whenever this member stands for election.
func (l *leaders) follow(ctx context.Context, r *raft.Raft, self string, candidate func()) {
	look := make(chan raft.Observation, 16)
	observer := raft.NewObserver(look, false, func(o *raft.Observation) bool {
		state, isState := o.Data.(raft.RaftState)
		if isState && state == raft.Candidate {
			candidate()
		}
		_, isLeader := o.Data.(raft.LeaderObservation)
		return isState || isLeader
	})
	r.RegisterObserver(observer)
	refresh := func() {
		addr, id := r.LeaderWithID()
		l.set(leadership{id: string(id), addr: string(addr), self: string(id) == self && r.State() == raft.Leader})
	}
	refresh()
	go func() {
		defer r.DeregisterObserver(observer)
		// The timer makes good for an observation that was dropped.
		again := time.NewTicker(commitTimeout * 5)
		defer again.Stop()
		for {
			select {
			case <-look:
			case <-again.C:
			case <-ctx.Done():
				l.set(leadership{})
				return
			}
			refresh()
		}
	}()
}

func (l *leaders) set(now leadership) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.current; was.id == now.id && was.addr == now.addr && was.self == now.self {
		return
	}
	l.end()
	now.ctx, l.end = context.WithCancel(context.Background())
	l.current = now
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *leaders) now() leadership {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// known waits until somebody leads.
func (l *leaders) known(ctx context.Context) (leadership, error) {
	for {
		l.mu.Lock()
		now, changed := l.current, l.changed
		l.mu.Unlock()
		if now.id != "" {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return leadership{}, ctx.Err()
		}
	}
}

// pause waits a moment, or for a change of leader, whichever is first.
func (l *leaders) pause(ctx context.Context, d time.Duration) {
	l.mu.Lock()
	changed := l.changed
	l.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
	}
}
