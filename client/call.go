package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"voted/internal/pause"

	"github.com/cenkalti/backoff/v5"
)

// call is one request as it goes out at every try: the method, path, header
// and body are made once, so that retries are the same bytes.
type call struct {
	method string
	path   string // unescaped
	raw    string // escaped; empty if it equals path
	query  string
	header http.Header
	body   []byte
	into   decoder // takes the body of a success; nil: not needed

	// stream: the answer is left open in opened, for its reader to close.
	stream    bool
	mediaType string // what the answer must be; empty: JSON, or any stream
	opened    *stream

	// write: it changes something, so a try without an answer has an unknown outcome.
	write bool
	// once: the request carries nothing that marks a late duplicate, which could undo
	// what others changed since. It is tried again only if it certainly was not
	// applied.
	once bool
	// batch: it carries many things, and takes its time. It is never hedged.
	batch bool
	// pinned is the only endpoint to use, and is tried once; nil: any endpoint, until
	// the deadline.
	pinned *endpoint
}

// escaped returns the path as in the request.
func (k *call) escaped() string {
	if k.raw != "" {
		return k.raw
	}
	return k.path
}

// decoder decodes the body of a successful answer. It must not keep the body.
type decoder interface {
	decode(body []byte) error
}

// deadline returns when a call must have ended.
func (c *Client) callDeadline(ctx context.Context) time.Time {
	if d, ok := ctx.Deadline(); ok {
		return d
	}
	return time.Now().Add(c.deadline)
}

// do sends a call until it has a final answer, or its time, tries or budget are used
// up.
func (c *Client) do(ctx context.Context, k *call) (Meta, error) {
	deadline := c.callDeadline(ctx)
	if k.header == nil {
		k.header = c.header(c.preferenceOf(k, deadline), "application/json", "")
		c.authorize(k.header)
	}
	s := series{client: c, call: k, deadline: deadline}
	if ctx.Err() != nil {
		return Meta{}, s.ended(ctx, nil)
	}
	c.budget.called()
	hedged := c.hedged(k)
	if hedged {
		c.hedging.budget.called()
	}
	from := c.nodes.first()
	for {
		ep := k.pinned
		if ep == nil {
			ep = c.nodes.pick(from)
		}
		var r result
		switch {
		case k.stream:
			r = c.tryStream(ctx, k, ep, s.tries+1)
		case hedged:
			r, ep = c.race(ctx, k, ep, &s)
		default:
			r = c.try(ctx, k, ep, s.tries+1, deadline)
		}
		if !r.retry {
			if s.tries > 0 && r.err == nil && k.pinned == nil {
				c.nodes.settle(ep)
			}
			return r.meta, s.final(ep, r)
		}
		if s.lost(ep, r.err) {
			return r.meta, r.err
		}
		if k.pinned != nil {
			return r.meta, fmt.Errorf("%s: %w", ep.name, r.err)
		}
		c.nodes.leave(ep)
		if err := s.next(ctx, ep, r); err != nil {
			return r.meta, err
		}
		from = ep.index + 1
	}
}

// series is the tries of one call after the first one failed.
type series struct {
	client    *Client
	call      *call
	deadline  time.Time
	tries     int
	endpoints []string
	unknown   bool
	// refusal is the newest one that a node sent; nil: none was.
	refusal error
	delays  *backoff.ExponentialBackOff
	// misdirected are the endpoints that turned out to be another kind of port.
	misdirected map[*endpoint]bool
}

// failed notes a try that failed.
func (s *series) failed(ep *endpoint, r result) {
	s.tries++
	s.unknown = s.unknown || (s.call.write && !r.notApplied)
	if !slices.Contains(s.endpoints, ep.name) {
		s.endpoints = append(s.endpoints, ep.name)
	}
	var refusal *Error
	if errors.As(r.err, &refusal) {
		s.refusal = r.err
	}
}

// final is the error of a call that ends with r. A refusal that may not last decides nothing
// while an earlier try may still be carried out, by a node that did not answer.
func (s *series) final(ep *endpoint, r result) error {
	if !s.unknown || s.call.decidedBy(r) {
		return r.err
	}
	s.failed(ep, r)
	return s.stop("a node refused it for the moment, and another one that did not answer may still carry it out", r.err, nil)
}

