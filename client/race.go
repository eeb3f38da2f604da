package client

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"
)

// errOutrun is the error of a try whose call another endpoint has answered first.
var errOutrun = errors.New("another endpoint answered first")

// race is one try of a call, which a second endpoint joins if the first does not answer
// for a while (a hedge).
//
//	caller   first ──────────────────────────── cancelled, or its answer
//	timer      └─ delay ─ hedge ───── answer
//
// The caller's goroutine sends the first try. The hedge has a goroutine of its own, made
// by the timer, which ends before the call does. Whichever try brings an answer that
// decides the call settles the race and cancels the other one.
type race struct {
	client *Client
	call   *call
	ctx    context.Context // the call's
	delay  time.Duration
	// deadline is the call's.
	deadline time.Time
	// header is a copy for the hedge if the program brought a transport of its own, which
	// may change it although it must not.
	header http.Header

	// mu guards what follows until the first try has ended. From then on hedge and ended
	// stay as they are, and once the hedge has ended too, only the caller's goroutine is
	// left.
	mu     sync.Mutex
	timer  *time.Timer
	over   bool // the first try has ended, so no hedge joins it
	denied bool // a hedge had no budget
	first  runner
	hedge  *runner       // nil: none was sent
	ended  chan struct{} // closed when the hedge has ended
	winner *runner       // nil: the race is not settled
}

// runner is one of the two tries of a race.
type runner struct {
	attempt
	cut    bool // the call's deadline left it less time than a node may take to answer
	cancel context.CancelFunc
	outrun bool // the other one had settled the race before this one ended
}

// race sends a call to an endpoint, and to another one as well if that is slow. It
// returns how the try ended and at which endpoint. If both tries failed, it adds the
// failure of the other one to the series.
func (c *Client) race(ctx context.Context, k *call, ep *endpoint, s *series) (result, *endpoint) {
	r := &race{client: c, call: k, ctx: ctx, deadline: s.deadline, delay: c.hedging.delay(ep, k)}
	if r.header = k.header; c.own == nil {
		r.header = maps.Clone(k.header)
	}
	own := r.enter(&r.first, ep, s.tries+1)
	defer r.first.cancel()
	if most := c.retry.MaxAttempts; most == 0 || r.first.number < most {
		r.mu.Lock()
		r.timer = time.AfterFunc(min(r.delay, max(c.hedging.policy.MinDelay, hedgeOvertakenDelay)), r.join)
		r.mu.Unlock()
	}
	r.arrive(&r.first, c.carry(k.request(own, ep)))
	if r.hedge != nil { // no hedge joins from here on
		<-r.ended
	}
	return r.conclude(s)
}

// enter gives a runner its endpoint and its time.
func (r *race) enter(e *runner, ep *endpoint, number int) context.Context {
	e.attempt = attempt{ep: ep, number: number, start: time.Now()}
	until := e.start.Add(r.client.timeOf(r.call))
	if e.cut = r.deadline.Before(until); e.cut {
		until = r.deadline
	}
	ctx, cancel := context.WithDeadline(r.ctx, until)
	e.cancel = cancel
	return ctx
}

// join sends the hedge. The timer calls it, and again as long as the hedge is not due, or
// lacks a budget or an endpoint: meanwhile another endpoint may answer later calls.
func (r *race) join() {
	c := r.client
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	to := c.nodes.otherThan(r.first.ep)
	if to == nil || !r.afford() {
		again := c.hedging.policy.MinDelay
		if left := r.delay - time.Since(r.first.start); left > 0 {
			again = min(again, left)
		}
		r.timer.Reset(again)
		r.mu.Unlock()
		return
	}
	hedge := &runner{}
	own := r.enter(hedge, to, r.first.number+1)
	defer hedge.cancel()
	r.hedge, r.ended = hedge, make(chan struct{})
	defer close(r.ended)
	r.mu.Unlock()
	req := r.call.request(own, to)
	req.Header = r.header
	r.arrive(hedge, c.carry(req))
}

// afford takes a token for the hedge, if it is due. The caller holds r.mu.
func (r *race) afford() bool {
	c := r.client
	overtaken := c.hedging.overtaken(c.nodes, r.first.ep, r.call, r.first.start)
	if due := overtaken || time.Since(r.first.start) >= r.delay; !due {
		return false
	}
	paid := c.hedging.budget.withdraw() || overtaken && c.budget.withdraw()
	r.denied = r.denied || !paid
	return paid
}

