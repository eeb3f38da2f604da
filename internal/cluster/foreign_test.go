package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/cluster/storage"
	"voted/internal/poll"
	"voted/internal/usage"
)

// rehearsal founds a cluster, raises its term, casts ballots for b in it and stops it. It
// returns its directories.
func rehearsal(t *testing.T, like *testCluster, ballots int) map[string]string {
	t.Helper()
	c := foundAgain(like)
	createPoll(t, c.nodes["n1"], "board")
	for range 6 {
		if err := c.nodes["n1"].TransferLeadership(ctxFor(t, 20*time.Second), ""); err != nil {
			t.Fatal(err)
		}
		c.leader()
	}
	castAll(t, c.any(""), ballots, 1)
	for _, s := range c.servers {
		c.stop(s.ID)
	}
	return c.dirs
}

// foundAgain founds a cluster with the ids and addresses of another one, which is stopped,
// and on directories of its own.
func foundAgain(like *testCluster) *testCluster {
	c := &testCluster{t: like.t, servers: like.servers, secure: like.secure, nodes: map[string]*cluster.Node{}, dirs: map[string]string{}}
	c.t.Cleanup(func() {
		for id := range c.nodes {
			c.stop(id)
		}
	})
	for _, s := range c.servers {
		c.restart(s.ID)
	}
	return c
}

func castAll(t *testing.T, n *cluster.Node, ballots int, option byte) {
	t.Helper()
	for i := range ballots {
		if _, err := n.Cast(ctxFor(t, 20*time.Second), ballot("board", fmt.Sprint("v", i), option)); err != nil {
			t.Fatal(err)
		}
	}
}

func count(t *testing.T, n *cluster.Node) (ballots uint64) {
	t.Helper()
	if err := n.Sync(ctxFor(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	n.Read(func(s *poll.State) {
		i, _ := s.Info("board")
		ballots = uint64(i.Ballots)
	})
	return ballots
}

func failureOf(t *testing.T, n *cluster.Node) error {
	t.Helper()
	select {
	case <-n.Failed():
		return n.Failure()
	case <-time.After(20 * time.Second):
		t.Fatal("the member goes on")
		return nil
	}
}

func TestAMemberOnTheDirectoryOfAnotherClusterChangesNothingAtTheOthers(t *testing.T) {
	t.Parallel()
	// Given a cluster, and the directories of a rehearsal with the same ids and addresses,
	// with more in its log and of later terms …
	like := newTestCluster(t, 3)
	for _, s := range like.servers {
		like.stop(s.ID)
	}
	old := rehearsal(t, like, 30)
	c := foundAgain(like)
	createPoll(t, c.nodes["n1"], "board")
	castAll(t, c.nodes["n2"], 10, 0)
	real := c.nodes["n1"].ClusterID()
	before, err := c.nodes["n1"].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	// … when one member is started on the rehearsal's directory …
	c.stop("n3")
	c.leader()
	own := c.dirs["n3"]
	c.dirs["n3"] = old["n3"]
	c.restart("n3")
	// … then it stops with a sentence that names both clusters …
	failure := failureOf(t, c.nodes["n3"])
	rehearsed := c.nodes["n3"].ClusterID()
	if !usage.Is(failure) || !strings.Contains(failure.Error(), real) || !strings.Contains(failure.Error(), rehearsed) || rehearsed == real {
		t.Errorf("it says %v", failure)
	}
	c.stop("n3")
	// … the others count on, and nothing they acknowledged is lost …
	c.leader()
	for _, id := range []string{"n1", "n2"} {
		if got := count(t, c.nodes[id]); got != 10 {
			t.Errorf("%s counts %d ballots, not 10", id, got)
		}
	}
	after, err := c.nodes["n1"].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if after.Term > before.Term+2 {
		t.Errorf("the term went from %d to %d", before.Term, after.Term)
	}
	// … and on its own directory it is one of them again.
	c.dirs["n3"] = own
	c.restart("n3")
	c.leader()
	if got := count(t, c.nodes["n3"]); got != 10 {
		t.Errorf("n3 counts %d ballots, not 10", got)
	}
}

func TestOneMemberOfAnotherClusterDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	// Given one member of another cluster among the addresses …
	like := newTestCluster(t, 3)
	for _, s := range like.servers {
		like.stop(s.ID)
	}
	old := rehearsal(t, like, 1)
	c := foundAgain(like)
	createPoll(t, c.nodes["n1"], "board")
	c.stop("n3")
	c.dirs["n3"] = old["n3"]
	c.stop("n2")
	c.restart("n3")
	// … a member that sees it and no other waits for the rest …
	ctx := ctxFor(t, 20*time.Second)
	for found := false; !found; time.Sleep(20 * time.Millisecond) {
		s, err := c.nodes["n1"].Status(ctx)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("it does not find n3 to be of another cluster: %+v, %v", s.Findings, err)
		}
		for _, f := range s.Findings {
			found = found || f.Kind == "foreign" && f.Member == "n3" && strings.Contains(f.Text, "another cluster")
		}
	}
	if err := c.nodes["n1"].Failure(); err != nil {
		t.Fatalf("it stopped: %v", err)
	}
	// … also when it starts, and goes on with them.
	c.stop("n1")
	c.restart("n1")
	c.restart("n2")
	failureOf(t, c.nodes["n3"])
	c.stop("n3")
	c.leader()
	castAll(t, c.nodes["n1"], 3, 0)
}

