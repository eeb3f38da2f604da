package client

import (
	"context"
	"net/http"
	"time"
)

// Hooks are called during calls, for metrics and tests. Any may be nil, which costs
// nothing. They run on the caller's goroutine and must be quick; ctx is the call's own,
// so its values identify the call.
type Hooks struct {
	// OnAttempt is called after every try.
	OnAttempt func(ctx context.Context, a Attempt)
	// OnRetry is called before the wait for another try.
	OnRetry func(ctx context.Context, r Retry)
	// OnHedge is called after each call that was sent to a second endpoint while the
	// first had not answered, or would have been but for the budget. Both tries have
	// been reported to OnAttempt by then.
	OnHedge func(ctx context.Context, h Hedge)
	// OnBreaker is called when the breaker of an endpoint changes. It must not
	// call the client.
	OnBreaker func(endpoint string, state BreakerState)
}

// Attempt describes one try at one endpoint.
type Attempt struct {
	Method, Path string // the path as escaped in the request
	Endpoint     string
	Number       int // from 1 within its call; a hedge has the number after the try it joined
	Start, End   time.Time
	// Status is the answer's; 0 if none came.
	Status int
	// Code is the refusal's; empty for successes and unanswered tries.
	Code Code
	// Header is the answer's; nil if none came. It must not be changed.
	Header http.Header
	// Node is the node's own name; Replayed says that it had already done this.
	Node     string
	Replayed bool
	// Err is nil for a success. Of a call that was sent to two endpoints, the try that
	// came second was cancelled, and its Err says so.
	Err error
}

// Retry describes another try that is about to be made.
type Retry struct {
	Method, Path string
	// Endpoint is the one that failed.
	Endpoint string
	// Number is how many tries were made so far.
	Number int
	// Wait is the delay before the next try, with jitter.
	Wait time.Duration
	// Err is why the last one failed.
	Err error
}

// Hedge describes a second try that was made while the first had not answered, or that
// the budget denied.
type Hedge struct {
	Method, Path string
	// Endpoint is the one that had not answered; To was asked as well, and is empty if the
	// budget denied it.
	Endpoint, To string
	// After is how long the first try had been under way.
	After   time.Duration
	Outcome HedgeOutcome
}

// HedgeOutcome says how a hedge ended.
type HedgeOutcome string

// The outcomes.
const (
	HedgeWon    HedgeOutcome = "won"    // its answer is the call's
	HedgeLost   HedgeOutcome = "lost"   // the first try's answer is, or both failed
	HedgeDenied HedgeOutcome = "denied" // the budget was spent, so it was not sent
)

// Meta is what an answer says about itself, besides its content.
type Meta struct {
	// Status of the answer, for example 201.
	Status int
	// Endpoint is the one that answered; Node is the node's own name; Leader is the
	// leader that it knew.
	Endpoint, Node, Leader string
	// Index is the log index that the answer reflects.
	Index uint64
	// Attempts is how many tries the call took, from 1, with those that were cancelled.
	Attempts int
	// Replayed says that the service had already done this; the answer is the first
	// one's.
	Replayed bool
	// Version is the ETag's number; 0 if there is none.
	Version uint64
	// Age is how long ago the node last knew that it was up to date, if a stale answer
	// was asked for; otherwise 0.
	Age time.Duration
}
