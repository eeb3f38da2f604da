//go:build !race

// Raft 1.7.3 writes a member's address under a lock and reads the id next to it without
// (replication.go, updateLastAppended). The id that is written is the same, so nothing
// goes wrong; the race detector cannot know.

package cluster_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

// moved starts a stopped member with its disk at another address. line changes what its
// command line says.
func (c *testCluster) moved(id, addr string, line func(o *cluster.Options)) {
	c.t.Helper()
	c.start(id, addr, line)
}

// waitAddress waits until a member sees the membership name addr for id.
func waitAddress(t *testing.T, n *cluster.Node, id, addr string) survey.Member {
	t.Helper()
	for ctx := ctxFor(t, 20*time.Second); ; time.Sleep(10 * time.Millisecond) {
		s, err := n.Status(ctx) // one that has just been started answers in a moment
		if ctx.Err() != nil {
			t.Fatalf("%s is not found at %s: %v", id, addr, err)
		}
		for _, m := range s.Members {
			if m.ID == id && m.Addr == addr && m.Healthy {
				return m
			}
		}
	}
}

func TestAMemberThatComesBackAtAnotherAddressIsTakenBackByItself(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"without TLS": false, "under TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestCluster(t, 3)
			if secure {
				c = newSecureCluster(t, 3)
			}
			createPoll(t, c.nodes["n1"], "board")
			castAll(t, c.nodes["n1"], 3, 0)
			// Given a member, the leader at that, whose address has changed while it was
			// down, and whose command line still names the old one …
			id := c.leader()
			waitCaughtUp(t, c.nodes[id])
			c.stop(id)
			castAll(t, c.any(id), 6, 0)
			addr := portstest.Addr(t)
			c.moved(id, addr, func(o *cluster.Options) { o.Cluster = c.servers })
			// … it is one of them again, with its vote, and counts with them.
			m := waitAddress(t, c.any(id), id, addr)
			if !m.Votes() {
				t.Error("it lost its vote")
			}
			c.leader()
			if got := count(t, c.nodes[id]); got != 6 {
				t.Errorf("it counts %d ballots", got)
			}
			castAll(t, c.nodes[id], 9, 0)
		})
	}
}

func TestAMemberIsFoundWhereItListensThoughItsCommandLineNamesItsOldAddress(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	// Given the leader, started at another --peer, with a --cluster line that has not been
	// changed, its own entry included …
	id := c.leader()
	waitCaughtUp(t, c.nodes[id])
	c.stop(id)
	castAll(t, c.any(id), 4, 0)
	addr := portstest.Addr(t)
	stale := func(o *cluster.Options) { o.Cluster, o.Peer, o.Bound = c.servers, c.addrOf(id), addr }
	c.secure = func(_ string, o *peer.Options) { o.Advertise = c.addrOf(id) }
	c.start(id, addr, stale)
	// … it falls back to where it listens once the others do not reach it elsewhere …
	waitAddress(t, c.any(id), id, addr)
	for ctx := ctxFor(t, 20*time.Second); ; time.Sleep(10 * time.Millisecond) {
		s, err := c.any(id).Status(ctx)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("it goes on saying its old address: %v, %v", s.Findings, err)
		}
		if len(s.Findings) == 0 {
			break
		}
	}
	c.leader()
	// … and is followed there when it leads.
	if err := c.nodes[id].TransferLeadership(ctxFor(t, 20*time.Second), id); err != nil {
		t.Fatal(err)
	}
	for ctx := ctxFor(t, 20*time.Second); c.leader() != id; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("it does not lead")
		}
	}
	castAll(t, c.any(id), 8, 0)
	// A restart on the same line takes the membership's word.
	c.stop(id)
	c.start(id, addr, stale)
	c.leader()
	if got := count(t, c.nodes[id]); got != 8 {
		t.Errorf("%d ballots", got)
	}
	if m := waitAddress(t, c.any(id), id, addr); !m.Votes() {
		t.Error("it lost its vote")
	}
}

