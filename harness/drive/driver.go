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
	"voted/harness/ledger"
	"voted/harness/wire"
	"voted/harness/workload"
)

// Mode is how ballots are sent.
type Mode string

// The modes.
const (
	Single Mode = "single" // a request for each ballot
	Bulk   Mode = "bulk"   // streams of ballots
)

// Options say what is offered, and to which cluster.
type Options struct {
	Plan      *workload.Plan
	Endpoints []string
	Access    wire.Access // how the endpoints are reached
	Mode      Mode
	Rate      float64       // ballots a second, without duplicates
	Duration  time.Duration // of the load
	Votes     uint64        // most ballots to offer; 0: as many as the duration holds
	// Connections bounds the requests that are under way at a time.
	Connections int
	// Hedging says when the client sends a request to a second node as well.
	Hedging client.HedgePolicy
	// Record takes each entry. It is called from many goroutines.
	Record func(ledger.Entry)
}

const (
	// backlogTime is how much of the schedule may wait for a free connection.
	// More than that is dropped, and counted as dropped.
	backlogTime = 15 * time.Second
	// LateAfter is the delay from which a send counts as late: the generator,
	// not the cluster, was too slow to hand it over.
	LateAfter = 50 * time.Millisecond
	// maxLag is the longest delay that the histogram distinguishes; longer ones count as this.
	maxLag = time.Minute
	// settleRounds is how often an unanswered ballot is sent again at the end.
	settleRounds = 3
	// maxFollowers bounds the follow-up requests that are under way. They do not count
	// against Connections: those to a node that is down must not delay the schedule.
	maxFollowers = 1024
)

// Driver offers one workload.
type Driver struct {
	Options
	plan   *workload.Plan
	start  time.Time
	cutter *wire.Cutter
	spread *client.Client
	except map[string]*client.Client // by endpoint: a client of all the other nodes
	queue  chan *request
	follow chan struct{}  // an element for each follow-up request that is under way
	lanes  *lanes         // bulk only
	work   sync.WaitGroup // the follow-up requests

	scheduled, dropped, late, skipped, offered, waited atomic.Uint64
	maxLate                                            atomic.Int64
	inFlight                                           atomic.Int64

	lagging sync.Mutex
	lags    *hdr.Histogram // how late ballots were handed over, in µs; guarded by lagging

	mu         sync.Mutex // guards what follows
	failover   []uint64   // votes to send again after a failover
	released   []uint64   // votes whose failover is over, to be sent again
	restart    []uint64   // votes to send again after the restart
	unanswered []*request
}

// New makes a driver. It sends nothing before Load.
func New(o Options) (*Driver, error) {
	d := &Driver{Options: o, plan: o.Plan, except: map[string]*client.Client{}, follow: make(chan struct{}, maxFollowers), start: time.Now(), lags: hdr.New(1, maxLag.Microseconds(), 3)}
	transport := client.Connect(&http.Transport{
		MaxIdleConnsPerHost: o.Connections + maxFollowers, IdleConnTimeout: time.Minute, DisableCompression: true,
	}, o.Access.TLS)
	d.cutter = &wire.Cutter{RoundTripper: transport}
	newClient := func(endpoints []string, more ...client.Option) (*client.Client, error) {
		more = append(more, o.Access.TokenOptions()...)
		return client.New(endpoints, append(more, client.WithTransport(d.cutter), client.WithHooks(d.hooks()), client.WithHedging(o.Hedging), client.WithUserAgent("voted-loadtest/1"))...)
	}
	var err error
	if d.spread, err = newClient(o.Endpoints, client.WithSpread()); err != nil {
		return nil, err
	}
	for i, e := range o.Endpoints {
		others := slices.Delete(slices.Clone(o.Endpoints), i, i+1)
		if len(others) == 0 {
			others = o.Endpoints // a cluster of one node has no other
		}
		if d.except[e], err = newClient(others, client.WithSpread()); err != nil {
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

// Begin makes now the moment from which all times are counted, and returns it.
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

// dispatch hands over each ballot at its time. It does not wait for earlier answers.
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
		_ = d.lags.RecordValue(min(max(lag, time.Microsecond), maxLag).Microseconds()) // the value is always in range
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

// FailedOver must be called when a new leader has taken over. The duplicates that wait
// for a failover are sent from then on.
func (d *Driver) FailedOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = append(d.released, d.failover...)
	d.failover = nil
}

// followUp sends a request that has no time in the schedule, now. It is skipped if too
// many are under way.
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

// afterFirst sends what follows a voter's first ballot once it is accepted. answered is the
// endpoint that accepted it; empty if the answer does not say.
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
	Offered   uint64        // ballots of the schedule so far
	Scheduled uint64        // requests of the schedule: ballots, rivals and concurrent copies
	Dropped   uint64        // of these, never sent: too many waited
	Late      uint64        // ballots that were handed over late, by more than LateAfter
	MaxLate   time.Duration // the longest of these delays
	Waited    uint64        // requests of the schedule that were sent late, mostly because no connection was free
	Skipped   uint64        // duplicates not sent: too many others were under way
	InFlight  int64         // requests under way
	Waiting   int           // requests in the queue
}

// Statistics returns the state of the schedule. It may be called at any time.
func (d *Driver) Statistics() Statistics {
	return Statistics{
		Offered: d.offered.Load(), Scheduled: d.scheduled.Load(), Dropped: d.dropped.Load(), Late: d.late.Load(), Waited: d.waited.Load(),
		MaxLate: time.Duration(d.maxLate.Load()), Skipped: d.skipped.Load(), InFlight: d.inFlight.Load(), Waiting: len(d.queue),
	}
}

// Hedges returns how many requests the clients have hedged.
func (d *Driver) Hedges() client.HedgeCounts {
	all := d.spread.Hedges()
	for _, c := range d.except {
		n := c.Hedges()
		all.Sent, all.Won, all.Denied = all.Sent+n.Sent, all.Won+n.Won, all.Denied+n.Denied
	}
	return all
}

// Lag returns how late the generator itself handed over ballots, at a quantile from 0 to 1.
func (d *Driver) Lag(q float64) time.Duration {
	d.lagging.Lock()
	defer d.lagging.Unlock()
	return time.Duration(d.lags.ValueAtQuantile(q*100)) * time.Microsecond
}

// String says how the schedule was kept.
func (s Statistics) String() string {
	return fmt.Sprintf("%d scheduled, %d dropped, %d late by up to %v", s.Scheduled, s.Dropped, s.Late, s.MaxLate)
}
