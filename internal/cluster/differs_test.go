package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/refusal"

	"voted/internal/cluster"
)

// found is how soon a member that differs must have stopped once a command was applied.
const found = 5 * time.Second

func TestExactlyTheMemberThatDiffersStops(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"a follower", "the leader"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			c := newTestCluster(t, 3)
			createPoll(t, c.nodes["n1"], "p")
			createPoll(t, c.nodes["n1"], "q")
			victim := c.leader()
			if role == "a follower" {
				victim = c.any(victim).ID()
			}
			if err := c.nodes[victim].Sync(ctxFor(t, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
			if err := cluster.Corrupt(c.nodes[victim], "q"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := c.any(victim).Cast(ctxFor(t, 10*time.Second), ballot("p", "v", 0)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.nodes[victim].Failed():
			case <-time.After(found):
				t.Fatalf("%s differs and was not found in %v", victim, found)
			}
			t.Logf("found after %v", time.Since(began))
			if err := c.nodes[victim].Failure(); !errors.Is(err, cluster.ErrDiffers) || !strings.Contains(err.Error(), "cluster remove "+victim) {
				t.Errorf("it says: %v", err)
			}
			// The others go on …
			if _, err := c.any(victim).Cast(ctxFor(t, 20*time.Second), ballot("p", "w", 1)); err != nil {
				t.Fatal(err)
			}
			for id, n := range c.nodes {
				if id != victim && n.Failure() != nil {
					t.Errorf("%s stopped too: %v", id, n.Failure())
				}
			}
			// … and it does not come back with the same directory, but with an empty one.
			c.stop(victim)
			addr := c.addrOf(victim)
			if _, err := c.open(victim, portstest.Addr(t), func(o *cluster.Options) { o.Cluster = c.servers }); !errors.Is(err, cluster.ErrDiffers) {
				t.Errorf("started again: %v", err)
			}
			c.dirs[victim] = t.TempDir()
			if err := c.any(victim).RemoveMember(ctxFor(t, 20*time.Second), victim); err != nil {
				t.Fatal(err)
			}
			c.start(victim, addr, func(o *cluster.Options) { o.Join = []string{c.addrOf(c.any(victim).ID())} })
			if err := c.nodes[victim].Sync(ctxFor(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestNothingIsServedWhileNoMajorityTellsWhichMembersAreRight(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	createPoll(t, c.nodes["n1"], "q")
	for _, n := range c.nodes {
		if err := n.Sync(ctxFor(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	// Given one of three away and the two others different …
	leader := c.leader()
	away := c.any(leader).ID()
	c.stop(away)
	wrong := c.any(leader).ID()
	if err := cluster.Corrupt(c.nodes[wrong], "q"); err != nil {
		t.Fatal(err)
	}
	ctx := ctxFor(t, 20*time.Second)
	var failed error
	for i := 0; failed == nil; i++ {
		_, failed = c.nodes[leader].Cast(ctx, ballot("p", fmt.Sprint("v", i), 0))
	}
	var refused *refusal.Error
	if !errors.As(failed, &refused) || refused.Code != refusal.Unavailable || !strings.Contains(refused.Detail, "differ") {
		t.Fatalf("a ballot is answered with %v", refused)
	}
	for _, id := range []string{leader, wrong} {
		n := c.nodes[id]
		for n.Doubt() == nil { // each finds out by itself
			if ctx.Err() != nil {
				t.Fatalf("%s trusts its state", id)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := n.Sync(ctx); err == nil {
			t.Errorf("%s reads", id)
		}
		if n.Ready()["digests"] == nil {
			t.Errorf("%s is ready", id)
		}
		if n.Failure() != nil {
			t.Errorf("%s stopped, though no majority shows that it is wrong: %v", id, n.Failure())
		}
	}
	// … when the third comes back, then it decides.
	c.restart(away)
	select {
	case <-c.nodes[wrong].Failed():
	case <-time.After(4 * found):
		t.Fatal("the member that differs was not found")
	}
	c.stop(wrong)
	for c.nodes[leader].Doubt() != nil || c.nodes[away].Doubt() != nil {
		if ctx.Err() != nil {
			t.Fatal("those that are right still doubt")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := c.nodes[away].Cast(ctx, ballot("p", "after", 0)); err != nil {
		t.Errorf("a ballot after the dispute: %v", err)
	}
}
