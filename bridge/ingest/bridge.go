package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/health"
	"voted/internal/pause"
	"voted/internal/usage"
)

// Parts of the bridge in its health.
const (
	partCluster = "cluster"
	partSource  = "consumer"
	// A letter of one kind that is stored says nothing of the other one's stream.
	partDead     = "dead letters"
	partReceipts = "receipts"
)

// Options are what a bridge works with; all but MaxInFlight, ReorderWindow and Receipts are required.
type Options struct {
	Source  Source
	Outbox  Outbox
	Cluster Cluster
	Log     *slog.Logger
	Metrics prometheus.Registerer
	State   *health.State

	MaxInFlight   int           // messages; 0: MaxInFlight
	ReorderWindow time.Duration // how long a message waits for what it needs; 0: ReorderWindow
	Receipts      bool          // for every ballot that counts, not only where the message asks
}

// Bridge casts what a source has. It keeps nothing that must not be lost.
type Bridge struct {
	o        Options
	metrics  *metrics
	state    *health.State
	weather  weather
	patience patience
	uploads  chan struct{} // bulk uploads under way
	batches  chan struct{} // batches under way
}

// New makes a bridge.
func New(o Options) (*Bridge, error) {
	if o.MaxInFlight == 0 {
		o.MaxInFlight = MaxInFlight
	}
	if o.ReorderWindow == 0 {
		o.ReorderWindow = ReorderWindow
	}
	if o.MaxInFlight < 1 || o.ReorderWindow < 0 {
		return nil, usage.Errorf("at least one message must be in flight, and the reorder window must be longer than zero, such as 10m")
	}
	return &Bridge{
		o: o, metrics: newMetrics(o.Metrics), state: o.State,
		uploads: make(chan struct{}, maxUploads),
		batches: make(chan struct{}, max(1, o.MaxInFlight/batchMessages)),
	}, nil
}

// Run casts until ctx ends. It then takes no more messages, and waits for answers to those it has, up to 10 s; what has
// none by then is delivered again.
func (b *Bridge) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTimeout, cancel) })()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { b.watchLag(ctx) })
	for ctx.Err() == nil {
		try := b.weather.wait(ctx)
		select {
		case b.batches <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil { // both were there, or the pause ended with it
			return
		}
		batch := b.fetch(ctx, try)
		if len(batch) == 0 {
			<-b.batches
			continue
		}
		ended := make(chan struct{})
		wg.Go(func() {
			defer func() { <-b.batches; close(ended) }()
			b.process(work, batch)
		})
		if try {
			<-ended
		}
	}
}

// fetch takes the next messages, few of them if they are only to try the cluster.
func (b *Bridge) fetch(ctx context.Context, try bool) []Message {
	most := min(batchMessages, b.o.MaxInFlight)
	if try {
		most = min(most, probeMessages)
	}
	batch, err := b.o.Source.Fetch(most, fetchWait)
	if err == nil {
		b.state.Fault(partSource, "")
		return batch
	}
	if b.state.Fault(partSource, err.Error()) {
		b.o.Log.Warn("no messages can be fetched; trying again", "error", err)
	}
	if len(batch) == 0 {
		_ = pause.For(ctx, fetchPause)
	}
	return batch
}

// watchLag measures how much is left to do, until ctx ends.
func (b *Bridge) watchLag(ctx context.Context) {
	for ctx.Err() == nil {
		if lag, err := b.lag(ctx); err == nil { // otherwise fetching fails too, and says so
			b.metrics.lag.Set(float64(lag))
		}
		b.patience.prune(time.Now())
		_ = pause.For(ctx, lagEvery)
	}
}

func (b *Bridge) lag(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lag, err := b.o.Source.Lag(ctx)
	if err != nil {
		return 0, fmt.Errorf("the lag is not known: %w", err)
	}
	return lag, nil
}
