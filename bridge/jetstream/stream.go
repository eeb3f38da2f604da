package jetstream

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"voted/internal/usage"
)

// find returns the name of the stream that takes the target's subjects.
func (s *Sink) find(ctx context.Context) (string, error) {
	var names []string
	list := s.js.StreamNames(ctx, jetstream.WithStreamListSubject(s.pattern()))
	for name := range list.Name() {
		names = append(names, name)
	}
	switch {
	case list.Err() != nil:
		return "", fmt.Errorf("the streams cannot be listed: %w", list.Err())
	case len(names) > 1:
		return "", usage.Errorf("several streams take parts of %s: %s. One stream must take all of it", s.pattern(), strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	case s.Create == 0:
		return "", fmt.Errorf("no stream takes %s; make one for it alone: nats stream add %s --subjects '%s' --defaults", s.pattern(), s.Name, s.pattern())
	}
	return s.create(ctx)
}

func (s *Sink) create(ctx context.Context) (string, error) {
	_, err := s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.pattern()}, Replicas: s.Create, Storage: jetstream.FileStorage,
		Description: "published by voted-bridge feed, and by nobody else",
	})
	if err != nil {
		return "", fmt.Errorf("stream %s cannot be made: %w", s.Name, err)
	}
	return s.Name, nil
}

// unfit returns why a stream cannot be the end of a feed, in a sentence; "" if it can.
func (s *Sink) unfit(c *jetstream.StreamConfig) string {
	switch {
	case c.Mirror != nil || len(c.Sources) > 0:
		return "it takes messages from other streams"
	case c.Retention != jetstream.LimitsPolicy:
		return "consumers delete its messages, and its last message says where a feed goes on. Make one with --retention limits"
	case c.NoAck:
		return "it does not acknowledge what it stored"
	case c.Sealed:
		return "it is sealed"
	case c.SubjectTransform != nil:
		return "it changes subjects"
	case s.Shared:
		return ""
	}
	for _, subject := range c.Subjects {
		if !s.has(subject) {
			return fmt.Sprintf("it also takes %s, and a message between two of the feed's would stop it again and again. "+
				"Make a stream for %s alone, or share this one with --subject-all, which is slower", subject, s.pattern())
		}
	}
	return ""
}
