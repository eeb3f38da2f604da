package cluster

import (
	"context"
	"fmt"
	"time"
)

// minVotersLeft is how many voters must be well for the cluster to remove one that is
// not: with three it can lose another one meanwhile, and nothing is gained below.
const minVotersLeft = 3

// deadMember returns a member that has been away for so long that it is to be removed,
// empty if there is none. The removal of a member that is away never makes the others'
// majority harder to reach; what must not happen is that a cluster shrinks to two or
// one because many are away at once.
func deadMember(seen []sighting, since func(id string) time.Time, after time.Duration, now time.Time) (id string, away time.Duration) {
	living := 0
	for _, m := range seen {
		if m.voter && m.err == nil {
			living++
		}
	}
	for _, m := range seen {
		at := since(m.server.ID)
		if m.err == nil || at.IsZero() || now.Sub(at) < after || living < minVotersLeft {
			continue
		}
		if long := now.Sub(at); long > away {
			id, away = m.server.ID, long
		}
	}
	return id, away
}

// removeDead is the leader's: it removes one member at most a look.
func (n *Node) removeDead(seen []sighting) {
	if n.opts.RemoveDeadAfter <= 0 || n.ready.Load() != n.raft.CurrentTerm() {
		return
	}
	id, away := deadMember(seen, n.away.of, n.opts.RemoveDeadAfter, time.Now())
	if id == "" || !sameMembers(seen, n.configuration()) {
		return
	}
	why := fmt.Sprintf("it has not answered for %s", away.Round(time.Second))
	n.log.Warn("removing a member that is away for too long; to come back it needs an empty data directory", "member", id, "away", away.Round(time.Second))
	if err := n.opts.Audit("remove_dead_member", id, why); err != nil {
		n.log.Error("it is not removed, because that cannot be put on record", "member", id, "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, 2*callTimeout)
	defer cancel()
	if err := n.change(ctx, change{Op: "remove", ID: id}); err != nil {
		n.log.Warn("it could not be removed", "member", id, "error", err)
	}
}