// waitCaughtUp waits until a member has seen the others, as a member does at once.
func waitCaughtUp(t *testing.T, n *cluster.Node) {
	t.Helper()
	if err := n.Sync(ctxFor(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
}

func TestAClusterWhoseAddressesHaveAllChangedLeadsAgain(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]func(o *cluster.Options, now []survey.Peer){
		"named with --cluster": func(o *cluster.Options, now []survey.Peer) { o.Cluster = now },
		"named with --join": func(o *cluster.Options, now []survey.Peer) {
			for _, s := range now {
				o.Join = append(o.Join, s.Addr)
			}
		},
		"two named, the third finds them": func(o *cluster.Options, now []survey.Peer) {
			if o.Cluster = now; o.ID != "n3" {
				o.Cluster = now[:2]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestCluster(t, 3)
			createPoll(t, c.nodes["n1"], "board")
			castAll(t, c.nodes["n1"], 5, 0)
			c.leader()
			for _, s := range c.servers {
				waitCaughtUp(t, c.nodes[s.ID])
			}
			for _, s := range c.servers {
				c.stop(s.ID)
			}
			// Given all members at new addresses, which their command lines name …
			var now []survey.Peer
			for i, addr := range portstest.Addrs(t, 3) {
				now = append(now, survey.Peer{ID: c.servers[i].ID, Addr: addr})
			}
			start := time.Now()
			for _, s := range now {
				c.moved(s.ID, s.Addr, func(o *cluster.Options) { line(o, now) })
			}
			// … they lead again, have lost nothing, and the membership follows.
			c.leader()
			t.Logf("a leader after %v", time.Since(start).Round(time.Millisecond))
			for _, s := range now {
				waitAddress(t, c.any(s.ID), s.ID, s.Addr)
			}
			if got := count(t, c.nodes["n2"]); got != 5 {
				t.Errorf("%d ballots", got)
			}
			castAll(t, c.nodes["n3"], 8, 0)
			// A restart on lines of before the move changes nothing of that.
			c.stop("n2")
			c.moved("n2", now[1].Addr, func(o *cluster.Options) { o.Cluster = c.servers })
			c.leader()
			if got := count(t, c.nodes["n2"]); got != 8 {
				t.Errorf("after the restart: %d ballots", got)
			}
		})
	}
}

func TestClaimingAMembersAddressDoesNotTakeItsPlace(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	for _, s := range c.servers {
		waitCaughtUp(t, c.nodes[s.ID])
	}
	// Given a copy of a member's directory …
	c.stop("n3")
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(c.dirs["n3"])); err != nil {
		t.Fatal(err)
	}
	c.restart("n3")
	c.leader()
	castAll(t, c.nodes["n1"], 4, 0)
	at := c.addrOf("n3")
	waitAddress(t, c.nodes["n1"], "n3", at)
	// … that is started under its id at another address, while the member runs …
	log := new(lines)
	clone := &testCluster{t: t, nodes: map[string]*cluster.Node{}, dirs: map[string]string{"n3": copied}}
	addr := portstest.Addr(t)
	clone.start("n3", addr, func(o *cluster.Options) { o.Cluster, o.Logger = c.servers, log.logger() })
	t.Cleanup(func() { clone.stop("n3") })
	// … its log says why it is not accepted as the member …
	log.await(t, "two processes run under its id")
	// … its own status says so, and promises nothing …
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := clone.nodes["n3"].Status(ctxFor(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprint(s.Findings)
		if strings.Contains(said, "this one at "+addr+", whose messages are refused") && strings.Contains(s.Summary, "do not take it for n3") && !strings.Contains(said, "by itself") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the clone says %s; its findings are %v", s.Summary, s.Findings)
		}
	}
	// … every node's status says that there are two …
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := c.nodes["n2"].Status(ctxFor(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprint(s.Findings); strings.Contains(said, "two_processes") && strings.Contains(said, addr) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the findings are %v", s.Findings)
		}
	}
	// … and the member stays where it is.
	if m := waitAddress(t, c.nodes["n2"], "n3", at); !m.Votes() {
		t.Error("it lost its vote")
	}
}

