package client

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// RetryPolicy says how often and how fast a call is tried again. The zero
// value of each field stands for its default.
type RetryPolicy struct {
	// MaxAttempts bounds the tries of a call; 0: until its deadline.
	MaxAttempts int
	// BaseDelay bounds the first delay (25 ms); the bound doubles with each try up
	// to MaxDelay (2 s). The delay is uniform between zero and the bound ("full
	// jitter"), on top of what Retry-After asks.
	BaseDelay, MaxDelay time.Duration
	// BudgetRatio is the share of calls that may be retries (0.2), beside
	// BudgetPerSecond (10). Unused retries are saved up to BudgetBurst (1,000). A
	// negative ratio lifts the limit.
	BudgetRatio     float64
	BudgetPerSecond float64
	BudgetBurst     int
	// BreakerFailures in a row keep calls away from an endpoint (5) for
	// BreakerCooldown (1 s), as long as another one is left.
	BreakerFailures int
	BreakerCooldown time.Duration
}

// withDefaults fills in what was left out.
func (p RetryPolicy) withDefaults() RetryPolicy {
	p.BaseDelay = orDefault(p.BaseDelay, defaultBaseDelay)
	p.MaxDelay = max(orDefault(p.MaxDelay, defaultMaxDelay), p.BaseDelay)
	p.BudgetRatio = orDefault(p.BudgetRatio, defaultBudgetRatio)
	p.BudgetPerSecond = orDefault(p.BudgetPerSecond, defaultBudgetPerSecond)
	p.BudgetBurst = orDefault(p.BudgetBurst, defaultBudgetBurst)
	p.BreakerFailures = orDefault(p.BreakerFailures, defaultBreakerFailures)
	p.BreakerCooldown = orDefault(p.BreakerCooldown, defaultBreakerCooldown)
	return p
}

func orDefault[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// settings is what the options of New add up to.
type settings struct {
	transport      http.RoundTripper
	tls            *tls.Config
	connections    int
	token          func() string
	retry          RetryPolicy
	attemptTimeout time.Duration
	deadline       time.Duration
	silence        time.Duration
	spread         bool
	hooks          Hooks
	log            *slog.Logger
	userAgent      string
}

func defaults() settings {
	return settings{
		connections:    defaultConnections,
		attemptTimeout: defaultAttemptTimeout,
		deadline:       defaultDeadline,
		silence:        streamSilence,
		userAgent:      "voted-client/1",
	}
}

// Option changes a setting of New.
type Option func(*settings)

// WithTransport sends requests through t instead of a transport of the
// client's own. Redirects are never followed, whatever t is. Each try's request has
// the context of its call: a transport that traces, such as otelhttp's, can add the
// caller's traceparent to a copy of it.
func WithTransport(t http.RoundTripper) Option { return func(s *settings) { s.transport = t } }

// WithHTTPClient uses h's transport, and its timeout (if any) for each attempt.
// Its cookies and redirect policy are not used: the service has neither.
func WithHTTPClient(h *http.Client) Option {
	return func(s *settings) {
		if s.transport = h.Transport; s.transport == nil {
			s.transport = http.DefaultTransport
		}
		if h.Timeout > 0 {
			s.attemptTimeout = h.Timeout
		}
	}
}

// WithTLSConfig sets the certificates of the client's own transport.
func WithTLSConfig(c *tls.Config) Option { return func(s *settings) { s.tls = c } }

// WithConnections sets how many idle connections to each node are kept (512):
// as many as there are concurrent callers.
func WithConnections(n int) Option { return func(s *settings) { s.connections = n } }

// WithToken sends "Authorization: Bearer …" with what token returns, asked once
// for each call so that its retries are the same request. An empty token sends none.
func WithToken(token func() string) Option { return func(s *settings) { s.token = token } }

// WithRetryPolicy replaces the retry policy.
func WithRetryPolicy(p RetryPolicy) Option { return func(s *settings) { s.retry = p } }

// WithAttemptTimeout bounds each try (3 s), so that a node that hangs is left for
// another one. Nodes are told, and answer before it passes. Of a stream it bounds
// the time to the first answer.
func WithAttemptTimeout(d time.Duration) Option {
	return func(s *settings) { s.attemptTimeout = d }
}

// WithDeadline bounds calls whose context has no deadline (30 s), and how long
// a stream goes on without progress.
func WithDeadline(d time.Duration) Option { return func(s *settings) { s.deadline = d } }

// WithStreamSilence sets after how long without a byte a stream counts as
// broken (30 s).
func WithStreamSilence(d time.Duration) Option { return func(s *settings) { s.silence = d } }

// WithSpread starts every call at the next endpoint in turn. By default a client
// stays with one endpoint while that answers, and clients spread over them.
func WithSpread() Option { return func(s *settings) { s.spread = true } }

// WithHooks calls h as calls proceed.
func WithHooks(h Hooks) Option { return func(s *settings) { s.hooks = h } }

// WithLogger logs retries (debug) and breakers (warn) to l. By default nothing
// is logged.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.log = l } }

// WithUserAgent replaces the User-Agent, "voted-client/1".
func WithUserAgent(ua string) Option { return func(s *settings) { s.userAgent = ua } }

// check refuses settings that contradict each other.
func (s *settings) check() error {
	switch {
	case s.transport != nil && s.tls != nil:
		return errors.New("set the TLS configuration on the transport itself, or leave the transport to the client")
	case s.attemptTimeout <= 0 || s.deadline <= 0 || s.silence <= 0:
		return errors.New("timeouts must be positive; use a context to end a call early")
	case s.connections < 1:
		return errors.New("at least one connection to each node is needed")
	case s.retry.MaxAttempts < 0 || s.retry.BaseDelay < 0 || s.retry.MaxDelay < 0 || s.retry.BudgetPerSecond < 0 ||
		s.retry.BudgetBurst < 0 || s.retry.BreakerFailures < 0 || s.retry.BreakerCooldown < 0:
		return errors.New("a retry policy has no negative values, except the budget's ratio")
	}
	return nil
}

// newTransport makes the client's own transport: many connections to a few near
// hosts, small answers (so no compression), no proxy. HTTP/2 would put all callers
// on one connection to each node, whose one reader and writer then set the pace.
func newTransport(s settings) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return Connect(&http.Transport{
		MaxIdleConnsPerHost: s.connections,
		IdleConnTimeout:     idleConnTimeout,
		DisableCompression:  true,
		// For who asks before sending much; a node answers at once, or after an election.
		ExpectContinueTimeout: nodeHold,
		Protocols:             &protocols,
	}, s.tls)
}
