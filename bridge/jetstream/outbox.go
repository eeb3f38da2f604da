package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/ingest"
)

// Headers of what a bridge publishes about a ballot.
const (
	headerCode    = "Voted-Code"
	headerProblem = "Voted-Problem"
	headerMessage = "Voted-Message"
)

// noPoll stands in subjects for an id that no subject can hold. No id of a poll begins with it.
const noPoll = "_"

// Outbox stores receipts and dead letters. It is safe for concurrent use.
type Outbox struct {
	conn *Conn
	// Receipts and Dead are what the subjects begin with, such as "receipts." and "dead.".
	receipts, dead string
}

// Outbox stores letters under subjects that begin so, with the dot.
func (c *Conn) Outbox(receipts, dead string) *Outbox {
	return &Outbox{conn: c, receipts: receipts, dead: dead}
}

// Store implements ingest.Outbox: a letter without an error is in a stream, which the broker has said.
func (o *Outbox) Store(ctx context.Context, letters []ingest.Letter) []error {
	errs, futures := make([]error, len(letters)), make([]jetstream.PubAckFuture, len(letters))
	for i, l := range letters {
		if errs[i] = ctx.Err(); errs[i] != nil {
			continue
		}
		futures[i], errs[i] = o.conn.js.PublishMsgAsync(o.message(l), jetstream.WithStallWait(callTimeout))
	}
	for i, f := range futures {
		if errs[i] != nil {
			continue
		}
		select {
		case <-f.Ok():
		case errs[i] = <-f.Err():
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	for i, err := range errs {
		if err != nil {
			errs[i] = explain(o.subject(letters[i]), err)
		}
	}
	return errs
}

// explain says what to do about a letter that was not stored.
func explain(subject string, err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("no stream stores %s; make one, as docs/bridge.md shows: %w", subject, err)
	}
	return fmt.Errorf("%s was not stored: %w", subject, err)
}

func (o *Outbox) subject(l ingest.Letter) string {
	prefix := o.receipts
	if l.Dead {
		prefix = o.dead
	}
	if !FitsSubject(l.Poll) {
		return prefix + noPoll
	}
	return prefix + l.Poll
}

// FitsSubject reports whether a subject can end with a poll's id. An id may have dots, but a subject has no empty token
// and no wildcard or blank, and a broker ends the connection for good over one of 4,096 bytes.
func FitsSubject(poll string) bool {
	for token := range strings.SplitSeq(poll, ".") {
		if token == "" || strings.ContainsAny(token, "*> \t\r\n\x00") {
			return false
		}
	}
	return len(poll) <= ingest.MaxPollBytes
}

func (o *Outbox) message(l ingest.Letter) *nats.Msg {
	m := nats.NewMsg(o.subject(l))
	m.Data = l.Body
	m.Header.Set(headerPoll, oneLine(l.Poll[:min(len(l.Poll), ingest.MaxPollBytes)]))
	m.Header.Set(headerMessage, l.ID)
	m.Header.Set(jetstream.MsgIDHeader, l.ID)
	if l.Dead {
		m.Header.Set(jetstream.MsgIDHeader, "dead-"+l.ID)
		m.Header.Set(headerCode, string(l.Code))
		m.Header.Set(headerProblem, oneLine(string(l.Problem)))
		// With these headers it may be more than a broker takes. Its message still has the body.
		if most := o.conn.nc.MaxPayload(); most > 0 && int64(m.Size()) > most {
			m.Data = nil
		}
	}
	return m
}

// oneLine keeps a value in its header.
func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }
