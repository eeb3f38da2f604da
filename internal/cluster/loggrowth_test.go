package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster"
	"voted/internal/poll"
)

// gate is a store whose snapshots stop at their first write until they are let go, and at
// the second for good.
type gate struct {
	cluster.Store
	began, letGo chan struct{}
	cancelled    chan struct{}
}

func (g *gate) Snapshots() raft.SnapshotStore { return &gatedSnapshots{g.Store.Snapshots(), g} }

type gatedSnapshots struct {
	raft.SnapshotStore
	gate *gate
}

func (s *gatedSnapshots) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(v, index, term, c, at, t)
	return &gatedSink{SnapshotSink: sink, gate: s.gate}, err
}

type gatedSink struct {
	raft.SnapshotSink
	gate   *gate
	writes int
}

func (s *gatedSink) Write(b []byte) (int, error) {
	if s.writes++; s.writes > 1 {
		select {} // a disk that never finishes
	}
	close(s.gate.began)
	<-s.gate.letGo
	return s.SnapshotSink.Write(b)
}

func (s *gatedSink) Cancel() error {
	select {
	case <-s.gate.cancelled:
	default:
		close(s.gate.cancelled)
	}
	return s.SnapshotSink.Cancel()
}

func TestAMemberLeavesInOrderWhileItWritesASnapshot(t *testing.T) {
	t.Parallel()
	// Given a member that is in the middle of a snapshot which takes long,
	g := &gate{began: make(chan struct{}), letGo: make(chan struct{}), cancelled: make(chan struct{})}
	c := newTestClusterWith(t, 1, func(_ string, o *cluster.Options) {
		g.Store = o.Store
		o.Store, o.SnapshotGrowth = g, 1<<20
	})
	n := c.nodes["n1"]
	createPoll(t, n, "p")
	ctx := ctxFor(t, 60*time.Second)
	for voter, written := 0, false; !written; {
		many := make([]poll.Ballot, 4000)
		for i := range many {
			voter++
			many[i] = *ballot("p", fmt.Sprint(voter), 0)
		}
		if _, err := n.CastMany(ctx, many); err != nil {
			t.Fatal(err)
		}
		select {
		case <-g.began:
			written = true
		default:
		}
	}
	// when it is closed,
	closed := make(chan error, 1)
	go func() { closed <- n.Close() }()
	<-n.Done()
	close(g.letGo)
	// then it gives the snapshot up instead of failing to end.
	if err := <-closed; err != nil {
		t.Errorf("closed with: %v", err)
	}
	select {
	case <-g.cancelled:
	default:
		t.Error("the snapshot was not given up")
	}
	delete(c.nodes, "n1")
}

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
