package webhook

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"voted/internal/poll"
)

// lane delivers to one endpoint, one event at a time, in the order of the journal. It has no
// queue: what is next follows from the endpoint's cursor and the state at each look, so nothing
// can get lost in between. Its goroutine exists only while there is something to deliver.
type lane struct {
	t      *tenure
	number uint64        // of the endpoint
	wake   chan struct{} // of capacity 1: look again

	running  bool           // guarded by t.mu
	more     bool           // there is more since its goroutine looked; guarded by t.mu
	endpoint *poll.Endpoint // as the watcher saw it last; guarded by t.mu
	at       place          // guarded by t.mu
	changed  int64          // when the watcher saw its last revision; 0: it had it when this member began; guarded by t.mu
	waits    int64          // when the event that it is at was made, 0 if it is at none; guarded by t.mu

	// The rest belongs to its goroutine.
	revision uint32 // of the endpoint, that it goes by; 0: none yet
	limiter  *rate.Limiter
	delays   *backoff.ExponentialBackOff
	tries    [jobKinds]tries
	due      time.Time // nothing is tried before
	verified bool      // at this revision; the state may not know it yet
	disabled bool      // the same
	greeted  bool      // it was asked for its rate
	well     int64     // events made before may be late for the receiver's sake; by the replicated clock
	done     []poll.Redelivery
	turn     jobKind // of redelivery and fresh: which was tried last
}

// place is how far an endpoint is served; see the fields of poll.Move.
type place struct {
	cursor, last, deadEver uint64
	failing                int64
}

func placeOf(e *poll.Endpoint) place { return place{e.Cursor, e.Last, e.DeadEver, e.FailingSince} }

// tries are the attempts at one event.
type tries struct {
	event  uint64
	n      int
	probe  bool // the event after it is to be tried now
	probes int  // how often that was tried
	began  time.Time
	last   Answer // to the event itself
}

// run is the lane's goroutine.
func (l *lane) run(ctx context.Context) {
	for {
		for l.step(ctx) {
		}
		if l.rests(ctx) {
			return
		}
	}
}

// rests notes that the goroutine ends, unless there is something new.
func (l *lane) rests(ctx context.Context) bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if l.more && ctx.Err() == nil {
		l.more = false
		return false
	}
	l.running, l.waits = false, 0
	return true
}

// step does one thing for the endpoint. It reports false when there is nothing to do.
func (l *lane) step(ctx context.Context) (more bool) {
	j := l.look()
	switch {
	case ctx.Err() != nil || j.kind == nothing:
		return false
	case j.endpoint.Revision != l.revision:
		l.begin(ctx, j.endpoint)
		return true
	case j.kind == passed:
		return true
	}
	l.noteWaiting(j)
	if j.probe == nil && !l.await(ctx) {
		return true // something changed meanwhile
	}
	leave, err := l.enter(ctx, j)
	if err != nil {
		return true
	}
	defer leave()
	now, ok := l.still(j)
	if !ok {
		return true
	}
	j.endpoint = now
	l.deliver(ctx, j)
	return true
}

// begin goes by another revision of the endpoint: what was found out before may not hold, so
// it begins again at the cursor that is committed.
func (l *lane) begin(ctx context.Context, e *poll.Endpoint) {
	if l.revision != 0 {
		_ = l.t.progress.flush(ctx) // so that less is repeated; it is tried again anyway
		l.t.d.state.Read(func(s *poll.State) {
			if now, ok := s.EndpointNumber(l.number); ok {
				e = now
			}
		})
	}
	l.revision, l.tries, l.due = e.Revision, [jobKinds]tries{}, time.Time{}
	l.verified, l.disabled, l.greeted = false, false, false
	l.t.mu.Lock()
	l.well = max(e.CreatedAt, l.changed) // what came while it was paused is no delay of ours
	l.t.mu.Unlock()
	l.limiter = rate.NewLimiter(rate.Limit(e.Rate), 1)
	l.delays = &backoff.ExponentialBackOff{
		InitialInterval: firstDelay, MaxInterval: longestDelay, Multiplier: 2, RandomizationFactor: 0.5,
	}
	l.delays.Reset()
	l.set(placeOf(e))
}

