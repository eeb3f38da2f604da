package webhook

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"voted/internal/pause"
	"voted/internal/poll"
)

// When progress is committed: commitQuiet after the last delivery, and at most commitLatest
// after the first, so that a busy leader writes five small entries a second, and a quiet one
// has exact cursors. What a leader that dies repeats is what it delivered since the last one.
const (
	commitQuiet  = 50 * time.Millisecond
	commitLatest = 200 * time.Millisecond
	// commitTimeout bounds one try, and commitAgain is the pause before the next one.
	commitTimeout = 5 * time.Second
	commitAgain   = 100 * time.Millisecond
	// commitOverdue is how old progress may be that is not committed. While a cluster cannot
	// commit, nothing more is delivered, or all of it would be repeated.
	commitOverdue = 5 * time.Second
)

// progress holds what moved and is not committed yet. Its methods may be called from any
// goroutine.
type progress struct {
	commit  func(context.Context, []poll.Move) error // returns nil once they are applied
	changed chan struct{}                            // of capacity 1: there is more to commit

	committing chan struct{} // of capacity 1: full while one try is under way

	mu          sync.Mutex
	moves       map[uint64]poll.Move // guarded by mu; by endpoint
	first, last time.Time            // of these moves, zero if there is none; guarded by mu
	pending     time.Time            // of the oldest one that is not known to be committed; guarded by mu
	committed   chan struct{}        // closed and replaced at each commit; guarded by mu
}

func newProgress(commit func(context.Context, []poll.Move) error) *progress {
	return &progress{
		commit: commit, moves: map[uint64]poll.Move{}, changed: make(chan struct{}, 1),
		committing: make(chan struct{}, 1), committed: make(chan struct{}),
	}
}

// joined returns what two moves of an endpoint say, of which m came later. What was found out
// at an earlier revision of the endpoint counts no more, but for redeliveries.
func joined(was, m poll.Move) poll.Move {
	m.Done = append(slices.Clip(was.Done), m.Done...)
	if was.Revision != m.Revision {
		return m
	}
	m.Dead = append(slices.Clip(was.Dead), m.Dead...)
	m.Verified = m.Verified || was.Verified
	m.Disable = cmp.Or(m.Disable, was.Disable)
	return m
}

// note takes in a move.
func (p *progress) note(m poll.Move) {
	now := time.Now()
	p.mu.Lock()
	if was, ok := p.moves[m.Endpoint]; ok {
		m = joined(was, m)
	}
	p.moves[m.Endpoint] = m
	p.last = now
	if p.first.IsZero() {
		p.first = now
	}
	if p.pending.IsZero() {
		p.pending = now
	}
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// due returns when the next commit is; ok is false if there is nothing to commit.
func (p *progress) due() (at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first.IsZero() {
		return at, false
	}
	latest, quiet := p.first.Add(commitLatest), p.last.Add(commitQuiet)
	if quiet.Before(latest) {
		return quiet, true
	}
	return latest, true
}

// run commits what is due until ctx ends. say is told what came of each try.
func (p *progress) run(ctx context.Context, say func(error)) {
	for p.awaitDue(ctx) {
		err := p.flush(ctx)
		say(err)
		if err != nil && pause.For(ctx, commitAgain) != nil {
			return
		}
	}
}

// awaitDue returns when a commit is due; false: ctx ended.
func (p *progress) awaitDue(ctx context.Context) bool {
	for ctx.Err() == nil {
		var due <-chan time.Time
		if at, ok := p.due(); ok {
			rest := time.Until(at)
			if rest <= 0 {
				return true
			}
			due = time.After(rest)
		}
		select {
		case <-due:
		case <-p.changed:
		case <-ctx.Done():
		}
	}
	return false
}

// flush commits all that was noted. After an error it is still to be committed; to commit it
// twice does no harm.
func (p *progress) flush(ctx context.Context) error {
	select {
	case p.committing <- struct{}{}:
		defer func() { <-p.committing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	moves, first := p.moves, p.first
	p.moves, p.first = map[uint64]poll.Move{}, time.Time{}
	p.mu.Unlock()
	if len(moves) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	batch := slices.SortedFunc(maps.Values(moves), func(a, b poll.Move) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	err := p.commit(ctx, batch)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.back(moves, first)
		return err
	}
	p.pending = p.first
	close(p.committed)
	p.committed = make(chan struct{})
	return nil
}

// back takes in again what was not committed, and makes it due at once. The caller holds mu.
func (p *progress) back(moves map[uint64]poll.Move, first time.Time) {
	for id, m := range moves {
		if later, ok := p.moves[id]; ok {
			m = joined(m, later)
		}
		p.moves[id] = m
	}
	p.first, p.last = first, first
}

// room waits while progress is overdue to be committed. Its error is that of ctx.
func (p *progress) room(ctx context.Context) error {
	for ctx.Err() == nil {
		p.mu.Lock()
		overdue, committed := !p.pending.IsZero() && time.Since(p.pending) >= commitOverdue, p.committed
		p.mu.Unlock()
		if !overdue {
			return nil
		}
		select {
		case <-committed:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
