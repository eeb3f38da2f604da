package webhook

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"voted/internal/pause"
	"voted/internal/poll"
)

const (
	// beginWithin is the time over which a new leader begins with the endpoints for which
	// something waits, or a thousand would be called at once. Few begin within less:
	// beginEach for each of them.
	beginWithin = 10 * time.Second
	beginEach   = 10 * time.Millisecond
	// tellPassed is how often cursors are committed that only passed events for which the
	// endpoint does not ask: no delivery is repeated where they are lost.
	tellPassed = 10 * time.Second
	// lookEvents is how many new events are looked at in one read.
	lookEvents = 1000
)

// tenure is the time in which this member delivers: one leadership, or a part of it.
type tenure struct {
	d        *Deliverer
	ctx      context.Context
	progress *progress
	bodies   *bodies
	hosts    *hosts
	attempts *attempts
	tasks    sync.WaitGroup // lanes, and what commits

	mu    sync.Mutex
	lanes map[uint64]*lane // guarded by mu; by the endpoint's number
	held  chan struct{}    // closed when deliveries go on; nil: they do; guarded by mu
	ahead bool             // cursors passed events, and this is not committed; guarded by mu

	// Of the watcher's goroutine alone.
	seen   uint64    // event up to which the idle lanes need no look
	first  bool      // there was no look yet
	passed time.Time // when cursors were last committed that only passed events
}

func newTenure(ctx context.Context, d *Deliverer) *tenure {
	t := &tenure{
		d: d, ctx: ctx, bodies: newBodies(maxBodyBytes), hosts: newHosts(), attempts: newAttempts(),
		lanes: map[uint64]*lane{}, first: true, passed: time.Now(),
	}
	t.progress = newProgress(t.commit)
	return t
}

// commit proposes what moved.
func (t *tenure) commit(ctx context.Context, moves []poll.Move) error {
	_, err := t.d.cluster.Execute(ctx, poll.Progress{Moves: moves})
	return err
}

// run watches the state and wakes lanes, until this member no longer delivers.
func (t *tenure) run() {
	t.tasks.Go(func() { t.progress.run(t.ctx, t.sayCommit) })
	for t.ctx.Err() == nil && t.d.may() {
		index, more := t.look()
		if more {
			continue
		}
		t.awaitChange(index)
	}
}

// awaitChange waits until there may be something new. It looks now and then in any case: lanes
// may have passed events that nobody asks for.
func (t *tenure) awaitChange(index uint64) {
	ctx, cancel := context.WithTimeout(t.ctx, tellPassed)
	defer cancel()
	if t.d.state.Changed(ctx, index) == nil {
		_ = pause.For(t.ctx, lookPace)
	}
}

func (t *tenure) sayCommit(err error) {
	if err != nil && t.ctx.Err() == nil {
		t.d.log.Debug("what webhooks were sent is not noted yet", "error", err)
	}
}

// end ends all lanes, and commits what they delivered: through the next leader, if there is
// one.
func (t *tenure) end(cancel context.CancelFunc) {
	cancel()
	t.tasks.Wait()
	ctx, stop := context.WithTimeout(context.WithoutCancel(t.ctx), flushTimeout)
	defer stop()
	if err := t.progress.flush(ctx); err != nil {
		t.d.log.Warn("what webhooks were sent last could not be noted; it may be sent again", "error", err)
	}
}

// news is what the watcher sees of the state.
type news struct {
	index     uint64
	clock     int64 // the replicated one, at index
	endpoints []*poll.Endpoint
	events    []poll.Event // that are new
	newest    uint64       // event up to which it has seen
	more      bool         // there are more
	lost      bool         // some were dropped before it saw them
}

func (t *tenure) read() (n news) {
	t.d.state.Read(func(s *poll.State) {
		n.index, n.clock, n.endpoints = s.Index(), s.Clock(), s.Endpoints()
		_, newest := s.EventSpan()
		if n.newest = newest; t.first || newest == t.seen {
			return
		}
		page, seen, ok := s.Events(t.seen, lookEvents, anything)
		if n.lost = !ok; ok {
			n.events, n.newest, n.more = page, seen, seen < newest
		}
	})
	return n
}

