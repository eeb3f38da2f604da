package submit

import (
	"context"
	"fmt"
	"time"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// proposer is the leader's part: it packs the frames that wait into one raft entry, with
// few entries under way. It runs on every member; if the member does not lead, raft
// refuses the entry.
type proposer struct {
	*Submitter
	queue  chan *proposal
	flight chan struct{} // a token for each entry under way
}

// proposal is one frame and its outcome.
type proposal struct {
	frame   []byte
	ballots int
	done    chan fate   // buffered: the receiver may have left
	span    *trace.Span // of the call or batch that it belongs to; nil: it is not traced
}

// Answered is the outcome of one frame of ballots.
type Answered struct {
	Index    uint64 // of the entry that it was a part of
	Clock    int64  // at that entry
	Outcomes []poll.Outcome
}

// fate is an answer, or why there is none.
type fate struct {
	Answered
	err error
}

// propose waits until the frame's ballots have been applied. After an error that wraps
// replica.ErrNotAppended or errBusy certainly none was; after any other the outcome is
// unknown.
func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (Answered, error) {
	if a, held, err := p.Gate.Recall(ctx, frame); held {
		return a, err
	}
	x := &proposal{frame: frame, ballots: ballots, done: make(chan fate, 1), span: p.Tracer.Of(ctx)}
	select {
	case p.queue <- x:
	default:
		return Answered{}, errBusy
	}
	select {
	case a := <-x.done:
		return a.Answered, a.err
	case <-ctx.Done():
		return Answered{}, ctx.Err()
	case <-p.ctx.Done():
		return Answered{}, p.ctx.Err()
	}
}

// run packs and proposes until the member ends.
func (p *proposer) run() {
	for {
		var first *proposal
		select {
		case first = <-p.queue:
		case <-p.ctx.Done():
			return
		}
		// Frames that arrive while enough entries are under way join this one.
		select {
		case p.flight <- struct{}{}:
		case <-p.ctx.Done():
			return
		}
		p.send(p.gather(first))
	}
}

// gather takes the frames that wait, up to the size of an entry.
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
	frames := make([][]byte, len(packed))
	size, ballots := 64, 0
	for i, x := range packed {
		frames[i] = x.frame
		size += len(x.frame) + 8
		ballots += x.ballots
	}
	entry := fsm.AppendBallots(make([]byte, 0, size), p.Stamp(), frames...)
	span := p.traceEntry(packed, ballots)
	start := time.Now()
	p.State.Expect(1)
	pending := p.Replica.Begin(entry)
	// Not one of the tasks: see Pending.Wait. Callers that wait for the answers do not rely
	// on them once the member ends.
	go func() {
		a, err := pending.Wait()
		p.State.Expect(-1)
		<-p.flight
		p.metrics.entry(ballots, len(entry), time.Since(start), err, span)
		p.endEntry(span, len(entry), a, err)
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
		r := fate{Answered{Index: a.Index, Clock: a.Clock}, err}
		if err == nil {
			r.Outcomes, outcomes = outcomes[:x.ballots:x.ballots], outcomes[x.ballots:]
		}
		x.done <- r
	}
}