func (l *lane) set(at place) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	l.at = at
}

func (l *lane) place() place {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	return l.at
}

func (l *lane) noteWaiting(j job) {
	if j.kind == fresh {
		l.t.mu.Lock()
		defer l.t.mu.Unlock()
		l.waits = j.event.At
	}
}

// await waits until something may be tried. It returns false where the lane is to look again
// first.
func (l *lane) await(ctx context.Context) bool {
	rest := time.Until(l.due)
	if rest <= 0 {
		return true
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-ctx.Done():
	}
	return false
}

// enter waits until the endpoint may get another request: by its rate, by those under way to
// its host, and by what is committed. That comes last: whoever holds deliveries up means those
// too that wait for the rest. Nothing is locked meanwhile.
func (l *lane) enter(ctx context.Context, j job) (leave func(), err error) {
	if err := l.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	if leave, err = l.t.hosts.enter(ctx, hostOf(j.endpoint.URL)); err != nil {
		return nil, err
	}
	if err := l.t.room(ctx); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// still returns the endpoint as it is; ok is false if it is no longer what the job was chosen
// for. A rotation of its key does not change that.
func (l *lane) still(j job) (now *poll.Endpoint, ok bool) {
	l.t.d.state.Read(func(s *poll.State) { now, ok = s.EndpointNumber(l.number) })
	return now, ok && now.Revision == j.endpoint.Revision && now.State == j.endpoint.State
}

// deliver makes one attempt, and draws the conclusion.
func (l *lane) deliver(ctx context.Context, j job) {
	n, began := l.count(j), time.Now()
	a := l.attempt(ctx, j, n)
	if ctx.Err() != nil && a.Result() != OK {
		return // it was broken off, which says nothing of the endpoint
	}
	if j.probe == nil {
		l.tries[j.kind].last = a
	}
	next := l.conclude(j, a)
	l.t.attempts.add(l.number, Attempt{At: began, Event: j.sent().Number, Number: n, Answer: a, Result: a.Result(), Next: next})
	l.t.d.metrics.attempt(a)
	if !l.greeted && a.Result() == OK {
		l.greeted = true
		l.greet(ctx, j.endpoint)
	}
}

// count counts an attempt. It returns its number among those at the event that is sent, from 1.
func (l *lane) count(j job) int {
	x := &l.tries[j.kind]
	if x.event != j.event.Number || x.n == 0 {
		*x = tries{event: j.event.Number, began: time.Now()}
	}
	l.turn = j.kind
	if j.probe != nil {
		x.probe = false
		x.probes++
		return x.probes
	}
	x.n++
	return x.n
}

// attempt sends what the job has. A panic is an answer too: ballots are counted by the same
// process, and one event that cannot be rendered must not end it.
func (l *lane) attempt(ctx context.Context, j job, n int) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			l.t.d.log.Error("a webhook's delivery panicked; it is tried again like one that failed",
				"webhook", j.endpoint.ID, "event", j.event.Number, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			a = Answer{Fault: poll.FaultRender, Failure: "This node could not send the event; its log says more."}
		}
	}()
	if j.kind == redelivery {
		j.previous = l.before(j.endpoint, j.event.Number)
	}
	d, err := l.render(ctx, j)
	if err != nil {
		return Answer{Fault: poll.FaultRender, Failure: fmt.Sprintf("The event could not be rendered: %v.", err)}
	}
	return l.t.d.post(ctx, j.endpoint, d, j.previous, n)
}

// greet asks how many deliveries a minute the endpoint takes, as CloudEvents' webhooks do.
// It comes after the first delivery: an endpoint that does not know the question may hang.
func (l *lane) greet(ctx context.Context, e *poll.Endpoint) {
	a := l.t.d.askRate(ctx, e)
	if allowed := rate.Limit(a.Allowed) / 60; a.Allowed > 0 && allowed < l.limiter.Limit() {
		l.limiter.SetLimit(allowed)
	}
}
