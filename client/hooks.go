package client

import (
	"context"
	"net/http"
	"time"
)

// Hooks are called as calls proceed, for metrics and tests. Any may be nil,
// which costs nothing. They run on the caller's goroutine and must be quick;
// ctx is the one the call was given, so its values tell calls apart.
type Hooks struct {
	// OnAttempt is called after every try, successful or not.
	OnAttempt func(ctx context.Context, a Attempt)
	// OnRetry is called before the wait that precedes a further try.
	OnRetry func(ctx context.Context, r Retry)
	// OnBreaker is called when the breaker of an endpoint changes. It must not
	// call the client.
	OnBreaker func(endpoint string, state BreakerState)
}

// Attempt describes one try at one endpoint.
type Attempt struct {
	Method, Path string // the path as escaped in the request
	Endpoint     string
	Number       int // from 1 within its call
	Start, End   time.Time
	// Status is the answer's; 0 where none came.
	Status int
	// Code is the refusal's; empty for successes and unanswered tries.
	Code Code
	// Header is the answer's, nil where none came. It must not be changed.
	Header http.Header
	// Node is how the node names itself; Replayed that it had done this before.
	Node     string
	Replayed bool
	// Err is nil for a success.
	Err error
}

// Retry describes a further try that is about to be made.
type Retry struct {
	Method, Path string
	// Endpoint failed.
	Endpoint string
	// Number of tries so far.
	Number int
	// Wait is the delay before the next try, with jitter.
	Wait time.Duration
	// Err is why.
	Err error
}

// Meta is what an answer says about itself, beside its content.
type Meta struct {
	// Status of the answer, for example 201.
	Status int
	// Endpoint answered; Node is how it names itself; Leader is who led, as it knew.
	Endpoint, Node, Leader string
	// Index is the log index that the answer reflects.
	Index uint64
	// Attempts it took, from 1.
	Attempts int
	// Replayed says that the service had already done this, and that the answer
	// is the first one's.
	Replayed bool
	// Version is the ETag's number; 0 where there is none.
	Version uint64
}
