package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/trace"
)

// echo is a backend that counts every ballot at no cost, so that benchmarks see
// the handler alone.
type echo struct {
	*backend
	outcomes []poll.Outcome
}

func (echo) CastUntil(context.Context, time.Time, *poll.Ballot) (poll.Outcome, error) {
	return poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: 1, Version: 1, Index: 2, CastAt: noon}}, nil
}

func (e echo) CastMany(_ context.Context, b []poll.Ballot) ([]poll.Outcome, error) {
	return e.outcomes[:len(b)], nil
}

func benchHandler(b *testing.B, tracer *trace.Tracer) *Handler {
	b.Helper()
	e := echo{newBackend(), make([]poll.Outcome, maxChunkBallots)}
	for i := range e.outcomes {
		e.outcomes[i] = poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: uint32(i + 1), Version: 1}}
	}
	h := New(e, Options{Logger: slog.New(slog.DiscardHandler), Tracer: tracer})
	b.Cleanup(h.Drain)
	d := poll.Definition{ID: "p", Options: []poll.Option{{ID: "ann"}, {ID: "bo"}}, MinSelections: 1, Revote: poll.RevoteUntilClose}.WithDefaults()
	if r, err := h.cluster.Execute(b.Context(), poll.Create{Definition: d}); err != nil || r.Err != nil {
		b.Fatal(err, r.Err)
	}
	return h
}

// sink is a response that is thrown away.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

type body struct{ bytes.Reader }

func (*body) Close() error { return nil }

func BenchmarkPutBallot(b *testing.B) { benchPutBallot(b, nil) }

// BenchmarkPutBallotTraced is what tracing costs at shares of the requests.
func BenchmarkPutBallotTraced(b *testing.B) {
	for _, ratio := range []float64{0, 0.01, 1} {
		b.Run(strconv.FormatFloat(ratio, 'g', -1, 64), func(b *testing.B) {
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			defer receiver.Close()
			t, err := trace.New(trace.Options{Endpoint: receiver.URL, Ratio: ratio})
			if err != nil {
				b.Fatal(err)
			}
			defer t.Close(context.Background())
			benchPutBallot(b, t)
		})
	}
}

func benchPutBallot(b *testing.B, tracer *trace.Tracer) {
	h := benchHandler(b, tracer)
	in := new(body)
	r := &http.Request{
		Method: "PUT", URL: &url.URL{Path: "/v1/polls/p/ballots/voter-000017"}, Body: in, ContentLength: int64(len(forAnn)),
		Header: http.Header{"Content-Type": {mediaJSON}},
	}
	ctx, cancel := context.WithCancel(context.Background()) // as net/http gives each request one
	defer cancel()
	r = r.WithContext(ctx)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in.Reset([]byte(forAnn))
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	if w.status != 201 {
		b.Fatalf("status %d", w.status)
	}
}

func BenchmarkBulkLine(b *testing.B) {
	h := benchHandler(b, nil)
	var lines []byte
	for i := range 10_000 {
		lines = append(lines, `{"voter":"voter-`+strconv.Itoa(i)+`","selections":["ann"]}`+"\n"...)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(lines) / 10_000))
	for n := 0; n < b.N; n += 10_000 {
		w := &sink{header: http.Header{}}
		h.ServeHTTP(w, &http.Request{
			Method: "POST", URL: &url.URL{Path: "/v1/polls/p/ballots"}, Body: io.NopCloser(bytes.NewReader(lines)), ContentLength: -1,
			Header: http.Header{"Content-Type": {mediaNDJSON}},
		})
		if w.status != 200 {
			b.Fatalf("status %d", w.status)
		}
	}
}
