package replica

import (
	"context"
	"strings"
	"time"
)

// When a member logs that it knows of no leader.
const (
	// leaderlessAfter is longer than an election takes after a machine died; a shorter pause
	// ends with the line that says who leads.
	leaderlessAfter = 2 * time.Second
	// leaderlessEvery is how often it is logged again.
	leaderlessEvery = time.Minute
)

// reportLeaders logs, at each change, who leads, or that this member knows of no leader.
// On each member it is the first line that an operator looks for.
func (r *Replica) reportLeaders() {
	for r.ctx.Err() == nil {
		leader := r.leaders.Now()
		if leader.ID == "" {
			r.reportLeaderless()
			continue
		}
		if leader.ID != r.opts.ID { // if this member leads, prepareToLead logs it, once it is ready
			r.opts.Logger.Info("another member leads", "leader", leader.ID, "peer", leader.Addr, "term", r.Term())
		}
		term := r.Term()
		select {
		case <-leader.Context.Done():
		case <-r.ctx.Done():
			return
		}
		next := r.leaders.Now()
		switch {
		case !leader.Self || next.Self || r.ctx.Err() != nil:
		case r.handsOver.Load() == term:
			r.opts.Logger.Info("this member no longer leads: it handed over", "leader", next.ID, "term", r.Term())
		default:
			r.opts.Logger.Warn("this member no longer leads: a majority did not answer it, or elected another one", "leader", next.ID, "term", r.Term())
		}
	}
}

// reportLeaderless waits until a member leads, and until then logs which members answer.
func (r *Replica) reportLeaderless() {
	began, wait := time.Now(), leaderlessAfter
	for r.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(r.ctx, wait)
		_, err := r.leaders.Known(ctx)
		cancel()
		if err == nil || r.ctx.Err() != nil {
			return
		}
		answer, silent := r.opts.Roll(r.ctx)
		r.opts.Logger.Warn("this member knows of no leader, so it counts nothing; a majority of the voting members must run and reach each other",
			"for", time.Since(began).Round(time.Second), "answer", strings.Join(answer, ", "), "silent", strings.Join(silent, ", "))
		wait = leaderlessEvery
	}
}
