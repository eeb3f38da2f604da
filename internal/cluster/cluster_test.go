package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/cluster"
	"voted/internal/cluster/peer"
	"voted/internal/cluster/storage"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/ports/portstest"
	"voted/internal/refusal"
	"voted/internal/survey"
	"voted/internal/usage"
)

// testCluster is members in this process, on real ports and real disks.
type testCluster struct {
	t       testing.TB
	servers []survey.Peer
	nodes   map[string]*cluster.Node
	dirs    map[string]string
	secure  func(id string, o *peer.Options) // nil: no TLS
}

// newTestCluster starts a cluster that uses the newest formats: no entry of its own follows.
func newTestCluster(t testing.TB, size int) *testCluster {
	t.Helper()
	c := newTestClusterWith(t, size, func(string, *cluster.Options) {})
	c.awaitLevel(fsm.Reads())
	return c
}

// newTestClusterWith changes the options that each member is first started with.
func newTestClusterWith(t testing.TB, size int, change func(id string, o *cluster.Options)) *testCluster {
	t.Helper()
	return startTestCluster(&testCluster{t: t}, size, change)
}

// startTestCluster starts the members of a cluster that has been set up.
func startTestCluster(c *testCluster, size int, change func(id string, o *cluster.Options)) *testCluster {
	t := c.t
	t.Helper()
	c.nodes, c.dirs = map[string]*cluster.Node{}, map[string]string{}
	for i, addr := range portstest.Addrs(t, size) {
		c.servers = append(c.servers, survey.Peer{ID: fmt.Sprintf("n%d", i+1), Addr: addr})
	}
	t.TempDir() // before the cleanup: directories go after the members have ended
	t.Cleanup(func() {
		for id := range c.nodes {
			c.stop(id)
		}
	})
	for _, s := range c.servers {
		c.start(s.ID, s.Addr, func(o *cluster.Options) {
			o.Cluster = c.servers
			change(s.ID, o)
		})
	}
	return c
}

func (c *testCluster) open(id, addr string, change func(*cluster.Options)) (*cluster.Node, error) {
	c.t.Helper()
	if c.dirs[id] == "" {
		c.dirs[id] = c.t.TempDir()
	}
	log := slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", id)
	ports := peer.Options{ID: id, Bind: addr, Logger: log}
	if c.secure != nil {
		c.secure(id, &ports)
	}
	port, err := peer.Listen(ports)
	if err != nil {
		return nil, err
	}
	faults := make(chan error, 1)
	store, err := storage.Open(c.dirs[id], storage.Options{OnFault: func(err error) { faults <- err }})
	if err != nil {
		return nil, err
	}
	o := cluster.Options{ID: id, Peer: addr, Store: store, Network: port, Logger: log}
	change(&o)
	n, err := cluster.Open(o)
	if err != nil {
		return nil, err
	}
	go func() {
		select {
		case fault := <-faults:
			n.Fail(fault)
		case <-n.Done():
		}
	}()
	return n, nil
}

func (c *testCluster) start(id, addr string, change func(*cluster.Options)) {
	c.t.Helper()
	n, err := c.open(id, addr, change)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[id] = n
}

// addrOf is the peer address of a first member.
func (c *testCluster) addrOf(id string) string {
	for _, s := range c.servers {
		if s.ID == id {
			return s.Addr
		}
	}
	return ""
}

func (c *testCluster) restart(id string) {
	for _, s := range c.servers {
		if s.ID == id {
			c.start(id, s.Addr, func(o *cluster.Options) { o.Cluster = c.servers })
		}
	}
}

func (c *testCluster) stop(id string) {
	if err := c.nodes[id].Close(); err != nil {
		c.t.Logf("%s: %v", id, err)
	}
	delete(c.nodes, id)
}

// leader waits until all living members agree on a living leader.
func (c *testCluster) leader() string {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		seen := map[string]bool{}
		for _, n := range c.nodes {
			seen[n.Leader()] = true
		}
		for id := range seen {
			if len(seen) == 1 && c.nodes[id] != nil {
				return id
			}
		}
	}
	c.t.Fatal("no leader within 20 s")
	return ""
}

func (c *testCluster) any(not string) *cluster.Node {
	for id, n := range c.nodes {
		if id != not {
			return n
		}
	}
	return nil
}

