package replica

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Leadership is who leads, as one member sees it, until that changes.
type Leadership struct {
	ID, Addr string // "" if no one leads
	Self     bool
	// Context ends when another member leads, or no one does.
	Context context.Context
}

// Leaders follows raft's view of who leads and lets others wait for a change.
type Leaders struct {
	mu      sync.Mutex
	current Leadership         // guarded by mu
	end     context.CancelFunc // of current; guarded by mu
	changed chan struct{}      // closed at the next change; guarded by mu
}

func newLeaders() *Leaders {
	ctx, end := context.WithCancel(context.Background())
	return &Leaders{current: Leadership{Context: ctx}, end: end, changed: make(chan struct{})}
}

// followLeaders begins to watch raft; the caller must run follow, which goes on until the
// replica ends. An observer of raft loses observations when its channel is full, so an
// observation only means: look again.
func (r *Replica) followLeaders() (follow func()) {
	look := make(chan raft.Observation, 16)
	// The filter runs in raft's own goroutine.
	observer := raft.NewObserver(look, false, func(o *raft.Observation) bool {
		state, isState := o.Data.(raft.RaftState)
		if isState && state == raft.Candidate {
			r.metrics.elections.Inc()
		}
		_, isLeader := o.Data.(raft.LeaderObservation)
		return isState || isLeader
	})
	r.raft.RegisterObserver(observer)
	refresh := func() {
		addr, id := r.raft.LeaderWithID()
		r.leaders.set(Leadership{ID: string(id), Addr: string(addr), Self: string(id) == r.opts.ID && r.Elected()})
	}
	refresh()
	return func() {
		defer r.raft.DeregisterObserver(observer)
		// The timer covers observations that were dropped.
		again := time.NewTicker(commitTimeout * 5)
		defer again.Stop()
		for {
			select {
			case <-look:
			case <-again.C:
			case <-r.ctx.Done():
				r.leaders.set(Leadership{})
				return
			}
			refresh()
		}
	}
}

func (l *Leaders) set(now Leadership) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.current; was.ID == now.ID && was.Addr == now.Addr && was.Self == now.Self {
		return
	}
	l.end()
	now.Context, l.end = context.WithCancel(context.Background())
	l.current = now
	close(l.changed)
	l.changed = make(chan struct{})
}

// Now returns who leads.
func (l *Leaders) Now() Leadership {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// Known waits until a member leads.
func (l *Leaders) Known(ctx context.Context) (Leadership, error) {
	for {
		l.mu.Lock()
		now, changed := l.current, l.changed
		l.mu.Unlock()
		if now.ID != "" {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Leadership{}, ctx.Err()
		}
	}
}

// Pause waits a moment, or for a change of leader, whichever is first.
func (l *Leaders) Pause(ctx context.Context, d time.Duration) {
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
