package client

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"voted/proof"
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
	// BudgetRatio is the share of calls that may be retries (0.2), in addition to
	// BudgetPerSecond (10). Unused retries are saved up to BudgetBurst (1,000). A
	// negative ratio removes the limit.
	BudgetRatio     float64
	BudgetPerSecond float64
	BudgetBurst     int
	// BreakerFailures in a row (5) keep calls away from an endpoint for BreakerCooldown
	// (1 s), if there is another endpoint.
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

// settings collects the options of New.
type settings struct {
	transport      http.RoundTripper
	tls            *tls.Config
	connections    int
	token          func() string
	retry          RetryPolicy
	hedge          HedgePolicy
	attemptTimeout time.Duration
	deadline       time.Duration
	silence        time.Duration
	spread         bool
	hooks          Hooks
	log            *slog.Logger
	userAgent      string
	keepReceipts   bool
	policies       []*proof.Policy
	promises       []*proof.Policy
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

// WithTransport sends requests through t instead of the client's own transport.
// Redirects are never followed, whatever t is. Each try's request has the context of
// its call: a tracing transport, such as otelhttp's, can add the caller's traceparent
// to a copy of the request.
func WithTransport(t http.RoundTripper) Option { return func(s *settings) { s.transport = t } }

// WithHTTPClient uses h's transport, and its timeout (if any) for each try. Its cookies
// and redirect policy are ignored: the service has neither.
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

// WithConnections sets how many idle connections to each node are kept (512). Give the
// number of concurrent callers.
func WithConnections(n int) Option { return func(s *settings) { s.connections = n } }

// WithToken sends "Authorization: Bearer …" with the token that the function returns.
// It is called once for each call, so that retries are the same request. An empty token
// sends no header.
func WithToken(token func() string) Option { return func(s *settings) { s.token = token } }

// WithRetryPolicy replaces the retry policy.
func WithRetryPolicy(p RetryPolicy) Option { return func(s *settings) { s.retry = p } }

// WithHedging replaces the hedging policy. A call that is slow is also sent to a second
// endpoint, unless it is a stream, carries many ballots or entries of a roll, names its
// endpoint, or concerns members and join tokens.
func WithHedging(p HedgePolicy) Option { return func(s *settings) { s.hedge = p } }

// WithAttemptTimeout bounds each try (3 s), so that the client leaves a node that
// hangs. The node receives the limit and answers before it passes. For a stream it
// bounds the time to the first answer.
func WithAttemptTimeout(d time.Duration) Option {
	return func(s *settings) { s.attemptTimeout = d }
}

// WithDeadline bounds calls whose context has no deadline (30 s). It also bounds how
// long a stream may make no progress.
func WithDeadline(d time.Duration) Option { return func(s *settings) { s.deadline = d } }

// WithStreamSilence sets how long a stream may send nothing before it counts as broken
// (30 s).
func WithStreamSilence(d time.Duration) Option { return func(s *settings) { s.silence = d } }

// WithSpread starts every call at the next endpoint in turn. By default each client
// stays with one endpoint while it answers, and different clients begin at different
// ones.
func WithSpread() Option { return func(s *settings) { s.spread = true } }

// WithRawReceipts keeps each receipt as the node wrote it in Receipt.Raw. It costs a
// copy.
func WithRawReceipts() Option { return func(s *settings) { s.keepReceipts = true } }

// WithHooks calls h during calls.
func WithHooks(h Hooks) Option { return func(s *settings) { s.hooks = h } }

// WithLogger logs retries (debug) and breakers (warn) to l. By default nothing
// is logged.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.log = l } }

// WithUserAgent replaces the User-Agent, "voted-client/1".
func WithUserAgent(ua string) Option { return func(s *settings) { s.userAgent = ua } }

// check refuses settings that contradict each other.
func (s *settings) check() error {
	switch {
	case slices.Contains(s.policies, nil):
		return errors.New("a policy of WithProof is nil, and would let every proof pass; give the policies of your polls")
	case slices.Contains(s.promises, nil):
		return errors.New("a policy of WithPromise is nil, and would let every promise pass; give the policies of your polls")
	case s.transport != nil && s.tls != nil:
		return errors.New("set the TLS configuration on the transport itself, or leave the transport to the client")
	case s.attemptTimeout <= 0 || s.deadline <= 0 || s.silence <= 0:
		return errors.New("timeouts must be positive; use a context to end a call early")
	case s.connections < 1:
		return errors.New("at least one connection to each node is needed")
	case s.retry.MaxAttempts < 0 || s.retry.BaseDelay < 0 || s.retry.MaxDelay < 0 || s.retry.BudgetPerSecond < 0 ||
		s.retry.BudgetBurst < 0 || s.retry.BreakerFailures < 0 || s.retry.BreakerCooldown < 0:
		return errors.New("the values of a retry policy must not be negative, except the budget's ratio")
	case s.hedge.MinDelay < 0 || s.hedge.BudgetRatio < 0 || s.hedge.Quantile < 0 || s.hedge.Quantile > 1:
		return errors.New("a hedging policy has delays and ratios that are not negative, and a quantile of at most 1; switch it off with Off")
	}
	return nil
}

// newTransport makes the client's own transport: many connections to a few near hosts,
// small answers (so no compression), no proxy. It has no HTTP/2, which would put all
// callers on one connection to each node, limited by its one reader and writer.
func newTransport(s settings) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return Connect(&http.Transport{
		MaxIdleConnsPerHost: s.connections,
		IdleConnTimeout:     idleConnTimeout,
		DisableCompression:  true,
		// For requests that wait for permission before a large body: a node answers at
		// once, or after an election.
		ExpectContinueTimeout: nodeHold,
		Protocols:             &protocols,
	}, s.tls)
}
