package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
	"voted/internal/trace"
)

// A linearizable read (Ongaro 2014, §6.4): the leader notes its commit index, then
// hears from a majority of voters that none has a newer term, so no newer leader
// can have committed anything before the note. Whoever serves the read waits until
// it has applied that much. Many readers share one round.
//
// raft.VerifyLeader is not used: it counts members that do not vote.

// Sync returns when this member has applied everything that was acknowledged
// anywhere before the call.
func (n *Node) Sync(ctx context.Context) error {
	for {
		if err := n.Doubt(); err != nil {
			return err
		}
		index, err := n.reads.join(ctx)
		if err == nil {
			err = n.fsm.WaitApplied(ctx, index)
		}
		if err == nil {
			n.clock.synced()
			return nil
		}
		if ctx.Err() != nil || n.ctx.Err() != nil {
			return &poll.Error{Code: poll.CodeUnavailable, Detail: "No up-to-date answer could be had in time; ask again, or read with consistency=stale.", Cause: err}
		}
	}
}

// readIndex asks whoever leads for an index to read at, until ctx ends.
func (n *Node) readIndex(ctx context.Context) (uint64, error) {
	var index uint64
	err := n.submit(ctx, func(ctx context.Context, leader leadership) (err error) {
		if leader.self {
			index, err = n.confirms.join(ctx)
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		answer, err := n.ask(ctx, leader.addr, callReadIndex, nil)
		if err != nil {
			return err
		}
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
	term := n.raft.CurrentTerm()
	if n.ready.Load() != term || n.raft.State() != raft.Leader {
		return 0, fmt.Errorf("%w: this member does not lead, or not yet", errNotAppended)
	}
	commit := n.raft.CommitIndex()
	if err := n.majorityAt(ctx, term); err != nil {
		return 0, err
	}
	// Every entry after the one that made this member ready passes the state.
	if err := n.fsm.WaitPassed(ctx, commit); err != nil {
		return 0, err
	}
	return n.fsm.Index(), nil
}

// majorityAt returns nil when a majority of the voters, this member included, say
// that their term is still term.
func (n *Node) majorityAt(ctx context.Context, term uint64) error {
	voters := votersIn(n.configuration())
	need := len(voters)/2 + 1
	answers := make(chan bool, len(voters))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, v := range voters {
		if string(v.ID) == n.opts.ID {
			answers <- n.raft.CurrentTerm() == term
			continue
		}
		go func() {
			answer, err := n.opts.Network.Call(ctx, string(v.Address), callTerm, nil)
			answers <- err == nil && len(answer) == 8 && binary.LittleEndian.Uint64(answer) == term
		}()
	}
	yes := 0
	for range voters {
		if <-answers {
			yes++
		}
		if yes == need {
			return nil
		}
	}
	return fmt.Errorf("%d of %d voters confirmed the leader, %d are needed", yes, len(voters), need)
}

// readRounds lets many callers share one round. A caller never joins a round that
// began before it came: what it must see might be younger.
type readRounds struct {
	ctx context.Context // of the node
	ask func(ctx context.Context) (uint64, error)

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

// maxRound ends a round that finds no leader; those who still wait start another.
const maxRound = 2 * time.Second

func newReadRounds(ctx context.Context, ask func(ctx context.Context) (uint64, error)) *readRounds {
	return &readRounds{ctx: ctx, ask: ask}
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
			go r.run()
		}
	}
	return r.next
}

// run holds rounds until nobody waits.
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
