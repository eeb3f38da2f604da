package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"voted/client"
)

func TestLeaderKilledAgainAndAgainUnderLoadCountsExactly(t *testing.T) {
	const kills = 12
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "kills"})
	l := startLoad(all, "kills", 24)
	for range kills {
		l.grow(t, 300)
		victim := leaderOf(t, c)
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
		l.grow(t, 300) // the others continue without it
		if err := victim.Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
	}
	l.finish(t)
	l.checkExact(t, c)
	t.Logf("%d ballots exact after %d kills of the leader", l.size(), kills)
}

func TestLeaderToldToStopUnderLoadCostsNoError(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "term"})
	l := startLoad(all, "term", 16)
	for range 2 {
		l.grow(t, 200)
		leaving := leaderOf(t, c)
		if err := leaving.Terminate(); err != nil {
			t.Fatal(err)
		}
		if err := leaving.Wait(t.Context()); err != nil {
			t.Fatalf("%s did not leave in order: %v", leaving.ID, err)
		}
		l.grow(t, 200)
		if err := leaving.Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
	}
	l.finish(t)
	l.checkExact(t, c)
}

func TestAllNodesKilledAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "all"})
	l := startLoad(all, "all", 16)
	for range 2 {
		l.grow(t, 400)
		for _, n := range c.Nodes {
			if err := n.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range c.Nodes {
			if err := n.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		ready(t, c)
	}
	l.grow(t, 200)
	l.finish(t)
	l.checkExact(t, c)
}

// With a snapshot after every few entries, a node that is killed at a random moment is
// often killed while it writes one.
func TestNodesKilledWhileTheyWriteSnapshotsLoseNothing(t *testing.T) {
	long(t)
	t.Parallel()
	c := start(t, "--snapshot-every", "32")
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "snap"})
	l := startLoad(all, "snap", 16)
	for i := range 9 {
		l.grow(t, 300)
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond) // a random moment
		victim := c.Nodes[i%3]
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := victim.Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
	}
	l.finish(t)
	l.checkExact(t, c)
}