// arrive takes the outcome of one try. An answer that decides the call ends the other try;
// what comes after such an answer is dropped.
func (r *race) arrive(e *runner, a carried) {
	defer a.release()
	r.mu.Lock()
	defer r.mu.Unlock()
	e.end, e.resp = time.Now(), a.resp
	if e == &r.first {
		r.over = true
		if r.timer != nil {
			r.timer.Stop()
		}
	}
	if r.winner != nil {
		e.outrun = true
		e.result = result{meta: Meta{Endpoint: e.ep.name}, err: errOutrun, retry: true}
		return
	}
	e.result = r.client.resultOf(r.ctx, r.call, e.ep, a)
	e.result.cut = e.cut
	if !r.call.decidedBy(e.result) {
		return
	}
	r.winner = e
	if other := r.other(e); other != nil {
		other.cancel()
	}
}

// decidedBy reports whether a result is the call's, whatever another try brings.
func (k *call) decidedBy(r result) bool {
	if r.retry {
		return false
	}
	var refusal *Error
	var unreadable *UnreadableError
	switch {
	case r.err == nil, !k.write, errors.As(r.err, &unreadable):
		return true
	case errors.As(r.err, &refusal):
		return refusal.Code.lasting()
	}
	return false
}

// other returns the other runner; nil if there is none.
func (r *race) other(e *runner) *runner {
	if e == r.hedge {
		return &r.first
	}
	return r.hedge
}

// conclude judges the endpoints and calls the hooks, after both tries have ended. It
// returns the result of the race.
func (r *race) conclude(s *series) (result, *endpoint) {
	last := r.last()
	r.report(&r.first)
	last.result.meta.Attempts = r.first.number
	if r.hedge != nil {
		r.report(r.hedge)
		last.result.meta.Attempts = r.hedge.number
		if other := r.other(last); r.winner == nil && other.result.retry { // the caller deals with the last one
			s.lost(other.ep, other.result.err)
			s.failed(other.ep, other.result)
			last.result.retryAfter = max(last.result.retryAfter, other.result.retryAfter)
		}
	}
	r.reportHedge(last)
	return last.result, last.ep
}

// last returns the runner whose result is the call's: the winner; without one a runner
// that was refused; or else the one that failed last.
func (r *race) last() *runner {
	h := r.hedge
	switch {
	case r.winner != nil:
		return r.winner
	case h == nil, !r.first.result.retry:
		return &r.first
	case h.result.retry && r.first.end.After(h.end):
		return &r.first
	}
	return h
}

// report judges a runner's endpoint and calls the hook for attempts. The client leaves an
// endpoint that was silent from the start of its try until another one had answered.
func (r *race) report(e *runner) {
	c := r.client
	switch {
	case !e.outrun:
		c.judge(r.ctx, r.call, &e.attempt)
		if e.result.retry {
			c.nodes.leave(e.ep)
		}
	case e.resp != nil:
		c.hedging.answered(e.ep, r.call, e.start, true)
		e.ep.breaker.succeeded()
	case e == &r.first && c.hedging.silent(e.ep, e.start):
		e.ep.breaker.outrun(c.hedging.policy.MinDelay)
		c.nodes.leave(e.ep)
	default:
		if e == &r.first { // it would have taken longer still
			e.ep.served(r.call).latencies.record(e.end.Sub(c.hedging.epoch), e.end.Sub(e.start))
		}
		e.ep.breaker.abandoned()
	}
	c.reportAttempt(r.ctx, r.call, &e.attempt)
}

// reportHedge counts a hedge, or one that was denied, and calls its hook.
func (r *race) reportHedge(last *runner) {
	h := r.client.hedging
	hedge := Hedge{Method: r.call.method, Path: r.call.escaped(), Endpoint: r.first.ep.name}
	switch {
	case r.hedge != nil:
		hedge.To, hedge.After, hedge.Outcome = r.hedge.ep.name, r.hedge.start.Sub(r.first.start), HedgeLost
		h.sent.Add(1)
		if last == r.hedge && !last.result.retry {
			hedge.Outcome = HedgeWon
			h.won.Add(1)
		}
	case r.denied:
		hedge.After, hedge.Outcome = r.delay, HedgeDenied
		h.denied.Add(1)
	default:
		return
	}
	if f := r.client.hooks.OnHedge; f != nil {
		f(r.ctx, hedge)
	}
}
