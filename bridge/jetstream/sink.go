package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"voted/bridge/feed"
	"voted/internal/usage"
)

// SequenceHeader has the number of an event or of a record. Who reads a stream keeps the last
// one and drops what is not higher.
const SequenceHeader = "Voted-Sequence"

// Target is where a journal is published.
type Target struct {
	// Subject is that of all messages, or what their subjects begin with.
	Subject string
	// ByType adds a message's type to its subject.
	ByType bool
	// Shared is set if the stream may have other subjects, too. There is then one subject for
	// all types, and one message under way at a time.
	Shared bool
	// Create makes the stream with so many replicas if there is none; 0: it must be there.
	Create int
	// Name is what a stream is called that is made.
	Name string
}

// pattern has all subjects of the messages.
func (t Target) pattern() string {
	if t.ByType && !t.Shared {
		return t.Subject + ".>"
	}
	return t.Subject
}

func (t Target) subject(m feed.Message) string {
	if t.ByType && !t.Shared {
		return t.Subject + "." + m.Type
	}
	return t.Subject
}

// has reports whether a subject, or a pattern of subjects, is one of the target's.
func (t Target) has(subject string) bool {
	return subject == t.pattern() || t.ByType && !t.Shared && strings.HasPrefix(subject, t.Subject+".")
}

// Sink publishes to the end of a stream. One goroutine uses it.
type Sink struct {
	Target
	js      jetstream.JetStream
	timeout time.Duration // of each call, and of each window
	stream  string        // its name, once it was found
	end     uint64        // stream sequence of the last message; with Shared, of that of the subject
}

// Sink returns a sink that publishes over the connection.
func (c *Conn) Sink(t Target) (*Sink, error) {
	js, err := publisher(c.nc)
	if err != nil {
		return nil, err
	}
	return &Sink{Target: t, js: js, timeout: callTimeout}, nil
}

// Resume finds the stream and returns its last message. A request that a broker
// without a leader drops is never answered, and where ctx has a deadline, the library sets none
// of its own.
func (s *Sink) Resume(ctx context.Context) (end feed.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if s.stream == "" {
		if s.stream, err = s.find(ctx); err != nil {
			return end, err
		}
	}
	stream, err := s.js.Stream(ctx, s.stream)
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			s.stream = "" // another one may take its place
		}
		return end, fmt.Errorf("the stream cannot be looked at: %w", err)
	}
	info := stream.CachedInfo()
	if reason := s.unfit(&info.Config); reason != "" {
		return end, usage.Errorf("stream %s cannot be used: %s", s.stream, reason)
	}
	last, err := s.last(ctx, stream, info.State)
	if err != nil || last == nil {
		return end, err
	}
	end.Body = last.Data
	end.Number, err = strconv.ParseUint(last.Header.Get(SequenceHeader), 10, 64)
	if err != nil || !s.has(last.Subject) {
		return end, usage.Errorf("stream %s ends with a message that no feed of this journal wrote: number %d, subject %s. "+
			"Keep others from publishing to %s, and purge the stream or make a new one", s.stream, last.Sequence, last.Subject, s.pattern())
	}
	return end, nil
}

// last returns the last message, nil if there is none, and notes where the stream ends. It
// reads the message by its sequence: another replica may answer, which may be behind, and must
// then say that it does not have it.
func (s *Sink) last(ctx context.Context, stream jetstream.Stream, state jetstream.StreamState) (m *jetstream.RawStreamMsg, err error) {
	if s.Shared {
		s.end = 0
		if m, err = stream.GetLastMsgForSubject(ctx, s.Subject); err == nil {
			s.end = m.Sequence
		} else if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, nil
		}
		return m, err
	}
	s.end = state.LastSeq
	if state.Msgs == 0 {
		return nil, nil
	}
	if m, err = stream.GetMsg(ctx, s.end); err != nil {
		return nil, fmt.Errorf("the last message of stream %s, number %d, cannot be read (if it was deleted, purge the stream): %w", s.stream, s.end, err)
	}
	return m, nil
}

// Publish stores messages at the end of the stream.
func (s *Sink) Publish(ctx context.Context, window []feed.Message) error {
	if s.Shared {
		return s.publishEach(ctx, window)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(window))
	for i, m := range window {
		guard := jetstream.WithExpectLastSequence(s.end + uint64(i))
		var err error
		if acks[i], err = s.js.PublishMsgAsync(s.message(m), s.options(m, guard)...); err != nil {
			return explained(err) // what was sent already is stored, or not: Resume tells
		}
	}
	for _, ack := range acks {
		select {
		case a := <-ack.Ok():
			if err := s.stored(a); err != nil {
				return err
			}
		case err := <-ack.Err():
			return explained(err)
		case <-ctx.Done():
			return fmt.Errorf("the broker did not say in time whether it stored the messages: %w", ctx.Err())
		}
	}
	return nil
}

// publishEach publishes one message at a time: others come between them.
func (s *Sink) publishEach(ctx context.Context, window []feed.Message) error {
	for _, m := range window {
		if err := s.publishOne(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sink) publishOne(ctx context.Context, m feed.Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	a, err := s.js.PublishMsg(ctx, s.message(m), s.options(m, jetstream.WithExpectLastSequencePerSubject(s.end))...)
	if err != nil {
		return explained(err)
	}
	return s.stored(a)
}

func (s *Sink) message(m feed.Message) *nats.Msg {
	msg := nats.NewMsg(s.subject(m))
	msg.Data = m.Body
	msg.Header.Set(SequenceHeader, strconv.FormatUint(m.Number, 10))
	return msg
}

// options are those of one message. It is sent once: whether to send it again is decided by
// looking at the end of the stream.
func (s *Sink) options(m feed.Message, guard jetstream.PublishOpt) []jetstream.PublishOpt {
	return []jetstream.PublishOpt{guard, jetstream.WithExpectStream(s.stream), jetstream.WithMsgID(m.ID), jetstream.WithRetryAttempts(0)}
}

// errForgotten says that the broker remembers a message that is no longer in the stream.
var errForgotten = errors.New("the broker takes a message for a repetition of one that was purged or deleted; it is stored once the stream's duplicate window is over")

// stored notes the place of a message. One that another feed stored at the same place is as
// good, and comes as a duplicate.
func (s *Sink) stored(a *jetstream.PubAck) error {
	switch {
	case a.Sequence == s.end+1, s.Shared && a.Sequence > s.end:
		s.end = a.Sequence
		return nil
	case a.Duplicate && a.Sequence <= s.end:
		return errForgotten
	}
	return feed.ErrOvertaken
}

// Codes of JetStream that a feed gets that was overtaken.
const (
	wrongLastSequence         jetstream.ErrorCode = 10071
	wrongLastSequenceConstant jetstream.ErrorCode = 10164
	sameMessageUnderWay       jetstream.ErrorCode = 10158
)

func explained(err error) error {
	var refused *jetstream.APIError
	if errors.As(err, &refused) {
		switch refused.ErrorCode {
		case wrongLastSequence, wrongLastSequenceConstant, sameMessageUnderWay:
			return feed.ErrOvertaken
		}
	}
	return fmt.Errorf("the broker did not store a message: %w", err)
}
