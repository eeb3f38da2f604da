package cluster

import (
	"context"
	"time"

	"voted/internal/cluster/replica"
)

// Lead waits until this member leads and has all that was committed before. What it returns
// ends when it no longer leads. The error is that of ctx, or of the member that ends.
func (n *Node) Lead(ctx context.Context) (context.Context, error) {
	for {
		now := n.leaders.Now()
		var again <-chan time.Time
		if now.Self {
			if n.Leads() {
				return now.Context, nil
			}
			again = time.After(replica.RetryPause) // the first entry of its term is under way
		}
		select {
		case <-again:
		case <-now.Context.Done():
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-n.ctx.Done():
			return nil, n.ctx.Err()
		}
	}
}