// next waits before another try; an error ends the call.
func (s *series) next(ctx context.Context, ep *endpoint, r result) error {
	s.failed(ep, r)
	r.err = s.reason(r)
	if err := ctx.Err(); err != nil {
		return s.ended(ctx, r.err)
	}
	switch policy := s.client.retry; {
	case !time.Now().Before(s.deadline):
		return s.ended(ctx, r.err)
	case s.call.once && s.unknown:
		return s.stop("it may have been applied, and a second try could undo what others changed since; check the state first", r.err, nil)
	case policy.MaxAttempts > 0 && s.tries >= policy.MaxAttempts:
		return s.stop("no further tries were allowed", r.err, nil)
	}
	if s.delays == nil {
		s.delays = fullJitter(s.client.retry)
	}
	after := s.waitFor(r)
	wait := s.delays.NextBackOff() + after
	if time.Now().Add(wait).After(s.deadline) && after > 0 {
		return s.stop("the service asked to wait for longer than the deadline allows", r.err, nil)
	}
	if !unsigned(r.err) && !s.client.budget.withdraw() {
		return s.stop("the budget of retries was spent", r.err, nil)
	}
	s.client.retrying(ctx, s.call, ep, s.tries, wait, r.err)
	if pause.For(ctx, min(wait, time.Until(s.deadline))) != nil || !time.Now().Before(s.deadline) {
		return s.ended(ctx, r.err)
	}
	return nil
}

// reason is why a call failed, after its last try. If the deadline cut that try short,
// its silence shows nothing about the node; the reason is then what a node answered
// before.
func (s *series) reason(r result) error {
	if r.cut && s.refusal != nil && (errors.Is(r.err, errSilent) || errors.Is(r.err, context.DeadlineExceeded)) {
		return s.refusal
	}
	return r.err
}

// unsigned reports whether a node refused only because no head that has been signed so far has the
// ballot. Nothing failed then: asking again costs no budget and says nothing against the node.
func unsigned(err error) bool { return errors.Is(err, CodeProofPending) }

// waitFor is how long the service asked the client to wait. A node that cannot answer
// now asks for itself alone: another node, not tried yet, may answer at once. "Too many
// requests" counts for all nodes, and so does a proof that is not there yet.
func (s *series) waitFor(r result) time.Duration {
	if !errors.Is(r.err, CodeTooManyRequests) && !unsigned(r.err) && len(s.endpoints) < len(s.client.nodes.all) {
		return 0
	}
	return r.retryAfter
}

// ended makes the error of a call whose time is over.
func (s *series) ended(ctx context.Context, cause error) error {
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return s.stop("the call was cancelled", cause, err)
	}
	return s.stop("the deadline passed", cause, context.DeadlineExceeded)
}

func (s *series) stop(why string, cause, ctxErr error) error {
	return &UnansweredError{
		Endpoints: s.endpoints, Attempts: s.tries, Unknown: s.unknown,
		Ended: why, Cause: cause, Context: ctxErr,
	}
}

// fullJitter returns delays that are uniform between zero and a bound that doubles. The
// library's interval is the middle, varied by its whole length. (M. Brooker,
// "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.)
func fullJitter(p RetryPolicy) *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     p.BaseDelay / 2,
		RandomizationFactor: 1,
		Multiplier:          2,
		MaxInterval:         p.MaxDelay / 2,
	}
	b.Reset()
	return b
}

func (c *Client) retrying(ctx context.Context, k *call, ep *endpoint, n int, wait time.Duration, err error) {
	if c.hooks.OnRetry != nil {
		c.hooks.OnRetry(ctx, Retry{Method: k.method, Path: k.escaped(), Endpoint: ep.name, Number: n, Wait: wait, Err: err})
	}
	if c.log != nil && c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.LogAttrs(ctx, slog.LevelDebug, "request is tried again", slog.String("endpoint", ep.name),
			slog.String("method", k.method), slog.String("path", k.escaped()), slog.Int("tries", n),
			slog.Duration("wait", wait), slog.Any("cause", err))
	}
}
