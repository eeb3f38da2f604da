package drive

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"voted/client"
	"voted/loadtest/ledger"
	"voted/loadtest/wire"
	"voted/loadtest/workload"
)

// Mode is how ballots are sent.
type Mode string

// The modes.
const (
	Single Mode = "single" // a request for each ballot
	Bulk   Mode = "bulk"   // streams of ballots
)

// Options say what to offer to whom.
type Options struct {
	Plan      *workload.Plan
	Endpoints []string
	Access    wire.Access // of the endpoints
	Mode      Mode
	Rate      float64       // ballots a second, without duplicates
	Duration  time.Duration // of the load
	Votes     uint64        // at most so many ballots; 0: as many as the duration holds
	// Connections bounds the requests that are under way at a time.
	Connections int
	// Record takes each entry. It is called from many goroutines.
	Record func(ledger.Entry)
}

const (
	// backlogTime is how much of the schedule may wait for a free connection.
	// What comes on top is dropped, and counted.
	backlogTime = 15 * time.Second
	// LateAfter is the delay from which a send counts as late: the generator,
	// not the cluster, was too slow to hand it over.
	LateAfter = 50 * time.Millisecond
	// maxLag is the longest delay that is told apart.
	maxLag = time.Minute
	// settleRounds is how often an unanswered ballot is sent again at the end.
	settleRounds = 3
	// maxFollowers bounds the duplicates of other kinds under way, beside
	// Connections: those for a node that is down must not hold up the schedule.
	maxFollowers = 1024
)

// Driver offers one workload.
type Driver struct {
	Options
	plan   *workload.Plan
	start  time.Time
	cutter *wire.Cutter
	spread *client.Client
	except map[string]*client.Client // of all nodes but the one that is the key
	queue  chan *request
	follow chan struct{} // a token for each follower
	lanes  *lanes        // bulk only
	work   sync.WaitGroup

	scheduled, dropped, late, skipped, offered, waited atomic.Uint64
	maxLate                                            atomic.Int64
	inFlight                                           atomic.Int64

	lagging sync.Mutex
	lags    *hdr.Histogram // how late ballots were handed over, in µs; under lagging

	mu         sync.Mutex
	failover   []uint64 // votes to send again after a failover
	released   []uint64 // of these, those whose failover is over
	restart    []uint64 // votes to send again after the restart
	unanswered []*request
}

// New makes a driver; Load begins.
func New(o Options) (*Driver, error) {
	d := &Driver{Options: o, plan: o.Plan, except: map[string]*client.Client{}, follow: make(chan struct{}, maxFollowers), start: time.Now(), lags: hdr.New(1, maxLag.Microseconds(), 3)}
	transport := client.Connect(&http.Transport{
		MaxIdleConnsPerHost: o.Connections + maxFollowers, IdleConnTimeout: time.Minute, DisableCompression: true,
	}, o.Access.TLS)
	d.cutter = &wire.Cutter{RoundTripper: transport}
	make1 := func(endpoints []string, more ...client.Option) (*client.Client, error) {
		more = append(more, o.Access.AsWho()...)
		return client.New(endpoints, append(more, client.WithTransport(d.cutter), client.WithHooks(d.hooks()), client.WithUserAgent("voted-loadtest/1"))...)
	}
	var err error
	if d.spread, err = make1(o.Endpoints, client.WithSpread()); err != nil {
		return nil, err
	}
	for i, e := range o.Endpoints {
		others := slices.Delete(slices.Clone(o.Endpoints), i, i+1)
		if len(others) == 0 {
			others = o.Endpoints // a cluster of one node has no other
		}
		if d.except[e], err = make1(others, client.WithSpread()); err != nil {
			return nil, err
		}
	}
	d.queue = make(chan *request, int(o.Rate*backlogTime.Seconds())+o.Connections)
	if o.Mode == Bulk {
		d.lanes = newLanes(d)
	}
	return d, nil
}

// Cutter returns the transport that can lose answers.
func (d *Driver) Cutter() *wire.Cutter { return d.cutter }

