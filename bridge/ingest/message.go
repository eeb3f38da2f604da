// Package ingest casts the ballots of a broker's messages, and decides what becomes of each message. It keeps nothing:
// a message is acknowledged only once its ballot is in the box, and a ballot that comes again is replayed by the box. So
// every ballot counts exactly once, whatever the broker delivers again and whenever the bridge dies.
package ingest

import (
	"context"
	"iter"
	"time"

	"voted/client"
)

// Message is one ballot as a broker delivered it. Ack, Term, Retry and Extend are sent and not awaited: where one is lost,
// the broker delivers the message again.
type Message interface {
	ID() string // names the message in its stream, for good
	Poll() string
	Body() []byte
	WantsReceipt() bool
	Deliveries() uint64 // this one included; another bridge's too

	Ack() error                      // never again: its ballot is settled
	Term() error                     // never again: it is a dead letter
	Retry(after time.Duration) error // again, after a pause
	Extend() error                   // not again yet: it is worked on
}

// Source is what a bridge takes messages from.
type Source interface {
	// Fetch returns up to so many messages, fewer when the wait is over.
	Fetch(most int, wait time.Duration) ([]Message, error)
	// AckWait is after how long the broker delivers a message again that nobody has answered.
	AckWait() time.Duration
	// Lag is how many messages are not settled yet.
	Lag(ctx context.Context) (uint64, error)
}

// Letter is what the bridge tells about a message: a receipt, or the message itself, which can never be counted.
type Letter struct {
	Dead bool // else it is a receipt
	ID   string
	Poll string
	Body []byte
	// Code and Problem, problem details as JSON (RFC 9457), say why it is dead.
	Code    client.Code
	Problem []byte
}

// Outbox keeps letters.
type Outbox interface {
	// Store returns an error for each letter, in their order; nil: it is stored, and outlives the broker's restart.
	Store(ctx context.Context, letters []Letter) []error
}

// Cluster is where ballots are cast; *client.Client is one.
type Cluster interface {
	CastMany(ctx context.Context, poll string, ballots iter.Seq[client.BulkBallot]) iter.Seq2[client.BulkAnswer, error]
	Poll(ctx context.Context, id string) (client.Poll, error)
}
