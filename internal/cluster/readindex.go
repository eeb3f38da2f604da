package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/cluster/submit"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/trace"
)

// A linearizable read (Ongaro 2014, §6.4): the leader notes its commit index, then a
// majority of voting members confirms that none has a newer term, so no newer leader can
// have committed anything before the note. The member that serves the read waits until it
// has applied up to that index. Many readers share one round.
//
// Raft's own VerifyLeader is not used: it counts members that do not vote.

// Sync returns when this member has applied everything that was acknowledged
// anywhere before the call.
func (n *Node) Sync(ctx context.Context) error {
	for {
		if err := n.Doubt(); err != nil {
			return err
		}
		index, err := n.readRounds.join(ctx)
		if err == nil {
			err = n.fsm.WaitApplied(ctx, index)
		}
		if err == nil {
			n.clock.synced()
			return nil
		}
		if ctx.Err() != nil || n.ctx.Err() != nil {
			return &refusal.Error{Code: refusal.Unavailable, Detail: "No up-to-date answer could be had in time; ask again, or for an answer that may be old.", Cause: err}
		}
	}
}

// readIndex asks the leader for an index to read at, until ctx ends.
func (n *Node) readIndex(ctx context.Context) (uint64, error) {
	var index uint64
	err := n.submitter.AskLeader(ctx, submit.Question{Method: callReadIndex, Within: callTimeout}, func(ctx context.Context) (err error) {
		index, err = n.confirms.join(ctx)
		return err
	}, func(answer []byte) error {
		if len(answer) != 8 {
			return poll.ErrTruncated
		}
		index = binary.LittleEndian.Uint64(answer)
		return nil
	})
	return index, err
}

// confirmLeadership is one round of the leader: it returns the index of the last
// command that may have been acknowledged before the call.
func (n *Node) confirmLeadership(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	term, leads := n.replica.LeadsIn()
	if !leads {
		return 0, fmt.Errorf("%w: this member does not lead, or not yet", replica.ErrNotAppended)
	}
	commit := n.replica.Position().Commit
	if err := n.majorityAt(ctx, term); err != nil {
		return 0, err
	}
	// Every entry after the one that made this member ready goes through the state.
	if err := n.fsm.WaitPassed(ctx, commit); err != nil {
		return 0, err
	}
	return n.fsm.Index(), nil
}

// majorityAt returns nil if a majority of the voting members, this one included, answer
// that their term is still term.
func (n *Node) majorityAt(ctx context.Context, term uint64) error {
	voting := replica.Electors(n.replica.Members())
	need := len(voting)/2 + 1
	answers := make(chan bool, len(voting))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, v := range voting {
		if v.ID == n.opts.ID {
			answers <- n.replica.Term() == term
			continue
		}
		go func() {
			answer, err := n.opts.Network.Call(peer.Meaning(ctx, v.ID), n.lookout.WhereIs(v.Peer), callTerm, nil)
			// An answer of another member at its address does not count.
			answers <- err == nil && len(answer) > 8 && binary.LittleEndian.Uint64(answer) == term && string(answer[8:]) == v.ID
		}()
	}
	yes := 0
	for range voting {
		if <-answers {
			yes++
		}
		if yes == need {
			return nil
		}
	}
	return fmt.Errorf("%d of %d voting members confirmed the leader, %d are needed", yes, len(voting), need)
}

// readRounds lets many callers share one round. A caller never joins a round that began
// before it called: it must see what was acknowledged until then.
type readRounds struct {
	ctx    context.Context // of the node
	goTask func(func())    // starts a goroutine for which the node waits
	ask    func(ctx context.Context) (uint64, error)

	mu      sync.Mutex
	next    *readRound // guarded by mu; gathers callers, nil if there are none
	running bool       // guarded by mu
}

type readRound struct {
	done    chan struct{}
	carried trace.Carried // of the first caller, or the first that is traced
	index   uint64
	err     error
}

// maxRound ends a round that finds no leader; callers that still wait start another.
const maxRound = 2 * time.Second

func newReadRounds(ctx context.Context, goTask func(func()), ask func(ctx context.Context) (uint64, error)) *readRounds {
	return &readRounds{ctx: ctx, goTask: goTask, ask: ask}
}

// join returns the result of a round that begins after the call.
func (r *readRounds) join(ctx context.Context) (uint64, error) {
	round := r.enter(ctx)
	select {
	case <-round.done:
		return round.index, round.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (r *readRounds) enter(ctx context.Context) *readRound {
	carried := trace.From(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != nil && r.next.carried.Span == nil && carried.Span != nil {
		r.next.carried = carried
	}
	if r.next == nil {
		r.next = &readRound{done: make(chan struct{}), carried: carried}
		if !r.running {
			r.running = true
			r.goTask(r.run)
		}
	}
	return r.next
}

// run holds rounds until no one waits.
func (r *readRounds) run() {
	for {
		r.mu.Lock()
		round := r.next
		r.next = nil
		if round == nil {
			r.running = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(trace.With(r.ctx, round.carried), maxRound)
		round.index, round.err = r.ask(ctx)
		cancel()
		close(round.done)
	}
}
