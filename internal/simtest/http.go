package simtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/api"
	"voted/internal/server/backend"
)

const (
	// lostHTTP is the share of requests whose connection breaks after the work was
	// done, in addition to the weather.
	lostHTTP = 0.02
	// httpPort is where a member's API listens; its peer port is another one.
	httpPort = ":8080"
)

// serve makes the API of a process at its first use.
func (c *Cluster) serve(p *process) func() http.Handler {
	return sync.OnceValue(func() http.Handler {
		var member api.Cluster = backend.Member{Node: p.node}
		if bug := c.settings.backendBug; bug != nil {
			member = bug(member)
		}
		var h http.Handler = api.New(member, api.Options{
			Logger: c.logger.With("node", p.member.id), Registry: prometheus.NewRegistry(), Version: "sim",
		})
		if bug := c.settings.apiBug; bug != nil {
			h = bug(h)
		}
		return h
	})
}

// wire carries HTTP between a client and the members. The client is at the place of one
// member: a cut between that member and others is also between the client and them.
type wire struct {
	c    *Cluster
	home string // the address of that member
}

// RoundTrip implements http.RoundTripper. A process that is down refuses connections; a
// cut means silence until the request's time is up; a connection may break before or
// after the work was done.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close() // it is in memory
	}
	type result struct {
		answer *http.Response
		err    error
	}
	back := make(chan result, 1)
	header := r.Header.Clone() // the request may arrive after its sender has left
	w.c.net.courier(func() {
		answer, err := w.exchange(r.Context(), r, header, body)
		back <- result{answer, err}
	})
	select {
	case got := <-back:
		return got.answer, got.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// exchange carries one request to a member and its answer back. It may last longer than
// the sender waits.
func (w *wire) exchange(ctx context.Context, r *http.Request, header http.Header, body []byte) (*http.Response, error) {
	n := w.c.net
	id := strings.TrimSuffix(r.URL.Host, httpPort)
	there, back := way{w.home, address(id)}, way{address(id), w.home}
	n.travel()
	if !n.pass(context.Background(), there, retransmission) || n.draw.chance(n.now().LostRequest) {
		n.lost.Add(1)
		return nil, errBroken
	}
	if ctx.Err() != nil && n.draw.chance(0.5) {
		return nil, ctx.Err() // lost with the connection; otherwise the request arrives late
	}
	p := w.c.at(id)
	if p == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	answer, err := w.c.answer(ctx, p, r, header, body)
	if err != nil || p.ctx.Err() != nil || n.draw.chance(n.now().LostAnswer) || n.draw.chance(lostHTTP) {
		n.lost.Add(1)
		return nil, errBroken
	}
	n.travel()
	if !n.pass(context.Background(), back, retransmission) {
		return nil, errBroken
	}
	return answer, nil
}

// at returns the process of a member, nil if none runs.
func (c *Cluster) at(id string) *process {
	if m := c.find(id); m != nil {
		return m.process()
	}
	return nil
}

// answer makes a process serve a request. In half of the cases the process notices that
// the sender has left; it always notices its own end.
func (c *Cluster) answer(ctx context.Context, p *process, r *http.Request, header http.Header, body []byte) (answer *http.Response, err error) {
	hctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	if c.net.draw.chance(0.5) {
		defer context.AfterFunc(ctx, cancel)()
	}
	in := (&http.Request{
		Method: r.Method, URL: &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: r.URL.Host, RemoteAddr: "192.0.2.1:9",
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		RequestURI: r.URL.RequestURI(),
	}).WithContext(hctx)
	defer func() {
		if fault := recover(); fault != nil {
			if fault != http.ErrAbortHandler {
				panic(fault)
			}
			err = errBroken
		}
	}()
	c.counts.requests.Add(1)
	out := httptest.NewRecorder()
	p.api().ServeHTTP(out, in)
	answer = out.Result()
	// A process whose disk has failed is about to end; its answers promise nothing.
	if answer.StatusCode == http.StatusInternalServerError && p.ctx.Err() == nil && p.node.Failure() == nil {
		c.fail("O8: %s answered %s %s with 500: %s", p.member.id, r.Method, r.URL.Path, out.Body)
	}
	return answer, nil
}
