package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// BulkBallot is one ballot of many.
type BulkBallot struct {
	Voter  string
	Ballot Ballot
	// IfVersion replaces this version; 0: the voter's first ballot.
	IfVersion uint64
}

// BulkAnswer is the answer to one ballot of many.
type BulkAnswer struct {
	// Line numbers the ballots of the call, from 1.
	Line  uint64
	Voter string // in NFC
	// Outcome is empty if the ballot was refused.
	Outcome Outcome
	// Ballot and Version are as in Receipt.
	Ballot, Version uint64
	// Code and Detail say why it was refused.
	Code   Code
	Detail string
}

// Err returns nil, or the refusal as an *Error.
func (a BulkAnswer) Err() error {
	if a.Code == "" {
		return nil
	}
	return &Error{Status: http.StatusOK, Code: a.Code, Detail: a.Detail}
}

// CastMany casts ballots in one stream, far faster than one by one. It yields one
// answer for each ballot, in their order; a refused ballot has an answer, too. If the
// stream breaks, it is resumed at any node with the ballots that have no answer yet;
// one that was counted already is answered with Replayed. An error ends the answers:
// the outcome of every ballot without an answer is unknown, and the same ballots may be
// sent again. A ballot that cannot be sent, such as one with an invalid voter id
// (CodeInvalidVoter), ends them as well, after the ballots before it are answered.
//
// ballots must end when ctx does: CastMany waits for it. It is ranged over on another
// goroutine, which runs ahead of the answers by a bounded number of ballots.
func (c *Client) CastMany(ctx context.Context, poll string, ballots iter.Seq[BulkBallot]) iter.Seq2[BulkAnswer, error] {
	return func(yield func(BulkAnswer, error) bool) {
		k := call{method: http.MethodPost, write: true, batch: true}
		if err := k.route("/v1/polls/", poll, "/ballots"); err != nil {
			yield(BulkAnswer{}, err)
			return
		}
		k.header = c.header(c.wait, "application/x-ndjson", "application/x-ndjson")
		c.authorize(k.header)
		b := bulk{client: c, call: &k, window: newWindow(), yield: yield}
		defer context.AfterFunc(ctx, b.window.close)()
		filled := make(chan struct{})
		go func() { // the reader of the caller's ballots; ends with them or with the window
			defer close(filled)
			b.window.fill(ballots)
		}()
		defer func() { b.window.close(); <-filled }()
		if err := b.run(ctx); err != nil {
			yield(BulkAnswer{}, err)
		}
	}
}

// bulk is one CastMany over all its connections.
type bulk struct {
	client   *Client
	call     *call
	window   *window
	yield    func(BulkAnswer, error) bool
	yielding atomic.Bool // the consumer is busy, so no answers are read
	stopped  bool        // the consumer left the loop
}

// run makes one connection after another until every ballot is answered.
func (b *bulk) run(ctx context.Context) error {
	c := b.client
	c.budget.called()
	s := series{client: c, call: b.call, deadline: c.callDeadline(ctx)}
	from := c.nodes.first()
	for {
		switch state, inputErr := b.window.await(); state {
		case windowDone:
			return inputErr
		case windowClosed:
			s.unknown = b.window.unanswered() > 0
			return s.ended(ctx, nil)
		}
		if s.tries == 0 {
			s.deadline = c.callDeadline(ctx) // waiting for input is not waiting for nodes
		}
		before := b.window.answeredLines()
		ep := c.nodes.pick(from)
		r := b.connect(ctx, ep, s.tries+1)
		if b.stopped {
			return nil
		}
		if !r.retry && r.err != nil {
			return r.err
		}
		if b.window.answeredLines() > before {
			// There was progress: the deadline and the list of failed endpoints start
			// again.
			s = series{client: c, call: b.call, deadline: c.callDeadline(ctx)}
		}
		if b.window.finished() {
			continue
		}
		c.nodes.leave(ep)
		// If every ballot has its answer, no outcome is unknown.
		r.notApplied = r.notApplied || b.window.unanswered() == 0
		if err := s.next(ctx, ep, r); err != nil {
			return err
		}
		from = ep.index + 1
	}
}

// connect sends the unanswered ballots over one connection and yields their
// answers, until every one is answered or the connection ends.
func (b *bulk) connect(ctx context.Context, ep *endpoint, n int) result {
	start := time.Now()
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body := b.window.body()
	defer body.Close()
	// The transport does not end a request while it waits for its body.
	defer context.AfterFunc(own, func() { _ = body.Close() })()
	req := b.call.request(own, ep)
	req.Body, req.ContentLength = body, -1
	dog := newWatchdog(b.client.attemptTimeout, func() { cancel(errSilent) })
	resp, err := b.client.transport.RoundTrip(req)
	dog.timer.Stop()
	defer b.watch(cancel)()
	s := &stream{ep: ep, ctx: own, resp: resp}
	var r result
	switch {
	case err != nil:
		r = b.client.unanswered(ctx, ep, s.explain(err))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		r = b.client.answered(b.call, ep, resp)
	default:
		r = b.read(s)
		_ = resp.Body.Close() // an error changes nothing here
	}
	r.meta.Attempts = n
	done := attempt{ep: ep, number: n, start: start, end: time.Now(), resp: resp, result: r}
	b.client.judge(ctx, b.call, &done)
	b.client.reportAttempt(ctx, b.call, &done)
	return r
}

