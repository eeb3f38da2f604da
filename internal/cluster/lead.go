package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// lead makes this member ready whenever it becomes the leader: a command of the new
// term, once applied, proves that everything before it is committed and applied.
func (n *Node) lead() {
	for n.ctx.Err() == nil {
		now := n.leaders.now()
		if now.self {
			n.becomeReady(now.ctx)
		}
		select {
		case <-now.ctx.Done():
		case <-n.ctx.Done():
		}
	}
}

func (n *Node) becomeReady(ctx context.Context) {
	for ctx.Err() == nil && n.ctx.Err() == nil {
		term := n.raft.CurrentTerm()
		start := time.Now()
		span := n.opts.Tracer.Root("become leader") // ended only where it became one
		if err := n.proposeTick(ctx); err != nil {
			n.leaders.pause(ctx, retryPause)
			continue
		}
		// A tick applied in a later term would not prove this one: ask again.
		if n.raft.CurrentTerm() == term && n.raft.State() == raft.Leader {
			n.ready.Store(term)
			n.metrics.elected.Inc()
			span.Number("voted.term", int64(term))
			span.End()
			n.log.Info("this member leads", "term", term, "ready_after", time.Since(start).Round(time.Microsecond))
			return
		}
	}
}

func (n *Node) proposeTick(ctx context.Context) error {
	entry := fsm.AppendCommand(nil, n.stamp(), poll.Tick{})
	_, err := n.apply(ctx, entry)
	return err
}

// tick lets polls open and close on time while no ballot comes in.
func (n *Node) tick() {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-n.ctx.Done():
			return
		}
		if !n.leaders.now().self {
			continue
		}
		var due int64
		n.fsm.Read(func(s *poll.State) { due = s.NextDeadline() })
		if due == 0 || due > n.stamp() {
			continue
		}
		if err := n.proposeTick(n.ctx); err != nil {
			n.log.Debug("a poll's opening or closing waits for the next tick", "error", err)
		}
	}
}

// monitor is a member's regular look at the others: at their clocks, and, while it
// leads, at who is silent and which non-voter has caught up.
func (n *Node) monitor() {
	every := time.NewTicker(monitorEvery)
	defer every.Stop()
	silent := map[string]bool{}
	for {
		ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
		seen := n.survey(ctx)
		cancel()
		n.seen.Store(&seen)
		n.away.note(seen, time.Now())
		n.clock.heard(n.opts.ID, seen, n.log)
		n.compare(seen)
		if n.leaders.now().self {
			n.promote(n.ctx, seen)
			n.raise(seen)
			n.mindSpace(seen)
			n.removeDead(seen)
			n.tellSilence(seen, silent)
		} else {
			clear(silent)
			n.short.Store(nil)
			n.mindRemoval(n.ctx)
		}
		select {
		case <-every.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// tellSilence says once when a member stops answering, and once when it is back.
func (n *Node) tellSilence(seen []sighting, silent map[string]bool) {
	for _, m := range seen {
		id := m.server.ID
		switch {
		case m.err != nil && !silent[id]:
			n.log.Warn("a member does not answer; the cluster goes on while a majority does", "member", id, "peer", m.server.Peer, "error", m.err)
		case m.err == nil && silent[id]:
			n.log.Info("a member answers again", "member", id)
		}
		silent[id] = m.err != nil
	}
}
