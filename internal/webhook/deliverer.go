package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/eventjson"
	"voted/internal/pause"
	"voted/internal/poll"
)

// State is the replicated state of this member. Its methods may be called from any goroutine.
type State interface {
	// Read runs f under the state's read lock.
	Read(f func(s *poll.State))
	// Changed waits until a command beyond index after has been applied here.
	Changed(ctx context.Context, after uint64) error
	// Clock is the replicated clock as it would be in a command that is proposed now.
	Clock() int64
}

// Cluster is this member among the others. Its methods may be called from any goroutine.
type Cluster interface {
	// Lead waits until this member leads and has applied all that was committed before. What
	// it returns ends when it no longer leads. The error is that of ctx.
	Lead(ctx context.Context) (context.Context, error)
	// Doubt returns why the state cannot be relied on, nil if it can.
	Doubt() error
	// Execute carries out a command, also while another member leads.
	Execute(ctx context.Context, c poll.Command) (poll.Result, error)
	// KeyFiles returns what the other members that answer said last of their key files.
	KeyFiles() []KeyFile
}

// Events renders events for receivers; see eventjson.Renderer.
type Events interface {
	Delivery(ctx context.Context, e poll.Event, about eventjson.About) (eventjson.Delivery, error)
	Ping(id string, at int64) (eventjson.Delivery, error)
	Missed(from, to uint64, at int64) (eventjson.Delivery, error)
}

// Options are what a deliverer is made of.
type Options struct {
	Sender  Sender
	Keys    Signer
	Agent   string // user-agent of requests
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
}

const (
	// lookPace is how long the watcher rests after each look: that much later an event may be
	// sent, and so seldom is the state's lock taken for it however many ballots come in.
	lookPace = 20 * time.Millisecond
	// withheldPause is how long a leader that must not deliver waits until it looks again.
	withheldPause = time.Second
	// flushTimeout bounds what is committed when this member stops to deliver.
	flushTimeout = time.Second
	// renderTimeout bounds the rendering of an event: it may count a poll.
	renderTimeout = 30 * time.Second
	// restAfterPanic is how long nothing is delivered after a panic of the watcher.
	restAfterPanic = time.Minute
)

// Deliverer sends events to endpoints while this member leads. Its methods may be called from
// any goroutine.
type Deliverer struct {
	opts    Options
	log     *slog.Logger
	metrics *metrics

	state   State // set by Start, as what follows
	cluster Cluster
	events  Events

	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu     sync.Mutex
	tenure *tenure // guarded by mu; nil while another member delivers, or none
	why    string  // this member leads and does not deliver; "": it does, or does not lead; guarded by mu
}

// New makes a deliverer, which does nothing before Start.
func New(o Options) *Deliverer {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Deliverer{opts: o, log: o.Logger}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.metrics = newMetrics(d, o.Metrics)
	return d
}

// Start begins to deliver whenever this member leads. It is called once.
func (d *Deliverer) Start(s State, c Cluster, e Events) {
	d.mu.Lock()
	d.state, d.cluster, d.events = s, c, e
	d.mu.Unlock()
	d.tasks.Go(d.run)
}

// Close ends the deliverer: it commits what was delivered, and waits for its goroutines. The
// node must still run.
func (d *Deliverer) Close() {
	d.stop()
	d.tasks.Wait()
}

// run is the deliverer's goroutine.
func (d *Deliverer) run() {
	for d.ctx.Err() == nil {
		lead, err := d.cluster.Lead(d.ctx)
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(lead)
		stop := context.AfterFunc(d.ctx, cancel)
		for ctx.Err() == nil {
			if d.may() {
				d.serve(ctx)
			} else {
				_ = pause.For(ctx, withheldPause)
			}
		}
		stop()
		cancel()
		d.refuse("")
	}
}

// may reports whether this member, which leads, may deliver.
func (d *Deliverer) may() bool {
	why := d.keyTrouble()
	if err := d.cluster.Doubt(); err != nil {
		why = "Its state is in doubt: " + err.Error()
	}
	d.refuse(why)
	return why == ""
}

// refuse notes why this member leads and does not deliver, and logs it once.
func (d *Deliverer) refuse(why string) {
	d.mu.Lock()
	was := d.why
	d.why = why
	d.mu.Unlock()
	switch {
	case why == was:
	case why == "":
		d.log.Info("nothing keeps this member from delivering webhooks any longer")
	default:
		d.log.Error("this member leads and delivers no webhooks: " + why)
	}
}

// serve delivers until this member no longer leads or may.
func (d *Deliverer) serve(lead context.Context) {
	ctx, cancel := context.WithCancel(lead)
	t := newTenure(ctx, d)
	d.install(t)
	panicked := d.watch(t)
	t.end(cancel)
	d.install(nil)
	if panicked {
		_ = pause.For(lead, restAfterPanic)
	}
}

// watch runs a tenure. A panic ends neither the member nor the deliverer: ballots are counted by
// the same process. It is in the log, with its stack.
func (d *Deliverer) watch(t *tenure) (panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			panicked = true
			d.log.Error("the deliverer of webhooks panicked; it begins again in a minute", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	d.log.Info("this member delivers webhooks")
	t.run()
	return false
}

func (d *Deliverer) install(t *tenure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tenure = t
}

// now returns the tenure, nil if this member does not deliver.
func (d *Deliverer) now() *tenure {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tenure
}

// Yield prepares for another member to lead: it begins no further delivery, and commits what
// was delivered. What is under way may be repeated by the next leader. resume goes on, where
// leadership was not passed on after all.
func (d *Deliverer) Yield(ctx context.Context) (resume func()) {
	t := d.now()
	if t == nil {
		return func() {}
	}
	resume = t.hold()
	if err := t.progress.flush(ctx); err != nil {
		d.log.Warn("what webhooks were sent could not be noted before this member stops to lead; the last of it may be sent again", "error", err)
	}
	return resume
}
