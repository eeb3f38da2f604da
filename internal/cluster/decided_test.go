package cluster_test

import (
	"slices"
	"testing"
	"time"

	"voted/internal/cluster"
)

func TestAMemberSpeaksOfNoMembershipThatIsNotDecided(t *testing.T) {
	t.Parallel()
	// Given two members of which one is gone, ...
	c := newTestCluster(t, 2)
	leader := c.leader()
	n := c.nodes[leader]
	createPoll(t, n, "p")
	for id := range c.nodes {
		if id != leader {
			c.stop(id)
		}
	}
	// ... when the other still leads, and a third is proposed that nobody can confirm, ...
	cluster.ProposeVoter(n, "n3", freePorts(t, 1)[0])
	ctx := ctxFor(t, 10*time.Second)
	for {
		log, answer, err := cluster.Knows(n)
		if err != nil {
			t.Fatal(err)
		}
		// ... then others are told of the two, though raft follows the log.
		if !slices.Equal(answer, []string{"n1", "n2"}) {
			t.Fatalf("it answers with %v; its log has %v", answer, log)
		}
		if slices.Contains(log, "n3") {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the log has %v", log)
		case <-time.After(time.Millisecond):
		}
	}
}