// read yields the answers of one connection. Its lines are numbered from 1,
// starting with the oldest that had no answer.
func (b *bulk) read(s *stream) result {
	r := result{meta: metaOf(s.ep, s.resp)}
	if t := first(s.resp.Header, "Content-Type"); !strings.HasPrefix(t, "application/x-ndjson") {
		r.err = fmt.Errorf("%s answered with %q where NDJSON was expected: %w", s.ep.name, t, errForeign)
		return r
	}
	lines := bufio.NewReaderSize(s.resp.Body, bulkChunkBytes)
	for next := uint64(1); ; next++ {
		line, err := readLine(lines, maxLineBytes)
		if errors.Is(err, io.EOF) {
			if len(line) == 0 && b.window.finished() {
				return r
			}
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = b.deliver(s.ep, line, next)
		}
		if err != nil {
			r.err, r.retry = fmt.Errorf("the stream of ballots to %s broke off: %w", s.ep.name, s.explain(err)), true
			return r
		}
		if b.stopped {
			return r
		}
	}
}

// deliver yields the answer that a line holds. The line must be the next one.
func (b *bulk) deliver(ep *endpoint, line []byte, next uint64) error {
	var a bulkLine
	if err := a.decode(line); err != nil {
		return err
	}
	if a.Line == 0 || a.Code.transient() {
		// This line answers no ballot: the node cannot go on, or could not settle this
		// ballot. All ballots from this one on are sent again.
		return &Error{Status: http.StatusOK, Code: a.Code, Detail: a.Detail, Retryable: true, Endpoint: ep.name}
	}
	if a.Line != next {
		return fmt.Errorf("the node answered line %d, but line %d was next", a.Line, next)
	}
	var ok bool
	if a.Line, a.Voter, ok = b.window.answer(); !ok {
		return errors.New("the node answered a line that was never sent")
	}
	b.yielding.Store(true)
	b.stopped = !b.yield(a.BulkAnswer, nil)
	b.yielding.Store(false)
	return nil
}

// watch cancels a connection if ballots wait on it and no answer comes.
func (b *bulk) watch(cancel context.CancelCauseFunc) (stop func()) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() { // ends with its connection
		tick := time.NewTicker(b.client.silence)
		defer tick.Stop()
		answered, waiting := b.window.answeredLines(), true
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := b.window.answeredLines()
			if waiting && now == answered && !b.yielding.Load() {
				cancel(errSilent)
				return
			}
			answered, waiting = now, b.window.unanswered() > 0
		}
	})
	return func() { close(done); wg.Wait() }
}

// bulkLine is a line of a bulk answer.
type bulkLine struct{ BulkAnswer }

func (a *bulkLine) decode(line []byte) error {
	f := flat{rest: line}
	for {
		switch f.next() {
		case stepMember:
			if !a.member(&f) {
				return a.decodeSlowly(line)
			}
		case stepEnd:
			return a.complete()
		default:
			return a.decodeSlowly(line)
		}
	}
}

// member takes one member of the usual form; it reports false for any other.
func (a *bulkLine) member(f *flat) (ok bool) {
	switch string(f.key) {
	case "line":
		a.Line, ok = f.number()
	case "outcome":
		a.Outcome, ok = outcomeOf(f.val), f.quoted
	case "ballot":
		a.Ballot, ok = f.number()
	case "version":
		a.Version, ok = f.number()
	case "code":
		a.Code, ok = codeOf(f.val), f.quoted
	case "detail":
		a.Detail, ok = string(f.val), f.quoted
	default:
		ok = true
	}
	return ok
}

func (a *bulkLine) decodeSlowly(line []byte) error {
	var j struct {
		Line    uint64  `json:"line"`
		Outcome Outcome `json:"outcome"`
		Ballot  uint64  `json:"ballot"`
		Version uint64  `json:"version"`
		Code    Code    `json:"code"`
		Detail  string  `json:"detail"`
	}
	if err := json.Unmarshal(line, &j); err != nil {
		return fmt.Errorf("an answer cannot be read: %w", err)
	}
	a.BulkAnswer = BulkAnswer{
		Line: j.Line, Outcome: j.Outcome, Ballot: j.Ballot, Version: j.Version, Code: j.Code, Detail: j.Detail,
	}
	return a.complete()
}

func (a *bulkLine) complete() error {
	if a.Outcome == "" && a.Code == "" {
		return errors.New("an answer has neither an outcome nor a code")
	}
	return nil
}
