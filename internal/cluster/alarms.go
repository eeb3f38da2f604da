package cluster

import (
	"context"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/survey"
)

// tellAlarms lets the replicated journal tell which findings began or ended. It acts only on
// the leader, and proposes nothing that some member may be unable to read, or for which
// disks have no room. An error does not matter: whether the command was applied or not, the
// next looks compare what is found with what is told.
func (n *Node) tellAlarms(watch *survey.Watch, x *survey.Inspection) {
	if n.level() < poll.WebhookLevel || n.shortage.Load() != nil || !n.replica.Leads() {
		return
	}
	var due []poll.Alarm
	at := n.stamp()
	n.fsm.Read(func(s *poll.State) { due = watch.Due(x, s, at) })
	if len(due) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	for _, a := range due {
		done, err := n.replica.Propose(ctx, fsm.AppendCommand(nil, at, a))
		if err == nil && done.Result.Err != nil {
			err = done.Result.Err
		}
		if err != nil {
			n.log.Debug("an alarm is not told yet", "kind", a.Kind, "member", a.Member, "on", a.On, "error", err)
			return
		}
	}
}
