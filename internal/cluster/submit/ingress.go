package submit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/trace"
)

// ingress gathers single ballots into batches. The ballots that arrive while earlier
// batches are under way form the next one; an idle member sends at once.
type ingress struct {
	*Submitter

	// waiters are used again: a waiter, its channel and its timer are most of what waiting
	// costs. One whose caller left is not, since its batch still holds it.
	waiters sync.Pool

	mu       sync.Mutex
	full     []*batch // guarded by mu; gathered, and waiting for their turn
	waiting  *batch   // guarded by mu; the batch that is being gathered
	inFlight int      // guarded by mu
	queued   int      // guarded by mu: ballots waiting or under way
}

// batch is ballots that travel together.
type batch struct {
	ctx    context.Context // ends when no one waits
	cancel context.CancelFunc

	mu      sync.Mutex
	traced  *trace.Span // guarded by mu: of the first ballot that is traced
	id      string      // guarded by mu; set when it is carried, never changed
	waiters []*waiter   // guarded by mu; complete when the batch is carried
	gone    int         // guarded by mu: how many of them have left
	carried bool        // guarded by mu
	sent    bool        // guarded by mu: it may have reached the log
	unknown bool        // guarded by mu: some attempt had an unknown outcome
}

func (g *ingress) newBatch() *batch {
	b := &batch{}
	b.ctx, b.cancel = context.WithCancel(g.ctx)
	return b
}

// waiter is one ballot whose caller waits.
type waiter struct {
	ballot  *poll.Ballot
	place   fsm.Place
	outcome poll.Outcome
	err     error
	gone    bool        // guarded by the batch's mu: the caller left before it was sent
	span    *trace.Span // of the caller's request; nil: it is not traced

	done  chan struct{} // holds one: the outcome is there, and the batch has let go of the waiter
	timer *time.Timer   // of the caller's deadline; stopped while no one waits
}

