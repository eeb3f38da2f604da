package viewers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"voted/client"
)

// cast is what casting ballots on a schedule came to.
type cast struct {
	acknowledged []moment // in the order of the indexes
	latencies    []time.Duration
	failed       int
	problem      error // the first
	took         time.Duration
}

// castOnSchedule casts ballots of new voters at the rate. Each has its time, and its latency
// counts from there: a node that stops for a second makes all that were due meanwhile late.
func castOnSchedule(ctx context.Context, c *client.Client, poll, prefix string, rate int, length time.Duration) *cast {
	all := int64(float64(rate) * length.Seconds())
	start := time.Now()
	var next atomic.Int64
	var mu sync.Mutex // guards done
	done := &cast{}
	var workers sync.WaitGroup
	for range min(inFlight, int(all)) {
		workers.Go(func() {
			for n := next.Add(1) - 1; n < all && ctx.Err() == nil; n = next.Add(1) - 1 {
				due := start.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
				if wait := time.Until(due); wait > 0 {
					select {
					case <-time.After(wait):
					case <-ctx.Done():
						return
					}
				}
				receipt, err := c.Cast(ctx, poll, fmt.Sprintf("%s%d", prefix, n), client.Choose(choices[n%int64(len(choices))]))
				now := time.Now()
				mu.Lock()
				if err != nil {
					if done.failed++; done.problem == nil {
						done.problem = err
					}
				} else {
					done.acknowledged = append(done.acknowledged, moment{receipt.Index, now})
					done.latencies = append(done.latencies, now.Sub(due))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	done.took = time.Since(start)
	slices.SortFunc(done.acknowledged, func(a, b moment) int { return cmp.Or(cmp.Compare(a.index, b.index), a.at.Compare(b.at)) })
	slices.Sort(done.latencies)
	return done
}

// choices are the options of the poll; the bars of all of them move.
var choices = []string{"ann", "bo", "cy", "di", "ed", "flo", "gus", "hal", "ida", "jo"}
