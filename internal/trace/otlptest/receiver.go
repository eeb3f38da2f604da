// Package otlptest is an OTLP receiver for tests. It reads deliveries with the code
// that is generated from OpenTelemetry's own definitions.
package otlptest

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a delivered span.
type Span struct {
	*tracev1.Span
	Node       string         // that delivered it
	Attributes map[string]any // texts and int64s
}

// ID and Parent are span ids in hexadecimal; empty: none.
func (s Span) ID() string { return hex.EncodeToString(s.GetSpanId()) }

// Parent is like ID.
func (s Span) Parent() string { return hex.EncodeToString(s.GetParentSpanId()) }

// Trace is the trace's id.
func (s Span) Trace() string { return hex.EncodeToString(s.GetTraceId()) }

// Receiver receives deliveries at its URL.
type Receiver struct {
	URL string

	mu     sync.Mutex
	spans  []Span                                       // guarded by mu
	header http.Header                                  // guarded by mu: of the last delivery
	answer func(w http.ResponseWriter, r *http.Request) // guarded by mu; nil: all are accepted
}

// New starts a receiver that ends with the test.
func New(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, q)
			return
		}
		if err := r.take(q); err != nil {
			t.Errorf("a delivery cannot be read: %v", err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// Answer sets a function that answers deliveries instead of accepting them; nil: they
// are accepted.
func (r *Receiver) Answer(f func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *Receiver) take(q *http.Request) error {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return err
	}
	var m collector.ExportTraceServiceRequest
	if err := (proto.UnmarshalOptions{}).Unmarshal(body, &m); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = q.Header.Clone()
	r.header.Set("Path", q.URL.Path)
	for _, from := range m.ResourceSpans {
		node := ""
		for _, a := range from.Resource.Attributes {
			if a.Key == "service.instance.id" {
				node = a.Value.GetStringValue()
			}
		}
		for _, scope := range from.ScopeSpans {
			for _, s := range scope.Spans {
				got := Span{Span: s, Node: node, Attributes: map[string]any{}}
				for _, a := range s.Attributes {
					got.Attributes[a.Key] = a.Value.GetIntValue()
					if text := a.Value.GetStringValue(); text != "" {
						got.Attributes[a.Key] = text
					}
				}
				r.spans = append(r.spans, got)
			}
		}
	}
	return nil
}

// Spans returns what was accepted so far.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Header returns the headers of the last delivery, and its path as Path.
func (r *Receiver) Header() http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.header
}