func TestARecoveredMemberIsOfAnotherClusterThanThoseItLeft(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	castAll(t, c.nodes["n1"], 5, 0)
	before := c.nodes["n1"].ClusterID()
	c.leader()
	if err := c.nodes["n1"].Sync(ctxFor(t, 20*time.Second)); err != nil { // the two others alone can commit a ballot
		t.Fatal(err)
	}
	for _, s := range c.servers {
		c.stop(s.ID)
	}
	// Given a member that was made a cluster of its own …
	recoverAlone(t, c, "n1")
	c.start("n1", c.addrOf("n1"), func(o *cluster.Options) {})
	createdBy(t, c.nodes["n1"])
	if after := c.nodes["n1"].ClusterID(); after == before || after == "" {
		t.Fatalf("its cluster is %q, and was %q", after, before)
	}
	// … those that it left, started again, refuse its messages and do not stop it.
	c.restart("n2")
	c.restart("n3")
	for ctx := ctxFor(t, 20*time.Second); c.nodes["n2"].Leader() == ""; time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("n2 and n3 do not lead without it")
		}
	}
	if got := count(t, c.nodes["n1"]); got != 5 {
		t.Errorf("%d ballots", got)
	}
	// One that is started to join it on the directory of the old cluster ends with the
	// reason.
	c.stop("n3")
	c.start("n3", c.addrOf("n3"), func(o *cluster.Options) { o.Join = []string{c.addrOf("n1")} })
	if err := failureOf(t, c.nodes["n3"]); !strings.Contains(err.Error(), "empty one with --join") {
		t.Errorf("it says %v", err)
	}
}

func TestAMemberWhoseAppliedEntriesAreReplacedStopsAndSaysSo(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	// Given a member that is put back on an old copy of its directory after it has
	// acknowledged ballots with one other …
	c.stop("n3")
	old := t.TempDir()
	if err := os.CopyFS(old, os.DirFS(c.dirs["n3"])); err != nil {
		t.Fatal(err)
	}
	c.restart("n3")
	c.leader()
	c.stop("n2")
	c.leader()
	castAll(t, c.nodes["n1"], 3, 0)
	if got := count(t, c.nodes["n1"]); got != 3 {
		t.Fatalf("%d ballots", got)
	}
	c.stop("n3")
	c.stop("n1")
	c.dirs["n3"] = old
	// … and leads with the third, which never had them …
	c.restart("n3")
	c.restart("n2")
	c.leader()
	castAll(t, c.nodes["n2"], 2, 1)
	// … the one that still has them does not drop them without a word: it stops when raft
	// replaces them, or before that if it finds that the two others hold another state.
	c.restart("n1")
	err := failureOf(t, c.nodes["n1"])
	undone := errors.Is(err, storage.ErrUndone) && strings.Contains(err.Error(), "old copy")
	if !undone && !errors.Is(err, cluster.ErrDiffers) {
		t.Errorf("it says %v", err)
	}
}

// createdBy waits until a member alone leads.
func createdBy(t *testing.T, n *cluster.Node) {
	t.Helper()
	if _, err := n.Cast(ctxFor(t, 20*time.Second), ballot("board", "v0", 0)); err != nil {
		t.Fatal(err)
	}
}
