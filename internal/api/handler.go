package api

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/refusal"
	"voted/internal/trace"
)

// Options configures a Handler. The zero value of a field means its default.
type Options struct {
	// RequestTimeout is how long a request is held at most; default 10 s.
	// Streams are not bounded by it, but each of their steps is.
	RequestTimeout time.Duration
	// Logger gets unexpected errors, and at debug level every request; default slog.Default.
	Logger *slog.Logger
	// Registry gets the metrics, and /metrics shows it; default a new one.
	Registry *prometheus.Registry
	// Version is the program's, for the metric voted_build_info.
	Version string
	// Rand is the source of poll ids, salts and request ids; default crypto/rand.
	Rand io.Reader
	// MaxStreams is how many live result streams are served; default 10,000.
	MaxStreams int
	// MaxBulk is how many bulk uploads are served at once; default 64. Each may
	// hold two chunks of ballots in memory.
	MaxBulk int
	// Auth proves who sends a request; nil: everyone may do everything.
	Auth Authenticator
	// Audit records admin actions; nil: they are not recorded.
	Audit Auditor
	// Prover gives out proofs of what was counted; nil: this member keeps no logs.
	Prover Prover
	// Webhooks has the keys of webhooks and sends; nil: this node was given no key file.
	Webhooks Webhooks
	// PublicLogs lets everybody read the logs of polls.
	PublicLogs bool
	// Tracer traces requests; nil: none are.
	Tracer *trace.Tracer
	// Limits are how much of this node one client may take; default: no rates.
	Limits Limits
	// Origins are the origins whose pages may call the API from a browser, each written as
	// browsers write it; default: only the node's own.
	Origins []string
	// Chronicle is what this node did and saw lately; nil: it keeps no history.
	Chronicle Chronicle
	// Elsewhere asks the other members; nil: there are none.
	Elsewhere Elsewhere
	// Hosts are the names by which the node may be called; nil: any. Nodes without TLS and
	// credentials need them.
	Hosts *Hosts
}

// Handler serves the API. Its methods may be called concurrently.
type Handler struct {
	cluster   Cluster
	timeout   time.Duration
	log       *slog.Logger
	rand      io.Reader
	router    *mux.Router
	unmatched *endpoint
	ballots   *endpoint // of one voter's ballot
	metrics   *metrics
	registry  *prometheus.Registry
	tallies   *tallies
	tellers   *tellers
	repeats   repeats
	sums      sums
	shared    sharedLook
	watched   clusterEvents
	chronicle Chronicle     // nil: there is none
	elsewhere Elsewhere     // nil: there are no others
	tracer    *trace.Tracer // nil: nothing is traced

	webhooks   Webhooks // nil: they are off
	prover     Prover   // nil: no logs are kept
	publicLogs bool
	closings   closings

	node       []string // the value of Voted-Node, shared by all responses
	lastLeader atomic.Pointer[[]string]
	ids        *trace.IDs // of requests that come without one

	streams, bulks  slots
	restores        slots
	pace, heartbeat time.Duration
	stall           time.Duration
	draining        context.Context
	drain           context.CancelFunc
	access          access
	browser         browser
}

// New makes the handler of a member. It panics if o.Rand fails, o.Registry has metrics of
// the same names, or o.Origins holds a string that is no origin: all are faults of the
// caller.
func New(c Cluster, o Options) *Handler {
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = defaultRequestTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = defaultMaxStreams
	}
	if o.MaxBulk <= 0 {
		o.MaxBulk = defaultMaxBulk
	}
	h := &Handler{
		cluster: c, timeout: o.RequestTimeout, log: o.Logger, rand: o.Rand,
		metrics: newMetrics(o.Registry, o.Version), registry: o.Registry,
		tracer:   o.Tracer,
		webhooks: o.Webhooks, prover: o.Prover, publicLogs: o.PublicLogs, chronicle: o.Chronicle, elsewhere: o.Elsewhere,
		sums:    sums{polls: map[string]*sum{}},
		node:    []string{c.ID()},
		streams: slots{limit: int64(o.MaxStreams)}, bulks: slots{limit: int64(o.MaxBulk)}, restores: slots{limit: 1},
		pace: streamPace, heartbeat: streamHeartbeat, stall: bulkStall,
		browser: newBrowser(o),
	}
	h.access = access{
		auth: o.Auth, audit: o.Audit, shares: newShares(o.MaxBulk),
		addresses: newLimiter("address", o.Limits.PerAddress), clients: newLimiter("client", o.Limits.PerClient),
	}
	h.draining, h.drain = context.WithCancel(context.Background())
	h.tallies = newTallies(h.count, o.Logger)
	h.tellers = &tellers{h: h, polls: map[string]*teller{}}
	prefix, err := h.madeID()
	if err != nil {
		panic("api: the source of random bytes failed: " + err.Error())
	}
	h.ids = trace.NewIDs(prefix[:12] + "-")
	h.repeats.run, h.repeats.since = prefix, time.Now().UTC()
	h.route()
	return h
}

