package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// room is a disk whose free space a test sets.
type room struct {
	low   atomic.Bool
	small atomic.Bool // not low, and no room for a backup
}

func (r *room) Free() (uint64, bool) {
	switch {
	case r.low.Load():
		return 1, true
	case r.small.Load():
		return 8 << 20, false
	}
	return 1 << 40, false
}

func TestABackupThatAMembersDiskHasNoRoomForIsNotBegun(t *testing.T) {
	t.Parallel()
	// Given a backup and a cluster of which one member has too little room,
	source := newTestCluster(t, 1)
	createPoll(t, source.nodes["n1"], "p")
	b := takeBackup(t, source.nodes["n1"])
	rooms := map[string]*room{"n1": {}, "n2": {}, "n3": {}}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) { o.Space = rooms[id] })
	c.leader()
	c.awaitLevel(fsm.Reads())
	if err := c.nodes["n1"].Sync(ctxFor(t, 20*time.Second)); err != nil { // what a leader begins with is in the log
		t.Fatal(err)
	}
	rooms["n2"].small.Store(true)
	before := c.nodes["n1"].Index()
	// when it is sent to any of them, it is refused, and nothing has gone into the log.
	for id, n := range c.nodes {
		_, err := restoreBackup(t, n, b, "")
		if !isCode(err, refusal.StorageFull) || !strings.Contains(err.Error(), "n2 has 8") {
			t.Errorf("through %s: %v", id, err)
		}
	}
	if now := c.nodes["n1"].Index(); now != before {
		t.Errorf("the log went from %d to %d", before, now)
	}
	// With room it is taken.
	rooms["n2"].small.Store(false)
	if _, err := restoreBackup(t, c.nodes["n3"], b, ""); err != nil {
		t.Error(err)
	}
}

func TestWhereAMajorityIsShortOfSpaceOnlyGrowthIsRefused(t *testing.T) {
	t.Parallel()
	rooms := map[string]*room{"n1": {}, "n2": {}, "n3": {}}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) { o.Space = rooms[id] })
	d := poll.Definition{ID: "p", Options: []poll.Option{{ID: "a"}, {ID: "b"}}, MinSelections: 1, Revote: poll.RevoteUntilClose}.WithDefaults()
	if r, err := c.nodes["n1"].Execute(ctxFor(t, 20*time.Second), poll.Create{Definition: d}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	c.awaitLevel(poll.ScheduleLevel)
	later := poll.Schedule{ID: "later", At: time.Now().Add(time.Hour).UnixMilli(), Do: poll.Close{Poll: "p"}}
	if r, err := c.nodes["n1"].Execute(ctxFor(t, 20*time.Second), later); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	first, err := c.nodes["n1"].Cast(ctxFor(t, 20*time.Second), ballot("p", "before", 1))
	if err != nil {
		t.Fatal(err)
	}

	// Given the leader alone short of space, it hands over and the cluster goes on.
	leader := c.leader()
	rooms[leader].low.Store(true)
	ctx := ctxFor(t, 20*time.Second)
	for c.leader() == leader {
		if ctx.Err() != nil {
			t.Fatalf("%s has no space and leads on", leader)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if o, err := c.nodes[leader].Cast(ctx, ballot("p", "meanwhile", 0)); err != nil || o.Kind != poll.Counted {
		t.Fatalf("with a majority that has space: %v %v", o, err)
	}

	// When a second one is short, ballots are refused, through every member …
	now := c.leader()
	rooms[now].low.Store(true)
	for i := 0; ; i++ { // of another voter each time, since a retry gets its receipt
		o, err := c.any(now).Cast(ctx, ballot("p", fmt.Sprint("x", i), 0))
		if err != nil {
			t.Fatal(err)
		}
		if o.Code == refusal.StorageFull {
			break
		}
	}
	for id, n := range c.nodes {
		if o, err := n.Cast(ctx, ballot("p", "refused", 0)); err != nil || o.Code != refusal.StorageFull {
			t.Errorf("a ballot through %s: %+v %v", id, o, err)
		}
		if many, err := n.CastMany(ctx, []poll.Ballot{*ballot("p", "before", 1), *ballot("p", "refused", 0)}); err != nil ||
			many[0].Kind != poll.Replayed || many[0].Receipt != first.Receipt || many[1].Code != refusal.StorageFull {
			t.Errorf("in bulk through %s: %+v %v", id, many, err)
		}
		// … while a retry gets its receipt, reads are answered …
		if o, err := n.Cast(ctx, ballot("p", "before", 1)); err != nil || o.Kind != poll.Replayed || o.Receipt != first.Receipt {
			t.Errorf("a retry through %s: %+v %v", id, o, err)
		}
		if err := n.Sync(ctx); err != nil {
			t.Errorf("a read through %s: %v", id, err)
		}
		var refused *refusal.Error
		d.ID = "q"
		if _, err := n.Execute(ctx, poll.Create{Definition: d}); !errors.As(err, &refused) || refused.Code != refusal.StorageFull {
			t.Errorf("a poll made through %s: %v", id, err)
		}
		later.ID = "more"
		if _, err := n.Execute(ctx, later); !isCode(err, refusal.StorageFull) {
			t.Errorf("a command scheduled through %s: %v", id, err)
		}
	}
	// … and polls can be closed and deleted, and what is scheduled called off.
	for _, x := range []poll.Command{poll.Unschedule{ID: "later"}, poll.Close{Poll: "p"}, poll.Delete{Poll: "p"}} {
		if r, err := c.any(now).Execute(ctx, x); err != nil || r.Err != nil {
			t.Errorf("%T: %v %v", x, err, r.Err)
		}
	}
	// With space, it goes on by itself.
	rooms[leader].low.Store(false)
	for {
		_, err := c.any(now).Execute(ctx, poll.Create{Definition: d})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("there is space, and still: %v", err)
		}
	}
}
