package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// stream is an answer that is read as it arrives. Whoever opens it must close it.
type stream struct {
	ep     *endpoint
	resp   *http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	dog    *watchdog
	spoke  bool // anything was read
}

// watchdog calls a function if it is not fed for a while.
type watchdog struct {
	timer *time.Timer
	after time.Duration
}

func newWatchdog(d time.Duration, bark func()) *watchdog {
	return &watchdog{timer: time.AfterFunc(d, bark), after: d}
}

func (w *watchdog) feed() { w.timer.Reset(w.after) }

// tryStream is try for a call whose answer is a stream. On success the call holds the
// open stream, and only the header has arrived.
func (c *Client) tryStream(ctx context.Context, k *call, ep *endpoint, n int) result {
	start := time.Now()
	own, cancel := context.WithCancelCause(ctx)
	s := &stream{ep: ep, ctx: own, cancel: cancel}
	s.dog = newWatchdog(c.attemptTimeout, func() { cancel(errSilent) })
	resp, err := c.transport.RoundTrip(k.request(own, ep))
	r := c.streamResult(ctx, k, s, resp, err)
	r.meta.Attempts = n
	if r.err != nil {
		s.dog.timer.Stop()
		cancel(nil)
	} else {
		s.dog.after = c.silence
		s.dog.feed()
		k.opened = s
	}
	done := attempt{ep: ep, number: n, start: start, end: time.Now(), resp: resp, result: r}
	c.judge(ctx, k, &done)
	c.reportAttempt(ctx, k, &done)
	return r
}

func (c *Client) streamResult(ctx context.Context, k *call, s *stream, resp *http.Response, err error) result {
	if err != nil {
		return c.unanswered(ctx, s.ep, s.explain(err))
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.answered(k, s.ep, resp)
	}
	s.resp = resp
	r := result{meta: metaOf(s.ep, resp)}
	if t := first(resp.Header, "Content-Type"); k.mediaType != "" && !strings.HasPrefix(t, k.mediaType) {
		drainAndClose(resp.Body)
		r.err = fmt.Errorf("%s answered with %q where %s was expected; check that the endpoint is a node: %w",
			s.ep.name, t, k.mediaType, errForeign)
	}
	return r
}

// explain replaces the transport's error for a stream that this side ended.
func (s *stream) explain(err error) error {
	if errors.Is(context.Cause(s.ctx), errSilent) {
		return fmt.Errorf("%s was silent for too long: %w", s.ep.name, errSilent)
	}
	return err
}

// Read implements io.Reader. An end before the stream's proper end is an error.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.resp.Body.Read(p)
	if n > 0 {
		s.spoke = true
		s.dog.feed()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.explain(err)
	}
	return n, err
}

// close ends the stream. If not all was read, its connection is closed, too.
func (s *stream) close() {
	s.dog.timer.Stop()
	s.cancel(nil)
	_ = s.resp.Body.Close() // an error changes nothing here
}