// Close closes idle connections.
func (d *Driver) Close() { d.cutter.RoundTripper.(*http.Transport).CloseIdleConnections() }

// Begin sets the time from which everything counts.
func (d *Driver) Begin() time.Time { d.start = time.Now(); return d.start }

func (d *Driver) now() time.Duration              { return time.Since(d.start) }
func (d *Driver) since(t time.Time) time.Duration { return t.Sub(d.start) }

// Load offers the schedule and returns when everything that it sent is answered,
// or when ctx ends.
func (d *Driver) Load(ctx context.Context) error {
	var workers sync.WaitGroup
	if d.Mode == Bulk {
		d.lanes.open(ctx, &workers)
	} else {
		for range d.Connections {
			workers.Go(func() { // a worker; ends with the queue
				for r := range d.queue {
					d.send(ctx, r)
				}
			})
		}
	}
	d.dispatch(ctx)
	if d.Mode == Bulk {
		d.lanes.drain(ctx)
		d.work.Wait()
		d.lanes.close()
	}
	close(d.queue)
	workers.Wait()
	d.work.Wait()
	return ctx.Err()
}

// dispatch hands over each send at its time, whatever became of those before.
func (d *Driver) dispatch(ctx context.Context) {
	total := uint64(d.Rate * d.Duration.Seconds())
	if d.Votes > 0 {
		total = min(total, d.Votes)
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for n := range total {
		at := time.Duration(float64(n) / d.Rate * float64(time.Second))
		if wait := at - d.now(); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		} else if n%256 == 0 && ctx.Err() != nil {
			return
		}
		lag := d.now() - at
		if lag > LateAfter {
			d.late.Add(1)
			d.maxLate.Store(max(d.maxLate.Load(), int64(lag)))
		}
		d.lagging.Lock()
		_ = d.lags.RecordValue(min(max(lag, time.Microsecond), maxLag).Microseconds()) // in range by construction
		d.lagging.Unlock()
		d.offer(ctx, d.plan.Vote(n), at)
		d.releaseOne(ctx)
	}
}

// offer queues what a voter sends at the scheduled time.
func (d *Driver) offer(ctx context.Context, v workload.Vote, at time.Duration) {
	d.offered.Add(1)
	d.enqueue(ctx, &request{vote: v, kind: workload.First, intended: at})
	if v.HasRival {
		d.enqueue(ctx, &request{vote: v, kind: workload.Rival, intended: at})
	}
	for _, k := range v.Again {
		switch k {
		case workload.Concurrent:
			d.enqueue(ctx, &request{vote: v, kind: k, intended: at})
		case workload.AfterFailover:
			d.mu.Lock()
			d.failover = append(d.failover, v.Number)
			d.mu.Unlock()
		case workload.AfterRestart:
			d.mu.Lock()
			d.restart = append(d.restart, v.Number)
			d.mu.Unlock()
		}
	}
}

func (d *Driver) enqueue(ctx context.Context, r *request) {
	d.scheduled.Add(1)
	if d.Mode == Bulk {
		if !d.lanes.put(ctx, r) {
			d.dropped.Add(1)
		}
		return
	}
	select {
	case d.queue <- r:
	default:
		d.dropped.Add(1)
	}
}

// releaseOne sends one of the duplicates whose failover is over: at the pace of
// the schedule, not all at once.
func (d *Driver) releaseOne(ctx context.Context) {
	d.mu.Lock()
	if len(d.released) == 0 {
		d.mu.Unlock()
		return
	}
	vote := d.released[0]
	d.released = d.released[1:]
	d.mu.Unlock()
	d.followUp(ctx, &request{vote: d.plan.Vote(vote), kind: workload.AfterFailover})
}

// FailedOver says that a new leader has taken over.
func (d *Driver) FailedOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = append(d.released, d.failover...)
	d.failover = nil
}

