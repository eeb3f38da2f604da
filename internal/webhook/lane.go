package webhook

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
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
	again    bool           // there is more since its goroutine looked; guarded by t.mu
	endpoint *poll.Endpoint // as the watcher saw it last; guarded by t.mu
	at       place          // guarded by t.mu
	changed  int64          // when the watcher saw its last revision; 0: it had it when this member began; guarded by t.mu
	waits    int64          // when the event that it is at was made, 0 if it is at none; guarded by t.mu

	// The rest belongs to its goroutine.
	revision uint32 // of the endpoint, that it goes by; 0: none yet
	limiter  *rate.Limiter
	delays   *backoff.ExponentialBackOff
	trials   [jobKinds]tries
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
	if l.again && ctx.Err() == nil {
		l.again = false
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
	l.revision, l.trials, l.due = e.Revision, [jobKinds]tries{}, time.Time{}
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
		l.trials[j.kind].last = a
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
	x := &l.trials[j.kind]
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
	a := l.t.d.options(ctx, e)
	if allowed := rate.Limit(a.Allowed) / 60; a.Allowed > 0 && allowed < l.limiter.Limit() {
		l.limiter.SetLimit(allowed)
	}
}

// conclude draws the conclusion from an answer. It returns when the event is tried again, zero
// if it is not.
func (l *lane) conclude(j job, a Answer) (next time.Time) {
	now, at := l.t.d.state.Clock(), l.place()
	// A ping or a redelivery leaves the cursor as it is: what failed there could not be taken back.
	if a.Result() != OK && a.Fault != poll.FaultRender && at.failing == 0 && (j.kind == fresh || j.kind == missed) {
		at.failing = now
	}
	v, due := l.verdict(j, a, l.trial(j, at, now)), time.Now()
	if a.Result() == OK {
		l.delays.Reset()
		l.taken(j, at.failing != 0, now)
		at.failing = 0
	}
	if v.step == bury && j.kind != redelivery && !l.waitsAfter(j) {
		l.delays.Reset()
		at.failing = 0 // days in which nothing is tried are no failure
	}
	if j.probe != nil && v.step == again {
		due = l.due // that of the event itself holds
	}
	if v.wait > 0 {
		due = time.Now().Add(v.wait)
	}
	l.due = due
	l.report(j, v, at, now)
	if v.step == again {
		return l.due
	}
	l.trials[j.kind] = tries{} // the same event may be delivered once more
	return time.Time{}
}

// waitsAfter reports whether the endpoint asks for an event after the job's, also for one that
// is no longer kept.
func (l *lane) waitsAfter(j job) (waits bool) {
	for number, more := j.event.Number, true; more && !waits; {
		l.t.d.state.Read(func(s *poll.State) {
			page, seen, ok := s.Events(number, 1, j.endpoint.Webhook.Wants)
			_, newest := s.EventSpan()
			waits = !ok || slices.ContainsFunc(page, j.endpoint.Wants)
			number, more = seen, seen < newest
		})
	}
	return waits
}

// taken measures how late an event was taken. One that waited because its receiver failed, was
// paused or was not there yet is not measured.
func (l *lane) taken(j job, failed bool, now int64) {
	switch sent := j.sent(); {
	case failed:
		l.well = now
	case j.kind == fresh && sent.At >= l.well:
		l.t.d.metrics.inTime(now - sent.At)
	}
}

// verdict says what follows from an answer.
func (l *lane) verdict(j job, a Answer, t trial) (v verdict) {
	switch {
	case j.probe != nil:
		return judgeProbe(a)
	case j.kind == redelivery && j.event.Kind == 0:
		return verdict{step: bury} // it is no longer kept
	case j.kind == redelivery:
		return judgeAgain(a, t, l.delays.NextBackOff)
	}
	v = judge(a, t, l.delays.NextBackOff)
	if j.kind == fresh && v.step == again && a.Result() != Refused && a.Wait == 0 {
		l.trials[fresh].probe = probes(t.attempts)
	}
	return v
}

// trial is what is known of the job's event.
func (l *lane) trial(j job, at place, now int64) trial {
	x := l.trials[j.kind]
	t := trial{attempts: x.n, since: time.Since(x.began)}
	if at.failing != 0 {
		t.failing = time.Duration(now-at.failing) * time.Millisecond
	}
	switch j.kind {
	case fresh:
		t.age = time.Duration(now-j.event.At) * time.Millisecond
	case ping:
		t.attempts = 1 // one that is refused is tried again, as a ping is never given up
		t.failing = t.since
	}
	return t
}

// report notes what follows from an answer, for the next commit.
func (l *lane) report(j job, v verdict, at place, now int64) {
	m := poll.Move{Endpoint: l.number, Revision: l.revision}
	switch {
	case v.step == disable:
		l.disabled, m.Disable = true, v.why
	case v.step == again:
	case j.kind == ping:
		l.verified, m.Verified = true, true
	case j.kind == redelivery:
		l.done = append(l.done, j.again)
		m.Done = []poll.Redone{{Redelivery: j.again, Delivered: v.step == settle}}
	default:
		if j.kind == fresh && (v.step == bury || j.probe != nil) {
			m.Dead = []poll.DeadLetter{l.deadLetter(j, now)}
			at.deadEver++
		}
		if at.cursor = j.event.Number; v.step == settle {
			at.cursor = j.sent().Number
		}
		at.last = at.cursor
	}
	if !l.moved(at) && m.Disable == 0 && !m.Verified && m.Done == nil {
		return // it fails on, as is known
	}
	m.Cursor, m.Last, m.DeadEver, m.FailingSince = at.cursor, at.last, at.deadEver, at.failing
	l.t.progress.note(m)
}

// moved takes over a place, and reports whether it is another one.
func (l *lane) moved(at place) bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if at.cursor != l.at.cursor {
		l.waits = 0
	}
	was := l.at
	l.at = at
	return at != was
}

func (l *lane) deadLetter(j job, now int64) poll.DeadLetter {
	last := l.trials[fresh].last
	l.t.d.metrics.count(Dead)
	l.t.d.log.Warn("a webhook did not take an event; it is a dead letter, and the next one is sent",
		"webhook", j.endpoint.ID, "event", j.event.Number, "why", last.Failure)
	return poll.DeadLetter{Number: j.event.Number, At: now, Status: uint16(last.Status), Fault: last.Fault}
}
