package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"voted/bridge/feed"
	"voted/bridge/health"
	"voted/bridge/jetstream"
	"voted/client"
	"voted/internal/pause"
	"voted/internal/usage"
)

// ballotsEvery is the pause between two looks at a box that had nothing new.
const ballotsEvery = time.Second

type feedCommand struct {
	endsFlags

	Ballots    []string `help:"Publish the ballots of this poll, too, into a stream of their own; may be repeated." placeholder:"POLL" group:"Events"`
	Create     int      `help:"Make streams that are missing, with so many replicas." placeholder:"REPLICAS" name:"create-streams" group:"Events"`
	SubjectAll bool     `help:"Publish all types under one subject, into a stream that may have others: one message at a time." group:"Events"`
	After      uint64   `help:"Where a stream of events without a message begins: after the event with this number (default: with the oldest that is kept)." placeholder:"NUMBER" group:"Events"`
}

func (feedCommand) Help() string {
	return `It publishes what happens in the cluster to voted.CLUSTER.events.TYPE, each event once and in order, with its number in the
header Voted-Sequence. The stream itself says where to go on, so the bridge may be killed, and may run twice; nobody else
may publish there. Ballots go to voted.CLUSTER.ballots.POLL, once the poll shows them. A token needs the role reader.

    voted-bridge feed --endpoint http://n1:8080 --endpoint http://n2:8080 --nats nats://broker:4222 --create-streams 3
    voted-bridge feed --ballots board-2026 --metrics 127.0.0.1:9102`
}

// Run publishes until it is told to end.
func (c *feedCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.between(s, func(e *ends) error {
		id, err := identify(e.ctx, s.log, e.cluster, e.state)
		if err != nil {
			return err
		}
		feeds, err := c.feeds(e, s.log, id)
		if err != nil {
			return err
		}
		s.log.Info("events are published", "cluster", id, "subject", "voted."+id+".events")
		return runAll(e.ctx, feeds)
	})
}

func (c *feedCommand) check() error {
	if c.Create < 0 || c.Create > 5 {
		return usage.Errorf("--create-streams must be 1 to 5 replicas")
	}
	for _, poll := range c.Ballots {
		if !jetstream.FitsSubject(poll) {
			return usage.Errorf("the ballots of poll %q cannot be published: no subject can end with its id", poll)
		}
	}
	return nil
}

// identify asks for the cluster's id until a node answers.
func identify(ctx context.Context, log *slog.Logger, c *client.Client, state *health.State) (string, error) {
	const part = "start"
	for {
		status, err := c.Cluster(ctx)
		var refused *client.Error
		switch {
		case err == nil:
			state.Fault(part, "")
			return status.ClusterID, nil
		case errors.As(err, &refused) && (refused.Code == client.CodeUnauthenticated || refused.Code == client.CodeForbidden):
			return "", usage.Mark(err)
		case state.Fault(part, err.Error()):
			log.Warn("not started yet; trying again", "error", err)
		}
		if err := pause.For(ctx, startPause); err != nil {
			return "", err
		}
	}
}

// feeds makes one feed for the events, and one for each poll.
func (c *feedCommand) feeds(e *ends, log *slog.Logger, id string) ([]*feed.Feed, error) {
	metrics := feed.NewMetrics(e.metrics)
	var feeds []*feed.Feed
	add := func(name string, journal feed.Journal, target jetstream.Target, start uint64) error {
		target.Create = c.Create
		sink, err := e.broker.Sink(target)
		if err == nil {
			feeds = append(feeds, feed.New(feed.Options{Name: name, Journal: journal, Sink: sink, Start: start, Log: log, Metrics: metrics, State: e.state}))
		}
		return err
	}
	err := add("events", feed.NewEvents(e.cluster, id), jetstream.Target{
		Subject: "voted." + id + ".events", ByType: true, Shared: c.SubjectAll, Name: "voted-" + id + "-events",
	}, c.After)
	for _, poll := range c.Ballots {
		err = errors.Join(err, add("ballots/"+poll, feed.NewBallots(e.cluster, id, poll, ballotsEvery, log), jetstream.Target{
			Subject: "voted." + id + ".ballots." + poll, Shared: c.SubjectAll, Name: "voted-" + id + "-ballots-" + strings.ReplaceAll(poll, ".", "="),
		}, 0))
	}
	return feeds, err
}

// runAll runs feeds until ctx ends, or one of them cannot go on.
func runAll(ctx context.Context, feeds []*feed.Feed) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	for _, f := range feeds {
		running.Go(func() {
			if err := f.Run(ctx); err != nil {
				stop(err)
			}
		})
	}
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
