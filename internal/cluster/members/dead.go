package members

import (
	"context"
	"fmt"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/survey"
)

// removeDead acts only on the leader, and removes at most one member for each look.
func (ms *Members) removeDead(look survey.Look, absences survey.Absences) {
	if ms.opts.RemoveDeadAfter <= 0 || !ms.opts.Replica.Leads() {
		return
	}
	id, away := look.Dead(absences, ms.opts.RemoveDeadAfter, time.Now())
	if id == "" || !look.Shows(replica.Peers(ms.opts.Replica.Members())) {
		return
	}
	why := fmt.Sprintf("it has not answered for %s", away.Round(time.Second))
	ms.log.Warn("removing a member that is away for too long; to come back it needs an empty data directory", "member", id, "away", away.Round(time.Second))
	if err := ms.opts.Audit("remove_dead_member", id, why); err != nil {
		ms.log.Error("it is not removed, because that cannot be put on record", "member", id, "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ms.ctx, 2*askTime)
	defer cancel()
	if err := ms.change(ctx, change{Op: "remove", ID: id}); err != nil {
		ms.log.Warn("it could not be removed", "member", id, "error", err)
	}
}
