package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// proposer is the leader's end: it packs the frames that wait into one raft entry,
// with few entries under way. It runs on every member; where the member does not
// lead, raft says so.
type proposer struct {
	node   *Node
	queue  chan *proposal
	flight chan struct{} // a token for each entry under way
}

// proposal is one frame and what becomes of it.
type proposal struct {
	frame   []byte
	ballots int
	done    chan answered // buffered: nobody may be waiting any more
	span    *trace.Span   // of the call or batch that it belongs to; nil: it is not traced
}

// answered is the fate of one frame.
type answered struct {
	index    uint64
	clock    int64
	outcomes []poll.Outcome
	err      error
}

func newProposer(n *Node) *proposer {
	return &proposer{node: n, queue: make(chan *proposal, maxProposals), flight: make(chan struct{}, entriesInFlight)}
}

// propose waits until the frame's ballots have been applied. An error that wraps
// errNotAppended or errBusy is certain; after any other the outcome is unknown.
func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (answered, error) {
	if err := p.node.Doubt(); err != nil {
		return answered{}, err
	}
	if p.node.short.Load() != nil {
		return p.node.recall(ctx, frame)
	}
	x := &proposal{frame: frame, ballots: ballots, done: make(chan answered, 1), span: p.node.spanOf(ctx)}
	select {
	case p.queue <- x:
	default:
		return answered{}, errBusy
	}
	select {
	case a := <-x.done:
		return a, a.err
	case <-ctx.Done():
		return answered{}, ctx.Err()
	case <-p.node.ctx.Done():
		return answered{}, p.node.ctx.Err()
	}
}

// run packs and proposes until the node ends.
func (p *proposer) run() {
	for {
		var first *proposal
		select {
		case first = <-p.queue:
		case <-p.node.ctx.Done():
			return
		}
		// What arrives while the entries under way are many joins this one.
		select {
		case p.flight <- struct{}{}:
		case <-p.node.ctx.Done():
			return
		}
		p.send(p.gather(first))
	}
}

// gather takes what waits, up to the size of an entry.
func (p *proposer) gather(first *proposal) []*proposal {
	packed, size := []*proposal{first}, len(first.frame)
	for size < maxEntryBytes {
		select {
		case x := <-p.queue:
			packed = append(packed, x)
			size += len(x.frame)
		default:
			return packed
		}
	}
	return packed
}

func (p *proposer) send(packed []*proposal) {
	n := p.node
	frames := make([][]byte, len(packed))
	size, ballots := 64, 0
	for i, x := range packed {
		frames[i] = x.frame
		size += len(x.frame) + 8
		ballots += x.ballots
	}
	entry := fsm.AppendBallots(make([]byte, 0, size), n.stamp(), frames...)
	span := n.traceEntry(packed, entry, ballots)
	start := time.Now()
	n.fsm.Expect(1)
	future := n.raft.Apply(entry, callTimeout)
	// Not one of the node's tasks: raft may forget a future when it shuts down
	// (hashicorp/raft #498), and those who wait for the answers do not rely on it.
	go func() {
		a, err := resolved(future, future.Error())
		n.fsm.Expect(-1)
		<-p.flight
		n.metrics.entry(ballots, len(entry), time.Since(start), err, span)
		n.endEntry(span, entry, a, err)
		if err == nil && len(a.Outcomes) != ballots {
			err = fmt.Errorf("entry %d has %d outcomes for %d ballots", a.Index, len(a.Outcomes), ballots)
		}
		share(packed, a, err)
	}()
}

// share gives each proposal its part of an entry's outcomes.
func share(packed []*proposal, a fsm.Applied, err error) {
	outcomes := a.Outcomes
	for _, x := range packed {
		r := answered{index: a.Index, clock: a.Clock, err: err}
		if err == nil {
			r.outcomes, outcomes = outcomes[:x.ballots:x.ballots], outcomes[x.ballots:]
		}
		x.done <- r
	}
}

// execute proposes a management command as an entry of its own.
func (p *proposer) execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	if err := p.node.Doubt(); err != nil {
		return poll.Result{}, err
	}
	if err := p.node.roomFor(c); err != nil {
		return poll.Result{}, err
	}
	if err := p.node.permit(c); err != nil {
		return poll.Result{}, err
	}
	entry := fsm.AppendCommand(nil, p.node.stamp(), c)
	_, span := p.node.begin(ctx, "entry", trace.Internal)
	p.node.followEntry(span, entry)
	a, err := p.node.apply(ctx, entry)
	p.node.endEntry(span, entry, a, err)
	return a.Result, err
}

// apply proposes one entry and waits until it has been applied.
func (n *Node) apply(ctx context.Context, entry []byte) (fsm.Applied, error) {
	future := n.raft.Apply(entry, callTimeout)
	return resolved(future, n.await(ctx, future))
}

// resolved sorts the error of a proposal: certainly not appended (errNotAppended),
// or anything else: unknown.
func resolved(f raft.ApplyFuture, err error) (fsm.Applied, error) {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return fsm.Applied{}, fmt.Errorf("%w: %w", errNotAppended, err)
	case err != nil:
		return fsm.Applied{}, err
	}
	a, ok := f.Response().(*fsm.Applied)
	if !ok {
		return fsm.Applied{}, errors.New("the state machine has halted")
	}
	return *a, nil
}
