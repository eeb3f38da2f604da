package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/feed"
	"voted/bridge/health"
	"voted/bridge/jetstream"
	"voted/bridge/natstest"
	"voted/client"
)

// BenchmarkFeed measures how fast one feed brings the events of three nodes into a stream that
// has none: nodes, broker and feed on this machine.
func BenchmarkFeed(b *testing.B) {
	const polls, workers = 5000, 32
	r := newRig(b)
	var working sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			for i := w; i < polls; i += workers {
				if err := r.create(b.Context(), client.Definition{ID: fmt.Sprint("p", i)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	working.Wait()
	events := len(r.journal())
	for b.Loop() {
		b.StopTimer()
		broker := natstest.Start(b)
		conn, err := jetstream.Dial(jetstream.Access{URLs: []string{broker.URL()}, Log: slog.New(slog.DiscardHandler), Lost: func(error) {}})
		r.check(err)
		sink, err := conn.Sink(jetstream.Target{Subject: "voted." + r.id + ".events", ByType: true, Create: 1, Name: "events"})
		r.check(err)
		ctx, stop := context.WithCancel(b.Context())
		f := feed.New(feed.Options{
			Name: "events", Journal: feed.NewEvents(r.client, r.id), Sink: &counted{Sink: sink, left: events, all: stop},
			Log: slog.New(slog.DiscardHandler), Metrics: feed.NewMetrics(prometheus.NewRegistry()), State: &health.State{},
		})
		b.StartTimer()
		if err := errors.Join(f.Run(ctx), b.Context().Err()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		stop()
		conn.Close()
		broker.Stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// counted ends a feed when so many messages are stored.
type counted struct {
	feed.Sink
	left int
	all  func()
}

func (c *counted) Publish(ctx context.Context, window []feed.Message) error {
	err := c.Sink.Publish(ctx, window)
	if err == nil {
		c.left -= len(window)
	}
	if c.left <= 0 {
		c.all()
	}
	return err
}
