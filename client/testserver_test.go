package client_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"voted/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const receiptJSON = `{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":7,"index":12,"cast_at":"2026-12-01T08:00:03.125Z"}`

// inProcess is a transport that calls a function instead of using a socket, so that
// virtual time can run.
type inProcess func(*http.Request) (*http.Response, error)

func (f inProcess) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond makes an answer from a handler.
func respond(r *http.Request, h http.HandlerFunc) *http.Response {
	rec := httptest.NewRecorder()
	h(rec, r)
	return rec.Result()
}

func answerJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Voted-Node", "n1")
	w.Header().Set("Voted-Leader", "n2")
	w.Header().Set("Voted-Index", "12")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func answerProblem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"title":"T","detail":"D","code":"`+code+`","request_id":"r1","errors":[{"field":"f","detail":"x"}]}`)
}

// serve starts a server that ends with the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// hangUp cuts the connection of a request without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// refusedPort returns an endpoint where no process listens.
func refusedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// unhedged is for tests that count tries in real time: on a busy machine any call may be
// slow enough for a hedge.
func unhedged() client.Option { return client.WithHedging(client.HedgePolicy{Off: true}) }

func newClient(t testing.TB, nodes []string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(nodes, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// recorder keeps every attempt.
type recorder struct {
	mu  sync.Mutex
	all []client.Attempt
}

func (r *recorder) hooks() client.Hooks {
	return client.Hooks{OnAttempt: func(_ context.Context, a client.Attempt) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, a)
	}}
}

func (r *recorder) attempts() []client.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]client.Attempt(nil), r.all...)
}
