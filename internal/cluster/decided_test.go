package cluster_test

import (
	"slices"
	"testing"
	"time"

	"voted/internal/ports/portstest"

	"voted/internal/cluster"
)

func TestAMemberSpeaksOfNoMembershipThatIsNotDecided(t *testing.T) {
	t.Parallel()
	// On a busy machine the leader may find itself alone, and stop leading, before it gets
	// the proposal; then once more.
	for range 5 {
		if proposedAlone(t) {
			return
		}
	}
	t.Error("five times the leader found itself alone too soon to propose a member that no other member could confirm")
}

// proposedAlone reports whether a proposal came into the log that no other member can
// confirm.
func proposedAlone(t *testing.T) bool {
	// Given two members of which one is cut off, ...
	c := newTestCluster(t, 2)
	leader := c.leader()
	n := c.nodes[leader]
	if err := n.Sync(ctxFor(t, 20*time.Second)); err != nil { // raft takes no proposal before its term's first entry is committed
		t.Fatal(err)
	}
	if err := cluster.CutOff(c.any(leader)); err != nil {
		t.Fatal(err)
	}
	// ... when the other still leads, and a third is proposed, ...
	cluster.ProposeMember(n, "n3", portstest.Addr(t))
	ctx := ctxFor(t, 2*time.Second)
	for {
		log, answer, err := cluster.Knows(n)
		if err != nil {
			t.Fatal(err)
		}
		// ... then the answer to others is the two, though raft follows the log.
		if len(answer) != 0 && !slices.Equal(answer, []string{"n1", "n2"}) {
			t.Fatalf("it answers with %v; its log has %v", answer, log)
		}
		if slices.Contains(log, "n3") {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
}