// look wakes the lanes for which there is something new.
func (t *tenure) look() (index uint64, more bool) {
	n := t.read()
	t.mu.Lock()
	defer t.mu.Unlock()
	behind := t.behind(n)
	known := make(map[uint64]bool, len(n.endpoints))
	for _, e := range n.endpoints {
		known[e.Number] = true
		t.see(e, &n, behind)
	}
	for number, l := range t.lanes {
		if !known[number] {
			delete(t.lanes, number)
			t.attempts.forget(number)
			l.poke() // it sees that its endpoint is gone
		}
	}
	t.seen, t.first = n.newest, false
	if t.ahead && time.Since(t.passed) >= tellPassed {
		t.passed, t.ahead = time.Now(), false
		t.notePassed()
	}
	return n.index, n.more
}

// behind returns how many endpoints are called when this member begins.
func (t *tenure) behind(n news) (behind int) {
	if !t.first {
		return 0
	}
	for _, e := range n.endpoints {
		if begins(e, n.newest) {
			behind++
		}
	}
	return behind
}

// begins reports whether something waits for an endpoint that was not looked at yet.
func begins(e *poll.Endpoint, newest uint64) bool {
	return e.State == poll.EndpointVerifying || e.State == poll.EndpointEnabled && (e.Cursor < newest || len(e.Again) > 0)
}

// see looks at one endpoint. The caller holds mu.
func (t *tenure) see(e *poll.Endpoint, n *news, behind int) {
	l := t.lanes[e.Number]
	if l == nil {
		l = &lane{t: t, number: e.Number, wake: make(chan struct{}, 1), endpoint: e, at: placeOf(e)}
		t.lanes[e.Number] = l
		if begins(e, n.newest) {
			l.start(spread(behind))
		}
		return
	}
	was := l.endpoint
	l.endpoint = e
	if e.Revision != was.Revision {
		l.changed = n.clock
	}
	switch {
	case e.Revision != was.Revision, e.State != was.State, asksAgain(e, was):
		l.poke()
		l.start(0)
	case n.lost, wantsAny(e, n.events):
		l.start(0)
	case l.idle() && l.at.cursor < n.newest:
		l.at.cursor, t.ahead = n.newest, true
	}
}

// asksAgain reports whether a redelivery was asked for since an endpoint was seen before.
func asksAgain(e, was *poll.Endpoint) bool {
	return slices.ContainsFunc(e.Again, func(r poll.Redelivery) bool { return !slices.Contains(was.Again, r) })
}

// idle reports whether the lane has nothing to do and would take what comes. So if the endpoint
// asks for no event that is new, the cursor may pass them all. The caller holds t.mu.
func (l *lane) idle() bool {
	return !l.running && !l.disabled && l.endpoint.State == poll.EndpointEnabled
}

// spread draws when a lane begins.
func spread(lanes int) time.Duration {
	within := min(beginWithin, time.Duration(lanes)*beginEach)
	if within <= beginEach {
		return 0
	}
	return rand.N(within)
}

func wantsAny(e *poll.Endpoint, events []poll.Event) bool {
	for _, v := range events {
		if e.Wants(v) {
			return true
		}
	}
	return false
}

// start lets the lane's goroutine look, after a while. The caller holds t.mu.
func (l *lane) start(after time.Duration) {
	if l.running {
		l.more = true
		return
	}
	if l.t.ctx.Err() != nil || l.endpoint.State != poll.EndpointEnabled && l.endpoint.State != poll.EndpointVerifying {
		return
	}
	l.running, l.more = true, false
	l.t.tasks.Go(func() {
		_ = pause.For(l.t.ctx, after)
		l.run(l.t.ctx)
	})
}

// poke lets a lane that waits look again.
func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// notePassed has cursors committed that moved without a delivery. The caller holds mu.
func (t *tenure) notePassed() {
	for _, l := range t.lanes {
		if e := l.endpoint; l.idle() && l.at.cursor > e.Cursor {
			t.progress.note(poll.Move{
				Endpoint: l.number, Revision: e.Revision, Cursor: l.at.cursor, Last: l.at.last, DeadEver: l.at.deadEver, FailingSince: l.at.failing,
			})
		}
	}
}

// hold lets no further delivery begin until release is called.
func (t *tenure) hold() (release func()) {
	held := make(chan struct{})
	t.mu.Lock()
	t.held = held
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.held == held {
			t.held = nil
		}
		close(held)
	}
}

// room waits until deliveries may begin.
func (t *tenure) room(ctx context.Context) error {
	for ctx.Err() == nil {
		t.mu.Lock()
		held := t.held
		t.mu.Unlock()
		if held == nil {
			return t.progress.room(ctx)
		}
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