func TestAMemberOnAnotherDiskStaysRefused(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	for _, s := range c.servers {
		waitCaughtUp(t, c.nodes[s.ID])
	}
	// Given a member that was replaced, under its id, by one with an empty disk …
	c.stop("n3")
	old := c.dirs["n3"]
	ctx := ctxFor(t, 20*time.Second)
	if err := c.any("n3").RemoveMember(ctx, "n3"); err != nil {
		t.Fatal(err)
	}
	c.dirs["n3"] = t.TempDir()
	at := portstest.Addr(t)
	c.start("n3", at, func(o *cluster.Options) { o.Join = []string{c.addrOf("n1")} })
	for !waitAddress(t, c.nodes["n1"], "n3", at).Votes() {
		time.Sleep(10 * time.Millisecond)
	}
	fresh := c.dirs["n3"]
	c.stop("n3")
	// … the old disk does not come back in its place, at whatever address …
	log := new(lines)
	c.dirs["n3"] = old
	c.start("n3", portstest.Addr(t), func(o *cluster.Options) { o.Cluster, o.Logger = c.servers, log.logger() })
	log.await(t, "another disk")
	c.stop("n3")
	// … and the new one does.
	c.dirs["n3"] = fresh
	moved := portstest.Addr(t)
	c.start("n3", moved, func(o *cluster.Options) { o.Join = []string{c.addrOf("n2")} })
	waitAddress(t, c.nodes["n1"], "n3", moved)
}

func TestAMemberThatIsSomewhereElseIsSaidSo(t *testing.T) {
	t.Parallel()
	// Given a member that claims an address at which it is not …
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	for _, s := range c.servers {
		waitCaughtUp(t, c.nodes[s.ID])
	}
	c.stop("n3")
	log := new(lines)
	c.start("n3", c.addrOf("n3"), func(o *cluster.Options) {
		o.Cluster, o.Logger, o.Peer = c.servers, log.logger(), portstest.Addr(t)
	})
	// … its log says that it is not found there, and the membership stays.
	log.await(t, "does not answer there")
	s, err := c.nodes["n1"].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Members {
		if m.ID == "n3" && m.Addr != c.addrOf("n3") {
			t.Errorf("the membership names %s", m.Addr)
		}
	}
	said := fmt.Sprint(s.Findings)
	if !strings.Contains(said, "moving") || !strings.Contains(said, "n3 came back at") {
		t.Errorf("the findings are %s", said)
	}
}

func TestAClusterThatHasMovedBeforeMovesOnceMore(t *testing.T) {
	t.Parallel()
	// Given a cluster whose log holds moves of before …
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	for _, s := range c.servers {
		waitCaughtUp(t, c.nodes[s.ID])
	}
	for round := range 3 {
		castAll(t, c.nodes["n1"], 4*(round+1), 0)
		for _, s := range c.servers {
			c.stop(s.ID)
		}
		// … when all its members come back elsewhere, as their command lines say …
		var now []survey.Peer
		for i, addr := range portstest.Addrs(t, 3) {
			now = append(now, survey.Peer{ID: c.servers[i].ID, Addr: addr})
		}
		for _, s := range now {
			c.moved(s.ID, s.Addr, func(o *cluster.Options) { o.Cluster = now })
		}
		// … the old addresses in the log do not lead them away from each other.
		for _, s := range now {
			waitAddress(t, c.nodes["n1"], s.ID, s.Addr)
		}
		for _, s := range now {
			if got := count(t, c.nodes[s.ID]); got != uint64(4*(round+1)) {
				t.Errorf("%s counts %d ballots", s.ID, got)
			}
		}
	}
}

func TestAMemberThatListensElsewhereThanItsEntryDoesNotSayThatItMoved(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "board")
	c.leader()
	for _, s := range c.servers {
		waitCaughtUp(t, c.nodes[s.ID])
	}
	for _, s := range c.servers {
		c.stop(s.ID)
	}
	// Given a member whose address is translated: it listens at another one than the
	// membership and its command line name, and no member leads for now …
	log := new(lines)
	c.start("n3", c.addrOf("n3"), func(o *cluster.Options) {
		o.Cluster, o.Logger, o.Bound = c.servers, log.logger(), portstest.Addr(t)
	})
	log.await(t, "this member knows of no leader")
	// … it warns of no move, and its status names none.
	if said := log.all(); strings.Contains(said, "another address") {
		t.Errorf("nothing has moved, and it says:\n%s", said)
	}
	s, err := c.nodes["n3"].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprint(s.Findings); strings.Contains(said, "moving") {
		t.Errorf("nothing has moved, and the findings are %s", said)
	}
	// Once the others are back it is one of them, where it was.
	c.restart("n1")
	c.restart("n2")
	castAll(t, c.nodes["n3"], 2, 0)
	waitAddress(t, c.nodes["n1"], "n3", c.addrOf("n3"))
}