// followUp sends a request whose time depends on an answer.
func (d *Driver) followUp(ctx context.Context, r *request) {
	r.intended = d.now()
	if d.Mode == Bulk && r.avoid == "" {
		if !d.lanes.put(ctx, r) {
			d.skipped.Add(1)
		}
		return
	}
	select {
	case d.follow <- struct{}{}:
	default:
		d.skipped.Add(1)
		return
	}
	d.work.Go(func() { // ends with its request
		defer func() { <-d.follow }()
		d.send(ctx, r)
	})
}

// send sends one request and deals with the answer.
func (d *Driver) send(ctx context.Context, r *request) {
	if ctx.Err() != nil {
		return
	}
	d.inFlight.Add(1)
	defer d.inFlight.Add(-1)
	c := d.spread
	if r.avoid != "" {
		c = d.except[r.avoid]
	}
	poll := d.plan.Poll(r.vote.Poll)
	r.sent = d.now()
	if r.kind.Scheduled() && r.sent-r.intended > LateAfter {
		d.waited.Add(1)
	}
	call := context.WithValue(ctx, tryKey{}, r)
	var rc client.Receipt
	var err error
	if v := r.ifVersion(); v > 0 {
		rc, err = c.Replace(call, poll.Definition.ID, r.vote.Voter, poll.Ballot(r.choice()), v)
	} else {
		rc, err = c.Cast(call, poll.Definition.ID, r.vote.Voter, poll.Ballot(r.choice()))
	}
	d.answered(ctx, r, rc, err)
}

// answered records an answer and sends what follows it.
func (d *Driver) answered(ctx context.Context, r *request, rc client.Receipt, err error) {
	e := d.entry(r, rc, err)
	d.Record(e)
	if !e.Accepted() {
		if !e.Final() {
			d.mu.Lock()
			d.unanswered = append(d.unanswered, r)
			d.mu.Unlock()
		}
		return
	}
	switch r.kind {
	case workload.First:
		d.afterFirst(ctx, r.vote, rc.Meta.Endpoint)
	case workload.Replacement:
		if r.vote.Late {
			d.followUp(ctx, &request{vote: r.vote, kind: workload.Late})
		}
	}
}

func (d *Driver) afterFirst(ctx context.Context, v workload.Vote, answered string) {
	if v.Replaces {
		d.followUp(ctx, &request{vote: v, kind: workload.Replacement})
	}
	for _, k := range v.Again {
		switch k {
		case workload.Immediate, workload.Conflict:
			d.followUp(ctx, &request{vote: v, kind: k})
		case workload.OtherNode:
			if answered == "" {
				answered = d.Endpoints[0]
			}
			d.followUp(ctx, &request{vote: v, kind: k, avoid: answered})
		}
	}
}

// Statistics are how well the generator kept its schedule.
type Statistics struct {
	Offered   uint64        // ballots of the schedule
	Scheduled uint64        // sends of the schedule: with rivals and concurrent copies
	Dropped   uint64        // of these, never sent: too many waited
	Late      uint64        // of these, handed over late
	MaxLate   time.Duration // the worst
	Waited    uint64        // of these, sent late, mostly for want of a free connection
	Skipped   uint64        // duplicates not sent: too many others were under way
	InFlight  int64
	Waiting   int
}

// Statistics returns the state of the schedule. It may be called at any time.
func (d *Driver) Statistics() Statistics {
	return Statistics{
		Offered: d.offered.Load(), Scheduled: d.scheduled.Load(), Dropped: d.dropped.Load(), Late: d.late.Load(), Waited: d.waited.Load(),
		MaxLate: time.Duration(d.maxLate.Load()), Skipped: d.skipped.Load(), InFlight: d.inFlight.Load(), Waiting: len(d.queue),
	}
}

// Lag returns how late ballots were handed over by the generator itself, at a quantile
// from 0 to 1.
func (d *Driver) Lag(q float64) time.Duration {
	d.lagging.Lock()
	defer d.lagging.Unlock()
	return time.Duration(d.lags.ValueAtQuantile(q*100)) * time.Microsecond
}

// String says how the schedule was kept.
func (s Statistics) String() string {
	return fmt.Sprintf("%d scheduled, %d dropped, %d late by up to %v", s.Scheduled, s.Dropped, s.Late, s.MaxLate)
}
