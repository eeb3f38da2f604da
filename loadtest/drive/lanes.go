package drive

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"voted/client"
)

// lanes are the streams of bulk mode: for each poll as many as there are nodes, so
// that copies of a ballot travel side by side.
type lanes struct {
	driver *Driver
	all    [][]*lane // by poll
	// waiting are the requests put and not answered.
	waiting atomic.Int64
	idle    chan struct{} // has an element when waiting may have become 0

	mu     sync.RWMutex
	closed bool // under mu: the inputs are closed
}

// lane is one stream after another over one client.
type lane struct {
	lanes *lanes
	poll  string
	input chan *request

	mu   sync.Mutex
	sent []*request // in the stream, not answered, oldest first; under mu
}

// laneBacklogMin is the least that a lane can hold back.
const laneBacklogMin = 4096

func newLanes(d *Driver) *lanes {
	l := &lanes{driver: d, idle: make(chan struct{}, 1)}
	each := max(laneBacklogMin, int(d.Rate*backlogTime.Seconds())/(d.plan.Polls*len(d.Endpoints)))
	for i := range d.plan.Polls {
		var of []*lane
		for range d.Endpoints {
			of = append(of, &lane{lanes: l, poll: d.plan.Poll(i).Definition.ID, input: make(chan *request, each)})
		}
		l.all = append(l.all, of)
	}
	return l
}

// open starts the streams.
func (l *lanes) open(ctx context.Context, work *sync.WaitGroup) {
	for _, of := range l.all {
		for _, x := range of {
			work.Go(func() { x.run(ctx) }) // ends when its input is closed, or with ctx
		}
	}
}

// put queues a request; false: too many wait. Copies of one ballot go into
// different lanes.
func (l *lanes) put(ctx context.Context, r *request) bool {
	of := l.all[r.vote.Poll]
	x := of[(r.vote.Number/uint64(len(l.all))+uint64(r.kind))%uint64(len(of))]
	l.mu.RLock()
	defer l.mu.RUnlock()
	if ctx.Err() != nil || l.closed {
		return false
	}
	l.waiting.Add(1)
	select {
	case x.input <- r:
		return true
	default:
		l.done(1)
		return false
	}
}

func (l *lanes) done(n int) {
	if l.waiting.Add(-int64(n)) == 0 {
		select {
		case l.idle <- struct{}{}:
		default:
		}
	}
}

// drain waits until everything that was put is answered.
func (l *lanes) drain(ctx context.Context) {
	for l.waiting.Load() > 0 {
		select {
		case <-l.idle:
		case <-ctx.Done():
			return
		}
	}
}

func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, of := range l.all {
		for _, x := range of {
			close(x.input)
		}
	}
}

func (x *lane) run(ctx context.Context) {
	d := x.lanes.driver
	for ctx.Err() == nil {
		first, more := x.next(ctx)
		if !more {
			return
		}
		var failed error
		for a, err := range d.spread.CastMany(ctx, x.poll, x.ballots(ctx, first)) {
			if err != nil {
				failed = err
				break
			}
			x.answer(ctx, a)
		}
		x.abandon(ctx, failed)
	}
}

func (x *lane) next(ctx context.Context) (*request, bool) {
	select {
	case r, ok := <-x.input:
		return r, ok
	case <-ctx.Done():
		return nil, false
	}
}

// laneIdle ends a stream to which nothing was added: a node may not keep it open
// for ever.
const laneIdle = 5 * time.Second

// ballots yields what is put into the lane, beginning with first.
func (x *lane) ballots(ctx context.Context, first *request) iter.Seq[client.BulkBallot] {
	d := x.lanes.driver
	return func(yield func(client.BulkBallot) bool) {
		r := first
		idle := time.NewTimer(laneIdle)
		defer idle.Stop()
		for {
			x.mu.Lock()
			r.sent = d.now()
			x.sent = append(x.sent, r)
			x.mu.Unlock()
			if !yield(client.BulkBallot{
				Voter: r.vote.Voter, Ballot: d.plan.Poll(r.vote.Poll).Ballot(r.choice()), IfVersion: r.ifVersion(),
			}) {
				return
			}
			idle.Reset(laneIdle)
			var ok bool
			select {
			case r, ok = <-x.input:
			case <-idle.C:
			case <-ctx.Done():
			}
			if !ok {
				return
			}
		}
	}
}

// answer records the answer to the oldest ballot of the stream.
func (x *lane) answer(ctx context.Context, a client.BulkAnswer) {
	x.mu.Lock()
	r := x.sent[0]
	x.sent = x.sent[1:]
	x.mu.Unlock()
	x.lanes.driver.answered(ctx, r, client.Receipt{Outcome: a.Outcome, Version: a.Version, Ballot: a.Ballot}, a.Err())
	x.lanes.done(1)
}

// abandon records that the ballots left in a stream were not answered.
func (x *lane) abandon(ctx context.Context, err error) {
	x.mu.Lock()
	left := x.sent
	x.sent = nil
	x.mu.Unlock()
	for _, r := range left {
		x.lanes.driver.answered(ctx, r, client.Receipt{}, err)
	}
	x.lanes.done(len(left))
}
