package trace

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options says which requests are traced and where their spans go. Endpoint is
// required.
type Options struct {
	// Endpoint is the base URL of an OTLP/HTTP receiver, to which /v1/traces is added.
	Endpoint string
	// Headers go with each delivery: KEY=VALUE,… with values percent-encoded, as in
	// OTEL_EXPORTER_OTLP_HEADERS.
	Headers string
	// Ratio is the share of requests, 0 to 1, that are traced if the client does not
	// decide.
	Ratio float64
	// Node and Version describe this process in deliveries.
	Node, Version string
	// Logger receives a line when deliveries begin to fail and when they work again.
	Logger *slog.Logger
	// Registry gets the count of spans.
	Registry prometheus.Registerer
}

const (
	// queueSpans is how many spans wait for delivery; further ones are dropped and
	// counted. At about 500 B each this is a megabyte.
	queueSpans = 2048
	// deliverySpans is the most that one delivery holds; it waits for them no longer
	// than deliverEvery.
	deliverySpans = 512
	deliverEvery  = time.Second
	// deliveryTimeout bounds one delivery; it is OTLP's default.
	deliveryTimeout = 10 * time.Second
	// maxAnswerBytes is how much of an answer is read.
	maxAnswerBytes = 64 << 10
	tracesPath     = "/v1/traces"
)

// Tracer makes spans and delivers them. A nil Tracer traces nothing. Ending a span
// never waits for delivery.
type Tracer struct {
	opts    Options
	url     string
	headers http.Header
	client  *http.Client
	queue   chan *Span

	sent, dropped, failed prometheus.Counter

	ctx    context.Context // ends when deliveries end
	cancel context.CancelFunc
	stop   chan struct{} // closed when no further spans will be queued
	done   chan struct{} // closed when deliver has ended
}

// New starts a tracer. Close ends it.
func New(o Options) (*Tracer, error) {
	target, err := receiver(o.Endpoint)
	if err != nil {
		return nil, err
	}
	headers, err := readHeaders(o.Headers)
	if err != nil {
		return nil, err
	}
	if !(o.Ratio >= 0 && o.Ratio <= 1) {
		return nil, fmt.Errorf("--trace-ratio must be between 0 and 1, not %v", o.Ratio)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Tracer{
		opts: o, url: target, headers: headers, queue: make(chan *Span, queueSpans),
		client: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_trace_spans_total", Help: "Spans of traces, by result: delivered, dropped because too many waited, or failed to be delivered.",
	}, []string{"result"})
	if o.Registry != nil {
		o.Registry.MustRegister(spans)
	}
	t.sent, t.dropped, t.failed = spans.WithLabelValues("delivered"), spans.WithLabelValues("dropped"), spans.WithLabelValues("failed")
	t.ctx, t.cancel = context.WithCancel(context.Background())
	go t.deliver()
	return t, nil
}

// receiver is the URL to which spans are sent.
func receiver(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("--otlp-endpoint: %q cannot be the address of an OpenTelemetry receiver; give a URL such as http://collector:4318", endpoint)
	}
	if !strings.HasSuffix(u.Path, tracesPath) {
		u.Path = strings.TrimSuffix(u.Path, "/") + tracesPath
	}
	return u.String(), nil
}

// readHeaders reads KEY=VALUE,… with percent-encoded values. Values are secrets and
// appear in no error.
func readHeaders(s string) (http.Header, error) {
	h := http.Header{}
	for pair := range strings.SplitSeq(s, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || strings.ContainsAny(key, " \t\"():;<>@/[]{}?\\") || err != nil || strings.ContainsAny(decoded, "\r\n") {
			return nil, fmt.Errorf("--otlp-headers must be KEY=VALUE,… with percent-encoded values; that of %q is not", key)
		}
		h.Set(key, decoded)
	}
	return h, nil
}

// Enter decides whether a request from outside is traced, and begins its span. The
// client's decision counts; without one, Ratio is the chance. It returns nil if the
// request is not traced.
func (t *Tracer) Enter(h http.Header) *Span {
	if t == nil {
		return nil
	}
	parent, ok := parentOf(h)
	if ok && !parent.Sampled || !ok && rand.Float64() >= t.opts.Ratio {
		return nil
	}
	s := &Span{tracer: t, context: parent, parent: parent.Span, kind: Server, start: time.Now()}
	if s.context.Span = newSpanID(); !ok {
		s.context = newRoot()
	}
	return s
}

// The headers of W3C Trace Context, as Go writes them.
const (
	HeaderParent = "Traceparent"
	HeaderState  = "Tracestate"
)

// parentOf reads the headers of W3C Trace Context. A tracestate that is too long or
// malformed is dropped, as §3.3.1 allows.
func parentOf(h http.Header) (c SpanContext, ok bool) {
	v := h[HeaderParent]
	if len(v) != 1 {
		return c, false
	}
	if c, ok = ParseTraceparent(v[0]); ok {
		if state := strings.Join(h[HeaderState], ","); len(state) <= maxStateBytes && !strings.ContainsFunc(state, unfit) {
			c.State = state
		}
	}
	return c, ok
}

func unfit(r rune) bool { return r < ' ' || r >= 0x7f }

// Set adds the headers to h that make s the parent of the receiver's work.
func (s *Span) Set(h http.Header) {
	if s == nil {
		return
	}
	h[HeaderParent] = []string{s.context.Traceparent()}
	if s.context.State != "" {
		h[HeaderState] = []string{s.context.State}
	}
}

// Parent returns the span that headers name, to be a parent; nil if it is not sampled.
func Parent(h http.Header) *Span {
	c, _ := parentOf(h)
	return Remote(c)
}
