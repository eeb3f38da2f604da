package cluster_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/usage"

	"voted/internal/cluster"
	"voted/internal/cluster/replica"
	"voted/internal/cluster/storage"
	"voted/internal/poll"
)

func TestARecoveredMemberHasEverythingThatItHad(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	receipts := map[string]poll.Receipt{}
	for i := range 50 {
		voter := fmt.Sprint("v", i)
		o, err := c.nodes["n1"].Cast(ctxFor(t, 20*time.Second), ballot("p", voter, 0))
		if err != nil {
			t.Fatal(err)
		}
		receipts[voter] = o.Receipt
	}
	if err := c.nodes["n1"].Sync(ctxFor(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"n2", "n3", "n1"} {
		c.stop(id)
	}
	store, err := storage.Open(c.dirs["n1"], storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replica.Examine(store, "n2"); !usage.Is(err) {
		t.Errorf("under another name: %v", err)
	}
	s, err := replica.Examine(store, "n1")
	if err != nil || len(s.Lost()) != 2 || s.Check() != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if want := fmt.Sprintf("recover n1 as 10.0.0.1:9080 at %d without n2 n3", s.Index); s.Words("10.0.0.1:9080") != want {
		t.Errorf("the words are %q", s.Words("10.0.0.1:9080"))
	}
	if id, err := replica.Recover(store, s, c.addrOf("n1")); err != nil || id == s.Cluster {
		t.Fatalf("cluster %s became %s, %v", s.Cluster, id, err)
	}
	if again, err := replica.Examine(store, "n1"); err != nil || !usage.Is(again.Check()) {
		t.Errorf("it can be recovered again: %+v, %v", again, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c.restart("n1")
	c.start("n4", portstest.Addr(t), func(o *cluster.Options) { o.Join = []string{c.addrOf("n1")} })
	// The others may have signed what this one does not have, so the poll has another log.
	if _, lineage, _, ok := c.nodes["n1"].Log("p"); !ok || lineage[0] != 'c' {
		t.Errorf("after the recovery the log is of lineage %s", lineage)
	}
	for voter, want := range receipts {
		o, err := c.nodes["n4"].Cast(ctxFor(t, 30*time.Second), ballot("p", voter, 0))
		if err != nil || o.Kind != poll.Replayed || o.Receipt != want {
			t.Fatalf("%s: %+v, %v; it was %+v", voter, o, err, want)
		}
	}
}

// recoverAlone makes a stopped member a cluster of its own.
func recoverAlone(t *testing.T, c *testCluster, id string) {
	t.Helper()
	store, err := storage.Open(c.dirs[id], storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := replica.Examine(store, id)
	if err == nil {
		_, err = replica.Recover(store, s, c.addrOf(id))
	}
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
}
