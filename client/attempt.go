package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// result is how one try ended.
type result struct {
	meta Meta
	err  error
	// retry: another try may succeed. notApplied: this one certainly changed nothing.
	retry, notApplied bool
	retryAfter        time.Duration
}

// outgoing keeps what a request points to in one allocation.
type outgoing struct {
	url  url.URL
	body reader
}

// reader is a request body in memory.
type reader struct{ bytes.Reader }

// Close implements io.Closer; there is nothing to free.
func (*reader) Close() error { return nil }

// request makes the HTTP request of a call at an endpoint.
func (k *call) request(ctx context.Context, ep *endpoint) *http.Request {
	out := &outgoing{url: ep.url(k.path, k.raw, k.query)}
	req := &http.Request{
		Method: k.method, URL: &out.url, Host: ep.host, Header: k.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if k.body != nil {
		out.body.Reset(k.body)
		req.Body = &out.body
		req.ContentLength = int64(len(k.body))
	}
	return req.WithContext(ctx)
}

// try sends a call to one endpoint and reads the whole answer.
func (c *Client) try(ctx context.Context, k *call, ep *endpoint, n int, deadline time.Time) result {
	until := time.Now().Add(c.attemptTimeout)
	if deadline.Before(until) {
		until = deadline
	}
	attempt, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return c.exchange(ctx, k, ep, k.request(attempt, ep), n)
}

// exchange sends the request of the n-th try, reads the whole answer and judges the
// endpoint by it. The request's context may end before ctx, the call's, does.
func (c *Client) exchange(ctx context.Context, k *call, ep *endpoint, req *http.Request, n int) result {
	start := time.Now()
	resp, err := c.transport.RoundTrip(req)
	var r result
	if err != nil {
		r = c.unanswered(ctx, ep, err)
	} else {
		r = c.answered(k, ep, resp)
	}
	r.meta.Attempts = n
	c.judge(ctx, ep, r)
	if c.hooks.OnAttempt != nil {
		c.reportAttempt(ctx, k.method, k.escaped(), ep, n, start, resp, r)
	}
	return r
}

// judge tells the endpoint's breaker how a try ended.
func (c *Client) judge(ctx context.Context, ep *endpoint, r result) {
	switch {
	case !r.retry || r.meta.Status == http.StatusTooManyRequests:
		ep.breaker.succeeded() // it answered, if only to say no
	case ctx.Err() != nil:
		ep.breaker.abandoned()
	default:
		ep.breaker.failed()
	}
}

func (c *Client) reportAttempt(ctx context.Context, method, path string, ep *endpoint, n int, start time.Time,
	resp *http.Response, r result,
) {
	a := Attempt{
		Method: method, Path: path, Endpoint: ep.name, Number: n, Start: start, End: time.Now(),
		Status: r.meta.Status, Node: r.meta.Node, Replayed: r.meta.Replayed, Err: r.err,
	}
	if resp != nil {
		a.Header = resp.Header
	}
	var e *Error
	if errors.As(r.err, &e) {
		a.Code = e.Code
	}
	c.hooks.OnAttempt(ctx, a)
}

// unanswered is the result of a try to which no answer came.
func (c *Client) unanswered(ctx context.Context, ep *endpoint, err error) result {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%s did not answer within %v: %w", ep.name, c.attemptTimeout, errSilent)
	}
	return result{meta: Meta{Endpoint: ep.name}, err: err, retry: true, notApplied: neverSent(err)}
}

// errSilent replaces the deadline error of a single try, which must not look
// like the end of the caller's context.
var errSilent = errors.New("the attempt timed out")

// neverSent tells whether an error says that no connection was made.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// answered reads an answer to its end, so that the connection can be used again.
func (c *Client) answered(k *call, ep *endpoint, resp *http.Response) result {
	buf := takeBuffer()
	defer buf.release()
	r := result{meta: metaOf(ep, resp)}
	err := buf.readAll(resp.Body, maxAnswerBytes)
	_ = resp.Body.Close() // nothing is left to learn from it
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		if err == nil {
			err = accept(k, resp, buf.b)
		}
		if err != nil {
			r.err = fmt.Errorf("%s answered %d, but %w", ep.name, resp.StatusCode, err)
			r.retry = !errors.Is(err, errForeign) && !errors.Is(err, errTooLarge)
		}
		return r
	}
	// A refusal cut short still has its status.
	e := problemOf(resp, buf.b, ep)
	r.err, r.retryAfter = e, e.RetryAfter
	r.retry = e.transient()
	r.notApplied = e.notApplied()
	return r
}

var (
	errForeign  = errors.New("what came is not an answer of this service")
	errTooLarge = errors.New("the answer is larger than this client accepts")
)

// accept decodes the body of a success.
func accept(k *call, resp *http.Response, body []byte) error {
	if k.into == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	t := first(resp.Header, "Content-Type")
	if k.mediaType != "" {
		if !strings.HasPrefix(t, k.mediaType) {
			return fmt.Errorf("with %q where %s was expected; check that the endpoint is a node: %w", t, k.mediaType, errForeign)
		}
	} else if !isJSON(t) {
		return fmt.Errorf("with %q where JSON was expected; check that the endpoint is a node: %w", t, errForeign)
	}
	if err := k.into.decode(body); err != nil {
		return fmt.Errorf("the body cannot be read: %w", err)
	}
	return nil
}

// isJSON tells whether a media type is JSON.
func isJSON(mediaType string) bool {
	t, _, _ := strings.Cut(mediaType, ";")
	t = strings.TrimSpace(t)
	return t == "application/json" || strings.HasSuffix(t, "+json")
}

// first is Header.Get for names that are written canonically.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func metaOf(ep *endpoint, resp *http.Response) Meta {
	m := Meta{
		Status: resp.StatusCode, Endpoint: ep.name,
		Node: first(resp.Header, "Voted-Node"), Leader: first(resp.Header, "Voted-Leader"),
		Replayed: first(resp.Header, "Idempotent-Replayed") == "true",
		Version:  etagNumber(first(resp.Header, "Etag")),
	}
	m.Index, _ = strconv.ParseUint(first(resp.Header, "Voted-Index"), 10, 64)
	return m
}

// etagNumber reads "7" (with its quotes); 0 where it is something else.
func etagNumber(s string) uint64 {
	n, _ := strconv.ParseUint(strings.Trim(strings.TrimPrefix(s, "W/"), `"`), 10, 64)
	return n
}

// drainAndClose lets the connection of a short answer be used again.
func drainAndClose(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxProblemBytes)
	_ = body.Close()
}
