package cluster_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"voted/internal/cluster"
	"voted/internal/poll"
)

// BenchmarkCast casts ballots in a cluster of three members in this process, on real ports
// and disks. With TMPDIR in memory (/dev/shm) the disks cost nothing, and what is left is
// the processors' part: the way of a ballot through all members.
func BenchmarkCast(b *testing.B) {
	for _, callers := range []int{1, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			c := newTestCluster(b, 3)
			leader := c.leader()
			createPoll(b, c.nodes[leader], "p")
			// As in bench compare: a single client is at the leader, many are at all members.
			nodes := []*cluster.Node{c.nodes[leader]}
			if callers > 1 {
				for id, n := range c.nodes {
					if id != leader {
						nodes = append(nodes, n)
					}
				}
			}
			var voters atomic.Int64
			cast := func() error {
				i := voters.Add(1)
				o, err := nodes[int(i)%len(nodes)].Cast(b.Context(), ballot("p", fmt.Sprint("v", i), 0))
				if err == nil && o.Kind != poll.Counted {
					err = fmt.Errorf("ballot %d is %v", i, o.Kind)
				}
				return err
			}
			b.ReportAllocs()
			b.ResetTimer()
			ended := make(chan error, callers)
			for n := range callers {
				share := b.N / callers
				if n < b.N%callers {
					share++
				}
				go func() {
					var err error
					for ; share > 0 && err == nil; share-- {
						err = cast()
					}
					ended <- err
				}()
			}
			for range callers {
				if err := <-ended; err != nil {
					b.Error(err)
				}
			}
			b.StopTimer()
		})
	}
}
