package drive

import (
	"context"
	"sync"

	"voted/harness/workload"
)

// SettleUnanswered sends again every ballot whose outcome is still unknown, as a client
// would, until each is answered, but at most settleRounds times.
func (d *Driver) SettleUnanswered(ctx context.Context) error {
	for range settleRounds {
		d.mu.Lock()
		open := d.unanswered
		d.unanswered = nil
		d.mu.Unlock()
		if len(open) == 0 {
			break
		}
		d.all(ctx, len(open), func(i int) {
			r := open[i]
			for r.original != nil {
				r = r.original // the request that was sent first
			}
			d.send(ctx, &request{vote: r.vote, kind: workload.Unanswered, original: r, intended: d.now()})
		})
	}
	return ctx.Err()
}

// SettleRestart sends again the ballots that were kept for the restart, and those that
// wait for a failover that never came.
func (d *Driver) SettleRestart(ctx context.Context) error {
	d.mu.Lock()
	votes, kind := d.restart, workload.AfterRestart
	left := append(d.released, d.failover...)
	d.restart, d.released, d.failover = nil, nil, nil
	d.mu.Unlock()
	votes = append(votes, left...)
	d.all(ctx, len(votes), func(i int) {
		d.send(ctx, &request{vote: d.plan.Vote(votes[i]), kind: kind, intended: d.now()})
	})
	return ctx.Err()
}

// all calls f for 0 to n-1, as many at a time as there are connections.
func (d *Driver) all(ctx context.Context, n int, f func(int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, d.Connections) {
		workers.Go(func() { // ends with next
			for i := range next {
				f(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	workers.Wait()
}
