package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/poll"
)

func TestALogThatGrowsQuicklyIsCompactedBeforeItsEntriesAreMany(t *testing.T) {
	t.Parallel()
	// Given a member to which entries alone would never make a snapshot due,
	const least = 64 << 10
	c := newTestClusterWith(t, 1, func(_ string, o *cluster.Options) { o.SnapshotEvery, o.SnapshotGrowth = 1<<40, least })
	n := c.nodes["n1"]
	createPoll(t, n, "p")
	// when the log outgrows what is worth a snapshot, one is written;
	// and when it outgrows that one, the next.
	ctx := ctxFor(t, 30*time.Second)
	var last int64
	taken := 0
	for voter := 0; last < 8*least; {
		newest, err := cluster.NewestSnapshot(n)
		if err != nil {
			t.Fatal(err)
		}
		if newest != last {
			taken++
			last = newest
		}
		many := make([]poll.Ballot, 500)
		for i := range many {
			voter++
			many[i] = *ballot("p", fmt.Sprint(strings.Repeat("x", 20), voter), 0)
		}
		if _, err := n.CastMany(ctx, many); err != nil {
			t.Fatalf("after a snapshot of %d bytes: %v", last, err)
		}
	}
	// And each made up for as much of the log: the state is not written again and again.
	if taken > 8 {
		t.Errorf("%d snapshots until one had %d bytes", taken, last)
	}
	// A restart begins with the newest.
	c.stop("n1")
	c.restart("n1")
	if err := c.nodes["n1"].Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if replayed := cluster.GrownSince(c.nodes["n1"]); replayed > last/2+2*least {
		t.Errorf("a restart replayed %d bytes of log after a snapshot of %d", replayed, last)
	}
}
