package peer

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// counter is a state machine that counts what is applied.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Apply(*raft.Log) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) { return nil, io.ErrUnexpectedEOF }
func (c *counter) Restore(r io.ReadCloser) error       { return r.Close() }

type node struct {
	*raft.Raft
	port  *Port
	state *counter
	id    raft.ServerID
}

func (n *node) stop() {
	_ = n.port.Close()
	_ = n.Shutdown().Error()
}

// cluster starts three members over real sockets.
func cluster(t *testing.T, heartbeat time.Duration) []*node {
	t.Helper()
	var nodes []*node
	var servers []raft.Server
	for _, id := range []raft.ServerID{"a", "b", "c"} {
		p := listen(t, Options{ID: string(id), Timeout: time.Second})
		p.Handle(echo)
		nodes = append(nodes, &node{port: p, state: &counter{}, id: id})
		servers = append(servers, raft.Server{ID: id, Address: raft.ServerAddress(p.Addr())})
	}
	for _, n := range nodes {
		config := raft.DefaultConfig()
		config.LocalID = n.id
		config.HeartbeatTimeout, config.ElectionTimeout, config.LeaderLeaseTimeout = heartbeat, heartbeat, heartbeat/2
		config.CommitTimeout = 5 * time.Millisecond
		config.Logger = hclog.NewNullLogger()
		logs := raft.NewInmemStore()
		snapshots := raft.NewInmemSnapshotStore()
		must(t, raft.BootstrapCluster(config, logs, logs, snapshots, n.port.Transport(), raft.Configuration{Servers: servers}))
		var err error
		n.Raft, err = raft.NewRaft(config, n.state, logs, logs, snapshots, n.port.Transport())
		must(t, err)
		t.Cleanup(n.stop)
	}
	return nodes
}

func leaderOf(t *testing.T, nodes []*node) *node {
	t.Helper()
	var leader *node
	eventually(t, "a leader", func() bool {
		for _, n := range nodes {
			if n.State() == raft.Leader && n.VerifyLeader().Error() == nil {
				leader = n
				return true
			}
		}
		return false
	})
	return leader
}

func without(nodes []*node, gone *node) (rest []*node) {
	for _, n := range nodes {
		if n != gone {
			rest = append(rest, n)
		}
	}
	return rest
}

func TestThreeMembersElectApplyAndFailOverWhileCallsAndWatchesShareThePort(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 300*time.Millisecond)
	select {
	case <-nodes[0].LeaderCh():
		t.Fatal("a leader before raft was admitted")
	case <-time.After(400 * time.Millisecond):
	}
	for _, n := range nodes {
		n.port.OpenRaft()
	}
	leader := leaderOf(t, nodes)
	gone := make(chan error, 2)
	for _, n := range without(nodes, leader) {
		go func() { gone <- n.port.Watch(within(t, 20*time.Second), leader.port.Addr()) }()
	}
	for range 50 {
		must(t, leader.Apply(make([]byte, 10_000), time.Second).Error())
		got, err := nodes[1].port.Call(within(t, 5*time.Second), nodes[2].port.Addr(), "status", nil)
		if err != nil || string(got) != "status:" {
			t.Fatalf("%q %v", got, err)
		}
	}
	if addr, _ := nodes[1].LeaderWithID(); string(addr) != leader.port.Addr() {
		t.Fatalf("the leader is known as %s", addr)
	}
	leader.stop()
	for range 2 {
		if err := <-gone; err == nil {
			t.Fatal("no error")
		}
	}
	rest := without(nodes, leader)
	next := leaderOf(t, rest)
	must(t, next.Apply([]byte("x"), time.Second).Error())
	eventually(t, "both have applied everything", func() bool {
		return rest[0].state.count() == 51 && rest[1].state.count() == 51
	})
}

func TestElectNowMakesALeaderWhileTheOldOneIsSilent(t *testing.T) {
	t.Parallel()
	// Far longer than the test: only ElectNow can make a second leader.
	nodes := cluster(t, 10*time.Second)
	for _, n := range nodes {
		n.port.OpenRaft()
	}
	must(t, nodes[0].port.ElectNow(nodes[0].id))
	eventually(t, "the first leader", func() bool { return nodes[0].State() == raft.Leader })
	must(t, nodes[0].Apply([]byte("x"), time.Second).Error())
	eventually(t, "all have it", func() bool { return nodes[1].state.count() == 1 && nodes[2].state.count() == 1 })
	must(t, nodes[0].port.Close())
	must(t, nodes[1].port.ElectNow(nodes[1].id))
	eventually(t, "the second leader", func() bool { return nodes[1].State() == raft.Leader })
	must(t, nodes[1].Apply([]byte("y"), time.Second).Error())
}

func TestRaftMessagesWaitUntilTheyAreAdmitted(t *testing.T) {
	t.Parallel()
	p := listen(t, Options{})
	dial := func() net.Conn {
		c := greeted(t, p)
		_, err := c.Write([]byte{1})
		must(t, err)
		must(t, c.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
		return c
	}
	// Given a raft connection that comes before raft is open, it is not accepted …
	early := dial()
	taken := make(chan net.Conn, 1)
	go func() {
		if c, err := p.raftConns.Accept(); err == nil {
			taken <- c
		}
	}()
	if _, err := early.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("it was not kept: %v", err)
	}
	select {
	case <-taken:
		t.Fatal("raft has it before raft is open")
	default:
	}
	// … until raft is open.
	p.OpenRaft()
	c := dial()
	if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("it was not kept: %v", err)
	}
	must(t, c.Close())
	must(t, early.Close())
	tr := p.Transport()
	if _, ok := tr.(raft.WithPreVote); !ok {
		t.Fatal("pre-vote is hidden")
	}
	must(t, tr.(raft.WithClose).Close())
	p.Handle(echo)
	_, err := p.Call(context.Background(), p.Addr(), "a", nil)
	must(t, err)
}
