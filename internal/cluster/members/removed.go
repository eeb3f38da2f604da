package members

import (
	"context"
	"sync"

	"voted/internal/cluster/peer"
	"voted/internal/usage"
)

// endIfRemoved finds out whether this member was removed. Raft does not report it: the
// others no longer send messages to a removed member, and it may have been away. While it
// has no leader, it asks the members that it knows. One answer is enough, if it has a
// membership without this member that was decided at the last index of this member's log
// or later.
func (ms *Members) endIfRemoved(ctx context.Context) {
	if ms.leaders.Now().ID != "" {
		return
	}
	mine := ms.roster()
	said := make(chan string, len(mine.Members))
	var asking sync.WaitGroup
	for _, m := range mine.Members {
		if m.ID == ms.opts.ID {
			continue
		}
		asking.Go(func() { // ends with its call
			r, err := ms.askMembers(peer.Meaning(ctx, m.ID), ms.opts.Lookout.WhereIs(m))
			if err == nil && len(r.Members) > 0 && r.Index >= mine.Index && !r.has(ms.opts.ID) {
				said <- m.ID
			}
		})
	}
	asking.Wait()
	select {
	case who := <-said:
		ms.opts.Fail(usage.Errorf("member %s was removed from its cluster, as %s reports, and its data can no longer be used there. "+
			"To let it in again, empty its data directory and start it with --join; under TLS, also voted cluster add %s", ms.opts.ID, who, ms.opts.ID))
	default:
	}
}