func ctxFor(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func createPoll(t testing.TB, n *cluster.Node, id string) {
	t.Helper()
	d := poll.Definition{ID: id, Options: []poll.Option{{ID: "a"}, {ID: "b"}}, MinSelections: 1}.WithDefaults()
	r, err := n.Execute(ctxFor(t, 10*time.Second), poll.Create{Definition: d})
	if err != nil || r.Err != nil {
		t.Fatalf("create: %v %v", err, r.Err)
	}
}

func ballot(id, voter string, option byte) *poll.Ballot {
	return &poll.Ballot{Poll: id, Key: poll.KeyOf(poll.Salt{}, voter), Selections: []byte{option}}
}

func TestBallotsCountOnceThroughEveryMemberAndAcrossFailovers(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	leader := c.leader()
	createPoll(t, c.any(leader), "p")

	// Given ballots cast through every member …
	for i := range 60 {
		n := c.nodes[c.servers[i%3].ID]
		o, err := n.Cast(ctxFor(t, 10*time.Second), ballot("p", fmt.Sprint("v", i), byte(i%2)))
		if err != nil || o.Kind != poll.Counted {
			t.Fatalf("ballot %d: %v %v", i, o, err)
		}
	}
	// … when the leader goes while more are cast …
	c.stop(leader)
	n := c.any("")
	for i := range 120 {
		want := poll.Counted
		if i < 60 {
			want = poll.Replayed
		}
		o, err := n.Cast(ctxFor(t, 10*time.Second), ballot("p", fmt.Sprint("v", i), byte(i%2)))
		if err != nil || o.Kind != want {
			t.Fatalf("ballot %d after the failover: %v %v, want %v", i, o, err, want)
		}
	}
	// … and it comes back, then every member shows each ballot once.
	c.restart(leader)
	c.leader()
	for id, n := range c.nodes {
		if err := n.Sync(ctxFor(t, 10*time.Second)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		n.Read(func(s *poll.State) {
			if i, _ := s.Info("p"); i.Ballots != 120 {
				t.Errorf("%s counts %d ballots", id, i.Ballots)
			}
		})
	}
}

func TestAClientSeesAFailoverAsLatency(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	for round := range 3 {
		leader := c.leader()
		n := c.any(leader)
		var worst time.Duration
		last := time.Now()
		for i := range 400 {
			if i == 100 {
				c.stop(leader)
			}
			_, err := n.Cast(ctxFor(t, 10*time.Second), ballot("p", fmt.Sprint(round, "-", i), 0))
			if err != nil {
				t.Fatalf("round %d, ballot %d: %v", round, i, err)
			}
			worst = max(worst, time.Since(last))
			last = time.Now()
		}
		t.Logf("round %d: longest gap %v", round, worst)
		c.restart(leader)
	}
}

func TestAMemberJoinsCatchesUpAndVotes(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	addr := portstest.Addr(t)
	c.start("n4", addr, func(o *cluster.Options) { o.Join = []string{c.servers[0].Addr} })

	ctx := ctxFor(t, 20*time.Second)
	for {
		s, err := c.nodes["n2"].Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Members) == 4 && s.Members[3].Votes() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := c.nodes["n2"].RemoveMember(ctx, c.leader()); err != nil {
		t.Fatalf("removing the leader: %v", err)
	}
}

func TestAMemberThatLostItsDiskIsNotLetIn(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	c.stop("n3")
	c.dirs["n3"] = t.TempDir()
	c.restart("n3")
	select {
	case <-c.nodes["n3"].Failed():
		t.Logf("refused: %v", c.nodes["n3"].Failure())
	case <-time.After(10 * time.Second):
		t.Fatal("an empty disk was let in under an old id")
	}
}

func TestABallotThatWasNeverSentIsWithdrawnWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	createPoll(t, c.nodes["n1"], "p")
	// Given a member that has lost the others and knows no leader …
	c.stop("n2")
	c.stop("n3")
	n := c.nodes["n1"]
	for n.Leader() != "" {
		time.Sleep(5 * time.Millisecond)
	}
	// … when a ballot's time is up, it is refused as certainly not counted …
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := n.Cast(ctx, ballot("p", "withdrawn", 0))
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.Unavailable {
		t.Fatalf("without a leader: %v", err)
	}
	// … and it is not, while one that still waits is, when there is a leader again.
	waiting := make(chan error, 1)
	go func() {
		_, err := n.Cast(ctxFor(t, 20*time.Second), ballot("p", "patient", 0))
		waiting <- err
	}()
	c.restart("n2")
	if err := <-waiting; err != nil {
		t.Fatalf("the patient ballot: %v", err)
	}
	if err := n.Sync(ctxFor(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	n.Read(func(s *poll.State) {
		if i, _ := s.Info("p"); i.Ballots != 1 {
			t.Errorf("%d ballots are counted, want the patient one alone", i.Ballots)
		}
	})
}

func TestAPollClosesOnTimeWithoutAnyBallot(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	c.leader()
	closes := time.Now().Add(700 * time.Millisecond).UnixMilli()
	d := poll.Definition{ID: "short", Options: []poll.Option{{ID: "a"}, {ID: "b"}}, MinSelections: 1, ClosesAt: closes}.WithDefaults()
	if r, err := c.nodes["n1"].Execute(ctxFor(t, 10*time.Second), poll.Create{Definition: d}); err != nil || r.Err != nil {
		t.Fatalf("create: %v %v", err, r.Err)
	}
	indexes := map[uint64]bool{}
	for id, n := range c.nodes {
		for ctx := ctxFor(t, 10*time.Second); ; {
			var i poll.Info
			var at uint64
			n.Read(func(s *poll.State) { i, _ = s.Info("short"); at = s.Index() })
			if i.Phase == poll.Closed {
				indexes[i.ClosedIndex] = true
				break
			}
			if err := n.Changed(ctx, at); err != nil {
				t.Fatalf("%s: the poll does not close: %v", id, err)
			}
		}
	}
	if len(indexes) != 1 {
		t.Errorf("members closed the poll at different log indexes: %v", indexes)
	}
}

func TestEachMemberMeasuresAClosingOnceAlsoIfItStartsAgain(t *testing.T) {
	t.Parallel()
	measured := map[string]*prometheus.Registry{}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) {
		measured[id] = prometheus.NewRegistry()
		o.Metrics = measured[id]
	})
	c.leader()
	d := poll.Definition{ID: "short", Options: []poll.Option{{ID: "a"}, {ID: "b"}}, MinSelections: 1, ClosesAt: time.Now().Add(2 * time.Second).UnixMilli()}.WithDefaults()
	if r, err := c.nodes["n1"].Execute(ctxFor(t, 10*time.Second), poll.Create{Definition: d}); err != nil || r.Err != nil {
		t.Fatalf("create: %v %v", err, r.Err)
	}
	for id := range c.nodes {
		c.awaitClosed(id, "short")
		if n, _ := closings(t, measured[id]); n != 1 {
			t.Errorf("%s measured %d closings", id, n)
		}
	}
	c.stop("n2")
	again := prometheus.NewRegistry()
	c.start("n2", c.addrOf("n2"), func(o *cluster.Options) { o.Cluster, o.Metrics = c.servers, again })
	c.awaitClosed("n2", "short")
	if n, _ := closings(t, again); n != 0 {
		t.Errorf("after a start %d closings are measured again", n)
	}
}

func TestAClosingThatAStandstillMadeLateIsMeasuredAsLate(t *testing.T) {
	t.Parallel()
	c := newTestClusterWith(t, 1, func(string, *cluster.Options) {})
	c.leader()
	closes := time.Now().Add(700 * time.Millisecond)
	d := poll.Definition{ID: "short", Options: []poll.Option{{ID: "a"}, {ID: "b"}}, MinSelections: 1, ClosesAt: closes.UnixMilli()}.WithDefaults()
	if r, err := c.nodes["n1"].Execute(ctxFor(t, 10*time.Second), poll.Create{Definition: d}); err != nil || r.Err != nil {
		t.Fatalf("create: %v %v", err, r.Err)
	}
	c.stop("n1")
	measured := prometheus.NewRegistry()
	c.start("n1", c.addrOf("n1"), func(o *cluster.Options) {
		o.Cluster, o.Metrics = c.servers, measured
		o.Now = func() time.Time { return time.Now().Add(time.Hour) } // it stood still for so long
	})
	c.awaitClosed("n1", "short")
	if n, sum := closings(t, measured); n != 1 || sum < 3590 {
		t.Errorf("%d closings are measured, late by %.1f s", n, sum)
	}
}

// awaitClosed waits until a member has applied that a poll closed, and has measured it.
func (c *testCluster) awaitClosed(id, closed string) {
	c.t.Helper()
	n := c.nodes[id]
	for ctx, after := ctxFor(c.t, 20*time.Second), uint64(0); ; {
		if err := n.Changed(ctx, after); err != nil {
			c.t.Fatalf("%s: the poll does not close: %v", id, err)
		}
		var i poll.Info
		n.Read(func(s *poll.State) { i, _ = s.Info(closed); after = s.Index() })
		if i.Phase == poll.Closed {
			break
		}
	}
	// Its observer runs before the next entry is applied.
	if _, err := n.Execute(ctxFor(c.t, 20*time.Second), poll.Tick{}); err != nil {
		c.t.Fatal(err)
	}
	if err := n.Sync(ctxFor(c.t, 20*time.Second)); err != nil {
		c.t.Fatal(err)
	}
}

// closings are how many closings a member has measured, and how late they were together, in seconds.
func closings(t *testing.T, measured *prometheus.Registry) (n uint64, sum float64) {
	t.Helper()
	families, err := measured.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "voted_close_delay_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount(), f.GetMetric()[0].GetHistogram().GetSampleSum()
		}
	}
	t.Fatal("closings are not measured")
	return 0, 0
}

