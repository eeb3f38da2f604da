package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/ingest"
	"voted/internal/usage"
)

// Headers of the messages that a bridge reads.
const (
	// headerPoll names the poll where the subject does not: else who may publish to one poll could reach another.
	headerPoll = "Voted-Poll"
	// headerReceipt asks for a receipt; its value does not matter.
	headerReceipt = "Voted-Receipt"
)

// fetchBytes bounds what is fetched at once, so that messages in flight are bounded in bytes too.
const fetchBytes = 16 << 20

// Consumer names where ballots are taken from.
type Consumer struct {
	Stream, Name string
	// Subject is what the subjects of ballots begin with, such as "ballots.".
	Subject string
}

// Source takes ballots from a durable pull consumer. It is safe for concurrent use.
type Source struct {
	consumer jetstream.Consumer
	from     Consumer
	ackWait  time.Duration
	most     int // bytes of a fetch
}

// Source looks for the consumer and refuses one that would lose messages.
func (c *Conn) Source(ctx context.Context, from Consumer) (*Source, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	consumer, err := c.js.Consumer(ctx, from.Stream, from.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, usage.Errorf("the broker has no stream %s; make it with `nats stream add`, as docs/bridge.md shows", from.Stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, usage.Errorf("the stream %s has no consumer %s; make it with `nats consumer add`, as docs/bridge.md shows", from.Stream, from.Name)
	case err != nil:
		return nil, fmt.Errorf("the consumer %s of the stream %s cannot be read: %w", from.Name, from.Stream, err)
	}
	config := consumer.CachedInfo().Config
	if err := check(from, config); err != nil {
		return nil, err
	}
	return &Source{consumer: consumer, from: from, ackWait: config.AckWait, most: max(fetchBytes, 2*int(c.nc.MaxPayload()))}, nil
}

// check refuses a consumer by which messages get lost, or that cannot be fetched from.
func check(from Consumer, c jetstream.ConsumerConfig) error {
	switch name := from.Stream + "/" + from.Name; {
	case c.DeliverSubject != "":
		return usage.Errorf("the consumer %s pushes its messages; make one that is pulled from (`nats consumer add --pull`)", name)
	case c.AckPolicy != jetstream.AckExplicitPolicy:
		return usage.Errorf("the consumer %s does not wait for an acknowledgement of each message; make one with `--ack=explicit`", name)
	case c.MaxDeliver > 0:
		return usage.Errorf("the consumer %s drops a message after %d deliveries, as when a cluster elects; set it to none with `nats consumer edit %s %s --max-deliver=-1`", name, c.MaxDeliver, from.Stream, from.Name)
	case len(c.BackOff) > 0:
		return usage.Errorf("the consumer %s has a backoff, which takes the place of the time that messages are kept for the bridge; make one without it", name)
	}
	return nil
}

// AckWait implements ingest.Source.
func (s *Source) AckWait() time.Duration { return s.ackWait }

// Fetch implements ingest.Source. It returns soon after the wait, whatever the broker does.
func (s *Source) Fetch(most int, wait time.Duration) ([]ingest.Message, error) {
	batch, err := s.consumer.Fetch(most, jetstream.FetchMaxWait(wait), jetstream.FetchMaxBytes(s.most))
	if err != nil {
		return nil, err
	}
	var messages []ingest.Message
	for m := range batch.Messages() {
		d, err := delivered(m, s.from.Subject)
		if err != nil {
			return messages, err
		}
		messages = append(messages, d)
	}
	return messages, batch.Error()
}

// Lag implements ingest.Source.
func (s *Source) Lag(ctx context.Context) (uint64, error) {
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumPending + uint64(max(0, info.NumAckPending)), nil
}

// message is a message as it was delivered.
type message struct {
	jetstream.Msg
	id, poll   string
	deliveries uint64
}

// delivered reads what the broker says about a message.
func delivered(m jetstream.Msg, subject string) (*message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("a message is not of JetStream: %w", err)
	}
	d := &message{Msg: m, id: meta.Stream + "-" + strconv.FormatUint(meta.Sequence.Stream, 10), deliveries: meta.NumDelivered}
	var named bool
	if d.poll, named = strings.CutPrefix(m.Subject(), subject); !named {
		d.poll = m.Headers().Get(headerPoll)
	}
	return d, nil
}

func (m *message) ID() string                      { return m.id }
func (m *message) Poll() string                    { return m.poll }
func (m *message) Body() []byte                    { return m.Data() }
func (m *message) WantsReceipt() bool              { return m.Headers().Get(headerReceipt) != "" }
func (m *message) Deliveries() uint64              { return m.deliveries }
func (m *message) Extend() error                   { return m.InProgress() }
func (m *message) Retry(after time.Duration) error { return m.NakWithDelay(after) }
