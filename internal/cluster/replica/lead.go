package replica

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// Position is where this member's raft stands.
type Position struct {
	Term    uint64
	Last    uint64 // index of the newest entry in the log
	Commit  uint64 // index up to which the log is known to be committed
	Applied uint64 // index up to which it has been given to the state
}

// Position returns where raft stands now. Its numbers are read one after the other.
func (r *Replica) Position() Position {
	return Position{Term: r.Term(), Last: r.raft.LastIndex(), Commit: r.raft.CommitIndex(), Applied: r.raft.AppliedIndex()}
}

// Term returns raft's term.
func (r *Replica) Term() uint64 { return r.raft.CurrentTerm() }

// Elected reports whether this member is the leader as far as raft knows. It may not have
// applied yet what was committed before; see Leads.
func (r *Replica) Elected() bool { return r.raft.State() == raft.Leader }

// Leads reports whether this member leads and has applied all that was committed before
// its term.
func (r *Replica) Leads() bool {
	_, leads := r.LeadsIn()
	return leads
}

// LeadsIn is Leads, and also returns the term.
func (r *Replica) LeadsIn() (term uint64, leads bool) {
	term = r.Term()
	return term, r.leadsIn.Load() == term && r.Elected()
}

// Leaders returns this member's view of who leads.
func (r *Replica) Leaders() *Leaders { return r.leaders }

// prepareToLead makes this member ready whenever it becomes the leader: a command of the
// new term, once applied, proves that everything before it is committed and applied.
func (r *Replica) prepareToLead() {
	for r.ctx.Err() == nil {
		now := r.leaders.Now()
		if now.Self {
			r.becomeReady(now.Context)
		}
		select {
		case <-now.Context.Done():
		case <-r.ctx.Done():
		}
	}
}

func (r *Replica) becomeReady(ctx context.Context) {
	for ctx.Err() == nil && r.ctx.Err() == nil {
		term := r.Term()
		start := time.Now()
		span := r.opts.Tracer.Root("become leader") // ended only if it became one
		if err := r.Tick(ctx); err != nil {
			r.leaders.Pause(ctx, RetryPause)
			continue
		}
		// A tick that was applied in a later term proves nothing about this one: check again.
		if r.Term() == term && r.Elected() {
			r.leadsIn.Store(term)
			r.metrics.elected.Inc()
			span.Number("voted.term", int64(term))
			span.End()
			r.opts.Logger.Info("this member leads", "term", term, "ready_after", time.Since(start).Round(time.Microsecond))
			return
		}
	}
}
