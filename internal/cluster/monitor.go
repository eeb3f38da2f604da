package cluster

import (
	"context"
	"time"

	"voted/internal/poll"
	"voted/internal/survey"
)

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
		if !n.leaders.Now().Self {
			continue
		}
		var due int64
		n.fsm.Read(func(s *poll.State) { due = s.NextDeadline() })
		if due == 0 || due > n.stamp() {
			continue
		}
		if err := n.replica.Tick(n.ctx); err != nil {
			n.log.Debug("a poll's opening or closing waits for the next tick", "error", err)
		}
	}
}

// monitor looks at the other members regularly, and passes each look to the parts of this
// member that act on it. It is the only goroutine that does.
func (n *Node) monitor() {
	every := time.NewTicker(monitorEvery)
	defer every.Stop()
	silent, noted, watch := map[string]bool{}, chronicle{note: n.note}, survey.Watch{}
	for {
		ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
		seen := n.survey(ctx)
		cancel()
		absences := n.absent().After(seen, time.Now())
		n.absences.Store(&absences)
		n.clock.update(n.opts.ID, seen, n.log)
		n.members.CheckOwnPlace(n.ctx, seen)
		n.compare(seen)
		found := n.inspection(seen)
		noted.look(found, n.replica.Members())
		n.members.Act(n.ctx, seen, absences)
		if n.leaders.Now().Self {
			n.raiseLevel(seen)
			n.formatsSettled.Store(true)
			n.actOnShortage(seen)
			n.logSilence(seen, silent)
			n.tellAlarms(&watch, found)
		} else {
			clear(silent)
			watch = survey.Watch{}
			n.shortage.Store(nil)
		}
		select {
		case <-every.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// absent returns since when members do not answer this one.
func (n *Node) absent() survey.Absences {
	if a := n.absences.Load(); a != nil {
		return *a
	}
	return nil
}

// logSilence logs once when a member no longer gives its status, and once when it is
// back.
func (n *Node) logSilence(seen survey.Look, silent map[string]bool) {
	for _, m := range seen {
		id := m.ID
		switch {
		case m.Err != nil && !silent[id]:
			says := "a member does not answer; the cluster goes on while a majority does"
			if m.Obstacle != nil {
				says = "a member answers and cannot be talked to; the cluster goes on while a majority can"
			}
			n.log.Warn(says, "member", id, "peer", m.Where, "error", m.Err)
		case m.Err == nil && silent[id]:
			n.log.Info("a member answers again", "member", id)
		}
		silent[id] = m.Err != nil
	}
}