func TestLeadershipIsHandedOverOnceHoweverOftenTheWishIsMade(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	old := c.leader()
	before, err := c.nodes[old].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.any(old).TransferLeadership(ctxFor(t, 10*time.Second), ""); err != nil {
		t.Fatal(err)
	}
	if now := c.leader(); now == old {
		t.Errorf("%s still leads", old)
	}
	after, err := c.nodes[old].Status(ctxFor(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if after.Term > before.Term+2 {
		t.Errorf("the term went from %d to %d: leadership was handed on and on", before.Term, after.Term)
	}
}

func TestAMemberThatDoesNotAnswerIsNotToldToLead(t *testing.T) {
	t.Parallel()
	c := newTestCluster(t, 3)
	leads := c.leader()
	dead := c.any(leads).ID()
	c.stop(dead)
	start := time.Now()
	err := c.any("").TransferLeadership(ctxFor(t, 20*time.Second), dead)
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.Unavailable || !strings.Contains(refused.Detail, "Member "+dead+" does not answer") {
		t.Errorf("a member that is down was told to lead: %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("that took %s", took)
	}
	if now := c.leader(); now != leads {
		t.Errorf("%s leads, and %s did", now, leads)
	}
}

// A command that not all can read is refused, not proposed, through leader changes
// too; when the last member is upgraded it is allowed, and stays so when one is away.
func TestAFormatIsUsedOnlyWhenEveryMemberReadsIt(t *testing.T) {
	t.Parallel()
	later := fsm.Reads() + 1 // in which a poll can be closed
	build := func(reads uint32) func(o *cluster.Options) {
		return func(o *cluster.Options) {
			o.FormatLevel = reads
			o.Needs = func(c poll.Command) uint32 {
				if _, ok := c.(poll.Close); ok {
					return later
				}
				return fsm.LevelOf(c)
			}
		}
	}
	newest := poll.Close{Poll: "p"}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) {
		if build(later)(o); id == "n3" {
			build(fsm.Reads())(o)
		}
	})
	createPoll(t, c.nodes["n1"], "p")
	for _, lead := range []string{"n1", "n2"} {
		if err := c.nodes["n1"].TransferLeadership(ctxFor(t, 20*time.Second), lead); err != nil {
			t.Fatal(err)
		}
		for _, through := range []string{"n1", "n2"} {
			_, err := c.nodes[through].Execute(ctxFor(t, 20*time.Second), newest)
			var refused *refusal.Error
			if !errors.As(err, &refused) || refused.Code != refusal.UpgradePending || !strings.Contains(refused.Detail, fmt.Sprintf("n3 reads formats up to level %d ", fsm.Reads())) {
				t.Fatalf("%s leads, asked through %s: %v", lead, through, err)
			}
		}
	}
	// Given n3 away: its silence does not count as consent.
	c.stop("n3")
	c.leader()
	if _, err := c.nodes["n1"].Execute(ctxFor(t, 20*time.Second), newest); err == nil {
		t.Fatal("a silent member is taken for one that reads everything")
	}
	// When it comes back upgraded, the level rises by itself.
	c.start("n3", c.addrOf("n3"), func(o *cluster.Options) { o.Cluster = c.servers; build(later)(o) })
	c.awaitLevel(later)
	// Then it stays, with n3 away again.
	c.stop("n3")
	c.leader()
	if _, err := c.nodes["n1"].Execute(ctxFor(t, 20*time.Second), newest); err != nil {
		t.Fatalf("a level that was reached is refused again: %v", err)
	}
	// And who reads less does not get in.
	c.start("n4", portstest.Addr(t), func(o *cluster.Options) { o.Join, o.FormatLevel = []string{c.servers[0].Addr}, fsm.Reads() })
	select {
	case <-c.nodes["n4"].Failed():
		if err := c.nodes["n4"].Failure(); !usage.Is(err) || !strings.Contains(err.Error(), "newer voted") {
			t.Errorf("n4 is refused with: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a member that cannot read the log is let in")
	}
}

// agree fails unless all members have the same digest. It looks at them at one log index:
// a leader appends entries of its own.
func (c *testCluster) agree() {
	c.t.Helper()
	for ctx := ctxFor(c.t, 20*time.Second); ; {
		at := map[uint64]poll.Digest{}
		last := uint64(0)
		for _, n := range c.nodes {
			n.Read(func(s *poll.State) {
				if d, seen := at[s.Index()]; seen && d != s.Digest() {
					c.t.Errorf("the members differ at index %d", s.Index())
				}
				at[s.Index()], last = s.Digest(), max(last, s.Index())
			})
		}
		if len(at) == 1 {
			return
		}
		for _, n := range c.nodes {
			if err := n.Changed(ctx, last-1); err != nil {
				c.t.Fatalf("%s does not reach index %d: %v", n.ID(), last, err)
			}
		}
	}
}

// awaitLevel waits until every member uses formats of a level.
func (c *testCluster) awaitLevel(want uint32) {
	c.t.Helper()
	for _, n := range c.nodes {
		for index := uint64(0); ; {
			var level uint32
			n.Read(func(s *poll.State) { level, index = s.Level(), s.Index() })
			if level >= want {
				break
			}
			if err := n.Changed(ctxFor(c.t, 20*time.Second), index); err != nil {
				c.t.Fatalf("%s stays at level %d: %v", n.ID(), level, err)
			}
		}
	}
}

func TestADeadMemberIsRemovedWhereTheOperatorSaidSo(t *testing.T) {
	t.Parallel()
	type note struct{ action, member string }
	notes := make(chan note, 8)
	c := newTestClusterWith(t, 4, func(id string, o *cluster.Options) {
		o.RemoveDeadAfter = 700 * time.Millisecond
		o.Audit = func(action, member, _ string) error {
			notes <- note{action, member}
			return nil
		}
	})
	createPoll(t, c.nodes["n1"], "p")
	dead := c.any(c.leader()).ID()
	c.stop(dead)
	select {
	case got := <-notes:
		if got != (note{"remove_dead_member", dead}) {
			t.Fatalf("noted: %+v", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%s is away and not removed", dead)
	}
	members := func() (ids []string) {
		s, err := c.any("").Status(ctxFor(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.Members {
			ids = append(ids, m.ID)
		}
		return ids
	}
	for deadline := time.Now().Add(20 * time.Second); len(members()) != 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the members are %v", members())
		}
	}
	// Of three none is removed, however long it is away.
	next := c.any(c.leader()).ID()
	c.stop(next)
	time.Sleep(2 * time.Second) // nothing is to happen: there is no event to wait for
	if got := members(); len(got) != 3 {
		t.Errorf("the members are %v", got)
	}
}

func TestANewClusterIsReadyOnceItUsesTheNewestFormats(t *testing.T) {
	t.Parallel()
	c := newTestClusterWith(t, 3, func(string, *cluster.Options) {})
	for ctx := ctxFor(t, 20*time.Second); ; time.Sleep(time.Millisecond) {
		ready := 0
		for _, n := range c.nodes {
			if len(n.Ready()) == 0 {
				ready++
			}
		}
		if ready == len(c.nodes) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the members do not get ready")
		}
	}
	var level uint32
	c.nodes[c.leader()].Read(func(s *poll.State) { level = s.Level() })
	if level != fsm.Reads() {
		t.Errorf("all members are ready, and the formats are those of level %d", level)
	}
}
