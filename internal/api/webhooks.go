package api

import (
	"context"
	"time"

	"voted/internal/poll"
)

// Webhooks is what this node knows of webhooks in addition to the state: it has the keys and
// sends. Its methods may be called concurrently. internal/server/backend fits the member's
// deliverer to it.
//
// Errors are as those of the cluster: a *refusal.Error is the client's answer, that of ctx
// means that the time was over, and any other is answered as 500.
type Webhooks interface {
	// Secret returns what the receiver of an endpoint verifies signatures with, whsec_ and its
	// key in base64. It follows from the key file and the number of the key, so it is the same
	// on all members that have the same file.
	Secret(e *poll.Endpoint) (string, error)
	// CheckKey refuses where the other members have another key file: nothing would be signed
	// with the secrets that follow from this member's.
	CheckKey() error
	// CheckURL returns why nothing would be sent to a URL, as words that say what to do; nil
	// where its form is no reason against it. Which addresses may be called is decided again
	// each time one is called.
	CheckURL(target string) error
	// Ping has the member that leads send a webhook.ping now, and returns what came back. That
	// nothing came back is no error. OutcomeUnknown: it may have been sent, and nothing is known.
	Ping(ctx context.Context, e *poll.Endpoint) (Pong, error)
	// Attempts returns the newest attempts of the member that leads, the oldest first.
	Attempts(ctx context.Context, e *poll.Endpoint) ([]Attempt, error)
}

// Pong is what came back of a ping.
type Pong struct {
	Status  int           // of the answer; 0: none came
	Address string        // that was called; empty if none was
	Took    time.Duration // until the answer, or until it was given up
	Failure string        // a sentence on why it does not count as delivered; empty if it does
}

// Attempt is one attempt to deliver an event.
type Attempt struct {
	At      time.Time
	Event   uint64 // number of the event; 0: it was a ping
	Number  int    // 1 for the first one of this leader
	Status  int    // of the answer; 0: none came
	Took    time.Duration
	Result  string    // ok, refused, failed, blocked, dead: as the metric counts it
	Failure string    // a sentence; empty if it was delivered
	Next    time.Time // when it is tried again; zero: it is not
}
