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
// that copies of one ballot can be under way at the same time.
type lanes struct {
	driver *Driver
	all    [][]*lane // by poll
	// waiting counts the requests that were put and are not answered yet.
	waiting atomic.Int64
	idle    chan struct{} // has an element when waiting may have become 0

	mu     sync.RWMutex
	closed bool // guarded by mu: the inputs are closed
}

// lane is one stream after another over one client.
type lane struct {
	lanes *lanes
	poll  string
	input chan *request

	mu   sync.Mutex
	sent []*request // in the stream, not answered, oldest first; guarded by mu
}

// laneBacklogMin is the smallest number of requests that a lane's queue has room for.
const laneBacklogMin = 4096

func newLanes(d *Driver) *lanes {
	l := &lanes{driver: d, idle: make(chan struct{}, 1)}
	each := max(laneBacklogMin, int(d.Rate*backlogTime.Seconds())/(d.plan.Polls*len(d.Endpoints)))
	for i := range d.plan.Polls {
		var ofPoll []*lane
		for range d.Endpoints {
			ofPoll = append(ofPoll, &lane{lanes: l, poll: d.plan.Poll(i).Definition.ID, input: make(chan *request, each)})
		}
		l.all = append(l.all, ofPoll)
	}
	return l
}

// open starts the streams.
func (l *lanes) open(ctx context.Context, work *sync.WaitGroup) {
	for _, ofPoll := range l.all {
		for _, ln := range ofPoll {
			work.Go(func() { ln.run(ctx) }) // ends when its input is closed, or with ctx
		}
	}
}

// put queues a request and reports whether it could: there may be no room, or the lanes
// are closed. Copies of one ballot go into different lanes.
func (l *lanes) put(ctx context.Context, r *request) bool {
	ofPoll := l.all[r.vote.Poll]
	ln := ofPoll[(r.vote.Number/uint64(len(l.all))+uint64(r.kind))%uint64(len(ofPoll))]
	l.mu.RLock()
	defer l.mu.RUnlock()
	if ctx.Err() != nil || l.closed {
		return false
	}
	l.waiting.Add(1)
	select {
	case ln.input <- r:
		return true
	default:
		l.done(1)
		return false
	}
}

// done notes that n of the requests that were put have ended.
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

// close ends the streams. Nothing can be put afterwards.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, ofPoll := range l.all {
		for _, ln := range ofPoll {
			close(ln.input)
		}
	}
}

// run sends what is put into the lane, in one stream after another.
func (ln *lane) run(ctx context.Context) {
	d := ln.lanes.driver
	for ctx.Err() == nil {
		first, more := ln.next(ctx)
		if !more {
			return
		}
		var failed error
		for a, err := range d.spread.CastMany(ctx, ln.poll, ln.ballots(ctx, first)) {
			if err != nil {
				failed = err
				break
			}
			ln.answer(ctx, a)
		}
		ln.abandon(ctx, failed)
	}
}

// next waits for the first request of the next stream; false: there will be none.
func (ln *lane) next(ctx context.Context) (*request, bool) {
	select {
	case r, ok := <-ln.input:
		return r, ok
	case <-ctx.Done():
		return nil, false
	}
}

// laneIdle is how long a stream stays open while nothing is put into the lane: a node may
// not keep it open forever.
const laneIdle = 5 * time.Second

// ballots yields what is put into the lane, beginning with first.
func (ln *lane) ballots(ctx context.Context, first *request) iter.Seq[client.BulkBallot] {
	d := ln.lanes.driver
	return func(yield func(client.BulkBallot) bool) {
		r := first
		idle := time.NewTimer(laneIdle)
		defer idle.Stop()
		for {
			ln.mu.Lock()
			r.sent = d.now()
			ln.sent = append(ln.sent, r)
			ln.mu.Unlock()
			if !yield(client.BulkBallot{
				Voter: r.vote.Voter, Ballot: d.plan.Poll(r.vote.Poll).Ballot(r.choice()), IfVersion: r.ifVersion(),
			}) {
				return
			}
			idle.Reset(laneIdle)
			var ok bool
			select {
			case r, ok = <-ln.input:
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
func (ln *lane) answer(ctx context.Context, a client.BulkAnswer) {
	ln.mu.Lock()
	r := ln.sent[0]
	ln.sent = ln.sent[1:]
	ln.mu.Unlock()
	ln.lanes.driver.answered(ctx, r, client.Receipt{Outcome: a.Outcome, Version: a.Version, Ballot: a.Ballot}, a.Err())
	ln.lanes.done(1)
}

// abandon records that the ballots left in a stream were not answered.
func (ln *lane) abandon(ctx context.Context, err error) {
	ln.mu.Lock()
	left := ln.sent
	ln.sent = nil
	ln.mu.Unlock()
	for _, r := range left {
		ln.lanes.driver.answered(ctx, r, client.Receipt{}, err)
	}
	ln.lanes.done(len(left))
}