// Drain turns readiness off and ends long streams cleanly: live results close, and bulk
// uploads end with the line from which to go on. Other requests are served as before. It
// may be called more than once.
func (h *Handler) Drain() { h.drain() }

// Close drains, and returns when the tallies that are being made are done. Results that
// would need another one are answered as unavailable from then on.
func (h *Handler) Close() {
	h.drain()
	h.tellers.close()
	h.tallies.close()
}

// madeID draws 128 bits and writes them as 26 lowercase letters and digits.
func (h *Handler) madeID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(h.rand, b[:]); err != nil {
		return "", err
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])), nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := &response{ResponseWriter: rw, h: h, began: time.Now(), id: h.requestID(r), endpoint: h.unmatched}
	w.ctx = trace.Context{Context: r.Context(), Carried: trace.Carried{ID: w.id, Span: h.tracer.Enter(r.Header)}}
	w.meter = h.unmatched.other
	h.metrics.inFlight.Inc()
	defer h.finish(w, r)
	w.begin()
	if err := h.browser.check(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	if h.access.auth == nil {
		w.identify()
	}
	if e := h.shortcut(r); e != nil {
		e.ServeHTTP(w, r)
		return
	}
	h.router.ServeHTTP(w, r)
}

// finish ends every request: it turns a panic into a problem, counts and logs.
func (h *Handler) finish(w *response, r *http.Request) {
	fault := recover()
	if fault != nil && fault != http.ErrAbortHandler {
		h.log.Error("request panicked", "request_id", w.id, "route", w.endpoint.template, "method", r.Method,
			"panic", fault, "stack", string(debug.Stack()))
		if w.status == 0 {
			w.problem(&refusal.Error{Code: refusal.Internal})
			fault = nil
		}
	}
	h.metrics.inFlight.Dec()
	took := time.Since(w.began)
	span := w.ctx.Carried.Span
	w.meter.observe(w.status, took, span)
	if span != nil {
		w.endSpan(span, r)
	}
	if h.log.Enabled(r.Context(), slog.LevelDebug) {
		// The path is not logged: it names voters.
		h.log.Debug("request", "request_id", w.id, "route", w.endpoint.template, "method", r.Method,
			"status", w.status, "bytes", w.written, "took", took)
	}
	if fault != nil {
		// The part that was sent must not look like a complete answer.
		panic(http.ErrAbortHandler)
	}
}

// untraced are requested all the time; their traces would show nothing.
var untraced = map[string]bool{"/livez": true, "/readyz": true, "/metrics": true}

// endSpan names the span by the route, since the path names voters, and ends it.
func (w *response) endSpan(span *trace.Span, r *http.Request) {
	template := w.endpoint.template
	if untraced[template] {
		return
	}
	method := "other"
	if w.endpoint.actions[r.Method] != nil {
		method = r.Method
	}
	span.Rename(method + " " + template)
	span.Text("http.request.method", method)
	span.Text("http.route", template)
	span.Number("http.response.status_code", int64(w.status))
	span.Text("voted.request_id", w.id)
	if w.status >= http.StatusInternalServerError {
		span.Fail(errors.New(http.StatusText(w.status)))
	}
	span.End()
}

// requestID takes over the client's id of a request if it is fit for a log.
func (h *Handler) requestID(r *http.Request) string {
	if v := r.Header["X-Request-Id"]; len(v) == 1 && trace.ValidID(v[0]) {
		return v[0]
	}
	return h.ids.Next()
}

// deadline gives a request's context its deadline.
func (h *Handler) deadline(w *response, r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(&w.ctx, h.timeFor(r))
}

// timeFor is how long a request may take, or each step of a stream. The client's Prefer:
// wait can only shorten it.
func (h *Handler) timeFor(r *http.Request) time.Duration {
	if v := r.Header["Prefer"]; len(v) > 0 {
		if wait, ok := preferredWait(v); ok && wait < h.timeout {
			return wait
		}
	}
	return h.timeout
}

// sync makes the reads that follow linearizable.
func (h *Handler) sync(ctx context.Context) error {
	return inTime(h.cluster.Sync(ctx), refusal.Unavailable)
}

// inTime gives a code to an error without one that means that the deadline passed.
func inTime(err error, code refusal.Code) error {
	if err == nil {
		return nil
	}
	var refused *refusal.Error
	if errors.As(err, &refused) || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	detail := "The cluster did not answer in time; nothing was applied. Send the request again."
	if code == refusal.OutcomeUnknown {
		detail = "The cluster did not confirm in time whether this was applied. Send the same request again: it is applied at most once."
	}
	return &refusal.Error{Code: code, Detail: detail, Cause: err}
}

// slots bounds how many of something are served at once.
type slots struct {
	limit int64
	taken atomic.Int64
}

// take reports whether there was room; if so, the caller must call give.
func (s *slots) take() bool {
	if s.taken.Add(1) <= s.limit {
		return true
	}
	s.taken.Add(-1)
	return false
}

func (s *slots) give() { s.taken.Add(-1) }
