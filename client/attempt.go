package client

import (
	"bytes"
	"context"
	"encoding/json"
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
	// cut: the call's deadline left this try less time than a node may take to answer.
	cut bool
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

// attempt is one try of a call at one endpoint.
type attempt struct {
	ep         *endpoint
	number     int // within the call, from 1
	start, end time.Time
	resp       *http.Response // nil if no answer came
	result     result
}

// try sends a call to one endpoint and reads the whole answer.
func (c *Client) try(ctx context.Context, k *call, ep *endpoint, n int, deadline time.Time) result {
	until := time.Now().Add(c.timeOf(k))
	cut := deadline.Before(until)
	if cut {
		until = deadline
	}
	limited, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	r := c.exchange(ctx, k, ep, k.request(limited, ep), n)
	r.cut = cut
	return r
}

// exchange sends the request of the n-th try, reads the whole answer and judges the
// endpoint by it. The request's context may end before ctx, the call's, does.
func (c *Client) exchange(ctx context.Context, k *call, ep *endpoint, req *http.Request, n int) result {
	a := attempt{ep: ep, number: n, start: time.Now()}
	got := c.carry(req)
	defer got.release()
	a.resp, a.result, a.end = got.resp, c.resultOf(ctx, k, ep, got), time.Now()
	a.result.meta.Attempts = n
	c.judge(ctx, k, &a)
	c.reportAttempt(ctx, k, &a)
	return a.result
}

// carried is what came of one request.
type carried struct {
	resp *http.Response
	err  error // no answer came
	body *buffer
	// short says why the body is not whole; nil if it is.
	short error
}

func (a carried) release() {
	if a.body != nil {
		a.body.release()
	}
}

// carry sends a request and reads the answer to its end, so that the connection can be
// used again. The caller releases what it returns.
func (c *Client) carry(req *http.Request) carried {
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return carried{err: err}
	}
	a := carried{resp: resp, body: takeBuffer()}
	a.short = a.body.readAll(resp.Body, maxAnswerBytes)
	_ = resp.Body.Close() // an error changes nothing here
	return a
}

// resultOf decodes what came of a try into the call.
func (c *Client) resultOf(ctx context.Context, k *call, ep *endpoint, a carried) result {
	if a.err != nil {
		return c.unanswered(ctx, ep, a.err)
	}
	return c.answeredWith(k, ep, a.resp, a.body.b, a.short)
}

// judge reports to the endpoint's breaker, and to the hedging, how a try ended.
func (c *Client) judge(ctx context.Context, k *call, a *attempt) {
	if a.resp != nil {
		c.hedging.answered(a.ep, k, a.start, !a.result.retry)
	}
	switch {
	case !a.result.retry || a.result.meta.Status == http.StatusTooManyRequests || unsigned(a.result.err):
		a.ep.breaker.succeeded() // any answer counts, a refusal too
	case ctx.Err() != nil:
		a.ep.breaker.abandoned()
	default:
		a.ep.breaker.failed()
	}
}

// reportAttempt calls the hook for attempts.
func (c *Client) reportAttempt(ctx context.Context, k *call, t *attempt) {
	if c.hooks.OnAttempt == nil {
		return
	}
	r := &t.result
	a := Attempt{
		Method: k.method, Path: k.escaped(), Endpoint: t.ep.name, Number: t.number, Start: t.start, End: t.end,
		Status: r.meta.Status, Node: r.meta.Node, Replayed: r.meta.Replayed, Err: r.err,
	}
	if t.resp != nil {
		a.Header = t.resp.Header
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
		err = fmt.Errorf("%s did not answer in time: %w", ep.name, errSilent)
	}
	if m := misdirectedBy(ep, err); m != nil {
		return result{meta: Meta{Endpoint: ep.name}, err: m, retry: true, notApplied: true}
	}
	return result{meta: Meta{Endpoint: ep.name}, err: err, retry: true, notApplied: neverSent(err)}
}

// errSilent replaces the deadline error of a single try, which must not look
// like the end of the caller's context.
var errSilent = errors.New("the attempt timed out")

// neverSent reports whether an error says that no connection was made.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// answered reads an answer to its end, so that the connection can be used again.
func (c *Client) answered(k *call, ep *endpoint, resp *http.Response) result {
	buf := takeBuffer()
	defer buf.release()
	err := buf.readAll(resp.Body, maxAnswerBytes)
	_ = resp.Body.Close() // an error changes nothing here
	return c.answeredWith(k, ep, resp, buf.b, err)
}

// answeredWith is the result of an answer with this body; err says why it is not whole.
func (c *Client) answeredWith(k *call, ep *endpoint, resp *http.Response, body []byte, err error) result {
	r := result{meta: metaOf(ep, resp)}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		if err == nil {
			err = accept(k, resp, body)
		}
		var unreadable *UnreadableError
		switch {
		case err == nil:
		case errors.As(err, &unreadable):
			unreadable.Endpoint, unreadable.Status = ep.name, resp.StatusCode
			r.err = unreadable
		default:
			r.err = fmt.Errorf("%s answered %d, but %w", ep.name, resp.StatusCode, err)
			r.retry = !errors.Is(err, errForeign) && !errors.Is(err, errTooLarge)
		}
		return r
	}
	if m := misanswered(ep, resp, body); m != nil {
		r.err, r.retry, r.notApplied = m, true, true
		return r
	}
	// A refusal cut short still has its status.
	e := problemOf(resp, body, ep)
	r.err, r.retryAfter = e, e.RetryAfter
	r.retry = e.transient()
	r.notApplied = e.notApplied()
	return r
}

var (
	errForeign  = errors.New("this is not an answer of this service")
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
	err := k.into.decode(body)
	switch {
	case err == nil:
		return nil
	case k.mediaType == "" && json.Valid(body):
		return &UnreadableError{Cause: err}
	}
	return fmt.Errorf("the body cannot be read: %w", err) // it was cut short on its way
}

// isJSON reports whether a media type is JSON.
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
	if age, err := strconv.ParseFloat(first(resp.Header, "Voted-Age"), 64); err == nil {
		m.Age = time.Duration(age * float64(time.Second))
	}
	m.Index, _ = strconv.ParseUint(first(resp.Header, "Voted-Index"), 10, 64)
	return m
}

// etagNumber reads "7" (with its quotes); 0 if s is something else.
func etagNumber(s string) uint64 {
	n, _ := strconv.ParseUint(strings.Trim(strings.TrimPrefix(s, "W/"), `"`), 10, 64)
	return n
}

// drainAndClose reads the rest of a short answer, so that its connection can be used
// again.
func drainAndClose(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxProblemBytes)
	_ = body.Close()
}
