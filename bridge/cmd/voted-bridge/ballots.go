package main

import (
	"errors"
	"log/slog"
	"time"

	"voted/bridge/ingest"
	"voted/bridge/jetstream"
	"voted/internal/pause"
	"voted/internal/usage"
)

// startPause is the pause between two looks for the consumer while the broker is away.
const startPause = time.Second

type ballotsCommand struct {
	endsFlags

	Stream        string        `help:"Stream that holds the ballots." default:"BALLOTS" placeholder:"NAME" group:"Ballots"`
	Consumer      string        `help:"Durable pull consumer of the stream; bridges that name the same one share its messages." default:"voted-bridge" placeholder:"NAME" group:"Ballots"`
	Subject       string        `help:"What the subjects of ballots begin with; the id of the poll follows after a dot." default:"ballots" placeholder:"PREFIX" group:"Ballots"`
	DeadSubject   string        `help:"What the subjects of dead letters begin with." default:"dead" placeholder:"PREFIX" group:"Ballots"`
	ReceiptsTo    string        `help:"What the subjects of receipts begin with." default:"receipts" placeholder:"PREFIX" group:"Ballots"`
	Receipts      bool          `help:"Publish a receipt of each ballot that counts, not only where the message has the header Voted-Receipt." group:"Ballots"`
	MaxInFlight   int           `help:"How many messages are worked on at once." default:"10000" placeholder:"N" group:"Ballots"`
	ReorderWindow time.Duration `help:"How long a message waits for what it needs: the ballot that it replaces, or its poll." default:"10m" placeholder:"DURATION" group:"Ballots"`
	From          time.Time     `help:"First set the consumer back to this time, once, as after a restore: 2026-11-27T00:00:00Z." placeholder:"TIME" group:"Ballots"`
}

func (ballotsCommand) Help() string {
	return `It takes ballots from a JetStream consumer, casts them, and acknowledges a message once its ballot is in the box. A message
that comes again is replayed; one that can never be counted goes to dead.POLL with the reason. A token needs the role
gateway. Stream and consumer must be there: docs/bridge.md shows how to make them.

    voted-bridge ballots --endpoint http://n1:8080 --endpoint http://n2:8080 --nats nats://broker:4222 --metrics 127.0.0.1:9102
    voted-bridge ballots --token-file gateway.token --nats-creds bridge.creds
    voted-bridge ballots --from 2026-11-27T00:00:00Z`
}

// Run casts until it is told to end.
func (c *ballotsCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.between(s, func(e *ends) error {
		source, err := c.source(e, s.log)
		if err != nil {
			return err
		}
		bridge, err := ingest.New(ingest.Options{
			Source: source, Outbox: e.broker.Outbox(c.ReceiptsTo+".", c.DeadSubject+"."), Cluster: e.cluster,
			Log: s.log, Metrics: e.metrics, State: e.state,
			MaxInFlight: c.MaxInFlight, ReorderWindow: c.ReorderWindow, Receipts: c.Receipts,
		})
		if err != nil {
			return err
		}
		s.log.Info("ballots are taken", "stream", c.Stream, "consumer", c.Consumer)
		bridge.Run(e.ctx)
		s.log.Info("stopped; what was not acknowledged is delivered again")
		return nil
	})
}

func (c *ballotsCommand) check() error {
	if c.MaxInFlight < 1 || c.ReorderWindow <= 0 {
		return usage.Errorf("--max-in-flight must be at least 1, and --reorder-window longer than zero, such as 10m")
	}
	if c.Subject == "" || c.DeadSubject == "" || c.ReceiptsTo == "" {
		return usage.Errorf("--subject, --dead-subject and --receipts-to must not be empty")
	}
	return nil
}

// source looks for the consumer until the broker answers, and sets it back where that was asked for.
func (c *ballotsCommand) source(e *ends, log *slog.Logger) (*jetstream.Source, error) {
	from := jetstream.Consumer{Stream: c.Stream, Name: c.Consumer, Subject: c.Subject + "."}
	for {
		source, err := c.open(e, log, from)
		if err == nil || usage.Is(err) {
			e.state.Fault("start", "")
			return source, err
		}
		if e.state.Fault("start", err.Error()) {
			log.Warn("not started yet; trying again", "error", err)
		}
		if ended := pause.For(e.ctx, startPause); ended != nil {
			return nil, errors.Join(err, ended)
		}
	}
}

func (c *ballotsCommand) open(e *ends, log *slog.Logger, from jetstream.Consumer) (*jetstream.Source, error) {
	source, err := e.broker.Source(e.ctx, from)
	if err != nil || c.From.IsZero() {
		return source, err
	}
	done, err := e.broker.Rewind(e.ctx, from, c.From)
	if done {
		log.Info("the consumer was set back", "to", c.From)
	}
	return source, err
}
