package cluster

import (
	"context"
	"fmt"
	"sync"
)

// mindRemoval is how a member learns that it was removed: raft tells it nothing, for nobody
// speaks to it any more, and it may have been away. It asks whom it knows while it has no
// leader. The answer of a single one is enough: membership up to a log index is what was
// decided, and that index lies behind all that this member has in its log.
func (n *Node) mindRemoval(ctx context.Context) {
	if n.leaders.now().id != "" {
		return
	}
	mine := n.roster()
	said := make(chan string, len(mine.Members))
	var asking sync.WaitGroup
	for _, m := range mine.Members {
		if m.ID == n.opts.ID {
			continue
		}
		asking.Go(func() { // ends with its call
			r, err := n.askMembers(ctx, m.Peer)
			if err == nil && len(r.Members) > 0 && r.Index >= mine.Index && !r.has(n.opts.ID) {
				said <- m.ID
			}
		})
	}
	asking.Wait()
	select {
	case who := <-said:
		n.Fail(fmt.Errorf("%w: member %s was removed from its cluster, says %s, and its data is of no use there any more. "+
			"To let it in again, empty its data directory and start it with --join; under TLS, also voted cluster add %s", ErrUsage, n.opts.ID, who, n.opts.ID))
	default:
	}
}
