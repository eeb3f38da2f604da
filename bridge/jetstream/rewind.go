package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/internal/usage"
)

// metadataFrom remembers with the consumer to which time it was set back, so that a bridge that is started again with
// the same flag, or beside another one, does not set it back once more.
const metadataFrom = "voted-from"

// Rewind sets a consumer back to the first message that was stored at or after a time, unless that was done already.
// What is in the box is replayed then. It reports whether it did.
func (c *Conn) Rewind(ctx context.Context, from Consumer, to time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*callTimeout)
	defer cancel()
	consumer, err := c.js.Consumer(ctx, from.Stream, from.Name)
	if err != nil {
		return false, fmt.Errorf("the consumer %s of the stream %s cannot be read: %w", from.Name, from.Stream, err)
	}
	config, wanted := consumer.CachedInfo().Config, to.UTC().Format(time.RFC3339Nano)
	if config.Metadata[metadataFrom] == wanted {
		return false, nil
	}
	sequence, err := c.firstSince(ctx, from.Stream, to)
	if err != nil {
		return false, err
	}
	if _, err := c.js.ResetConsumerToSequence(ctx, from.Stream, from.Name, sequence); err != nil {
		return false, cannotReset(from, sequence, err)
	}
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	config.Metadata[metadataFrom] = wanted
	if _, err := c.js.UpdateConsumer(ctx, from.Stream, config); err != nil {
		return true, fmt.Errorf("the consumer was set back to message %d, but does not remember it, and is set back again at the next start: %w", sequence, err)
	}
	return true, nil
}

func cannotReset(from Consumer, sequence uint64, err error) error {
	switch {
	case errors.Is(err, jetstream.ErrConsumerInvalidReset):
		return usage.Errorf("the consumer %s begins later than message %d, and cannot be set back so far; make it again with `--deliver=all`: %w", from.Name, sequence, err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the consumer was not set back: the broker does not answer that; it needs nats-server 2.14 or newer: %w", err)
	}
	return fmt.Errorf("the consumer was not set back to message %d: %w", sequence, err)
}

// firstSince returns the number of the first message that was stored at or after a time; that of the next one, if there
// is none.
func (c *Conn) firstSince(ctx context.Context, stream string, at time.Time) (uint64, error) {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("the stream %s cannot be read: %w", stream, err)
	}
	state := s.CachedInfo().State
	lo, hi := state.FirstSeq, state.LastSeq+1
	// A message that was deleted says no time; the next one that is there stands for it.
	for lo < hi {
		mid := lo + (hi-lo)/2
		m, err := s.GetMsg(ctx, mid, jetstream.WithGetMsgSubject(">"))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			hi = mid
		case err != nil:
			return 0, fmt.Errorf("message %d of the stream %s cannot be read: %w", mid, stream, err)
		case m.Time.Before(at):
			lo = m.Sequence + 1
		default:
			hi = mid
		}
	}
	return lo, nil
}