func newWaiter() any {
	w := &waiter{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// release gives a waiter back that no batch holds, and returns its outcome.
func (g *ingress) release(w *waiter) (poll.Outcome, error) {
	w.timer.Stop()
	outcome, err := w.outcome, w.err
	*w = waiter{done: w.done, timer: w.timer}
	g.waiters.Put(w)
	return outcome, err
}

func newIngress(s *Submitter) *ingress {
	g := &ingress{Submitter: s, waiters: sync.Pool{New: newWaiter}}
	g.waiting = g.newBatch()
	return g
}

// CastUntil casts one ballot. See api.Ballots.
func (s *Submitter) CastUntil(ctx context.Context, deadline time.Time, b *poll.Ballot) (poll.Outcome, error) {
	return s.ingress.cast(ctx, deadline, b)
}

func (g *ingress) cast(ctx context.Context, deadline time.Time, b *poll.Ballot) (poll.Outcome, error) {
	w := g.waiters.Get().(*waiter)
	w.ballot, w.span = b, g.Tracer.Of(ctx)
	at, err := g.enter(w)
	if err != nil {
		w.err = err
		return g.release(w)
	}
	if !deadline.IsZero() {
		w.timer.Reset(time.Until(deadline))
	}
	select {
	case <-w.done:
		return g.release(w)
	case <-w.timer.C:
	case <-ctx.Done():
	}
	w.timer.Stop()
	return g.leave(at, w)
}

// enter adds a waiter to the batch that is being gathered, and sends that batch
// unless enough are under way.
func (g *ingress) enter(w *waiter) (*batch, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.queued >= maxQueued {
		return nil, refusal.New(refusal.TooManyRequests, "This node has %d ballots waiting; send the ballot again in a moment.", g.queued)
	}
	if len(g.waiting.waiters) >= maxBatch {
		g.full = append(g.full, g.waiting)
		g.waiting = g.newBatch()
	}
	b := g.waiting
	b.mu.Lock()
	b.waiters = append(b.waiters, w)
	if b.traced == nil {
		b.traced = w.span
	}
	b.mu.Unlock()
	g.queued++
	g.metrics.queued.Set(float64(g.queued))
	if g.inFlight < batchesInFlight {
		g.inFlight++
		next := g.take()
		g.goTask(func() { g.carry(next) })
	}
	return b, nil
}

// take returns the batch whose turn it is, nil if no one waits; mu is held.
func (g *ingress) take() *batch {
	var b *batch
	switch {
	case len(g.full) > 0:
		b, g.full = g.full[0], g.full[1:]
	case len(g.waiting.waiters) > 0:
		b, g.waiting = g.waiting, g.newBatch()
	default:
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.carried, b.id = true, g.IDs.Next()
	if b.gone == len(b.waiters) {
		b.cancel()
	}
	return b
}

// leave ends the wait of a caller whose deadline has passed. A ballot that was not sent
// is withdrawn, and so certainly not counted.
func (g *ingress) leave(b *batch, w *waiter) (poll.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.done:
		return g.release(w)
	default:
	}
	w.gone = true
	b.gone++
	if b.carried && b.gone == len(b.waiters) {
		b.cancel()
	}
	return poll.Outcome{}, b.named(GaveUp(b.sent, nil))
}

// carry takes batches to the leader, one after the other, until none waits.
func (g *ingress) carry(b *batch) {
	for b != nil {
		g.deliver(b)
		b = g.next(len(b.waiters))
	}
}

// next returns the batch to carry after one of done ballots, nil if none waits.
func (g *ingress) next(done int) *batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queued -= done
	g.metrics.queued.Set(float64(g.queued))
	b := g.take()
	if b == nil {
		g.inFlight--
	}
	return b
}

// deliver submits a batch and gives each waiter the outcome of its ballot. It tries for
// as long as a caller waits: the callers' own deadlines decide.
func (g *ingress) deliver(b *batch) {
	defer b.cancel()
	var frame sealed
	ctx, span := g.Tracer.Begin(trace.With(b.ctx, trace.Carried{ID: b.id, Span: b.traced}), "batch", trace.Internal)
	err := g.submit(ctx, func(ctx context.Context, leader replica.Leadership) error {
		if !b.dispatch(&frame) {
			return nil // no one waits
		}
		err := g.propose(ctx, leader, &frame)
		b.attempted(err)
		return err
	})
	if span != nil {
		span.Number("voted.batch.ballots", int64(frame.ballots))
		span.Text("voted.batch.id", b.id)
		span.EndWith(err)
		b.link(span.Context())
	}
	b.finish(&frame, err)
}

// link adds links from the other traced ballots to the batch, whose span is part of the
// first one's trace.
func (b *batch) link(to trace.SpanContext) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.waiters {
		if w.span != b.traced {
			w.span.Link(to)
		}
	}
}

// named adds the batch's id to an error: other members log the batch under that id, since
// the ids of up to maxBatch requests do not travel with it.
func (b *batch) named(err error) error {
	var refused *refusal.Error
	if b.id == "" || !errors.As(err, &refused) {
		return err
	}
	named := *refused
	named.Cause = fmt.Errorf("batch %s", b.id)
	if refused.Cause != nil {
		named.Cause = fmt.Errorf("batch %s: %w", b.id, refused.Cause)
	}
	return &named
}

// dispatch encodes the ballots whose callers still wait and marks the batch as sent. A
// frame that may be in the log is sent again unchanged.
func (b *batch) dispatch(f *sealed) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent {
		return true
	}
	var frame fsm.Frame
	for _, w := range b.waiters {
		if !w.gone {
			w.place = frame.Add(w.ballot)
		}
	}
	*f = seal(&frame)
	b.sent = f.ballots > 0
	return b.sent
}

// attempted notes whether the batch may be in the log after an attempt with error err. If
// certainly no attempt reached the log, its ballots can be withdrawn.
func (b *batch) attempted(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unknown = b.unknown || err != nil && !definitelyNot(err)
	b.sent = b.unknown || err == nil
}

func (b *batch) finish(f *sealed, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err = b.named(err)
	for _, w := range b.waiters {
		if w.gone {
			continue
		}
		if w.err = err; err == nil {
			if w.outcome = f.outcomes[w.place.Position(f.first)]; b.unknown && isStorageFull(w.outcome) {
				w.err = unknownAfterAll()
			}
		}
		w.done <- struct{}{} // from here on it is another ballot's
	}
}
