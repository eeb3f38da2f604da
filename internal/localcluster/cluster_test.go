package localcluster

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startNodes(t *testing.T, mode string, o Options) *Cluster {
	t.Helper()
	o.Binary, o.Env = os.Args[0], append(o.Env, nodeMode+"="+mode)
	c, err := Start(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	return c
}

func TestAClusterServesUntilItIsStoppedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	c := startNodes(t, "plain", Options{Nodes: 3})
	ctx := testContext(t)
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		if n.Pid() == 0 || !n.Running() {
			t.Errorf("%s does not run", n.ID)
		}
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stopping again: %v", err)
	}
	for _, n := range c.Nodes {
		if n.Running() || n.Pid() != 0 {
			t.Errorf("%s still runs", n.ID)
		}
		if err := n.Wait(ctx); err != nil {
			t.Errorf("%s did not end in order: %v", n.ID, err)
		}
		if err := n.Restart(); err == nil {
			t.Errorf("%s was started in a stopped cluster", n.ID)
		}
	}
	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
}

func TestAKilledLeaderIsSucceededAndComesBackAtItsAddress(t *testing.T) {
	t.Parallel()
	unexpected := make(chan string, 8)
	c := startNodes(t, "plain", Options{Nodes: 3, OnExit: func(n *Node, _ error) { unexpected <- n.ID }})
	ctx := testContext(t)
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	leader, err := c.Leader(ctx)
	if err != nil || leader.ID != "n1" {
		t.Fatalf("leader %v, %v; want n1", leader, err)
	}
	pid := leader.Pid()
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := leader.Kill(); err == nil {
		t.Error("a dead process was killed again")
	}
	next, err := c.Leader(ctx)
	if err != nil || next.ID != "n2" {
		t.Fatalf("leader after the kill: %v, %v; want n2", next, err)
	}
	if err := leader.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := leader.Restart(); err == nil {
		t.Error("a running node was started a second time")
	}
	if err := leader.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if leader.Pid() == pid {
		t.Error("the node came back with the process id of the dead process")
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	select {
	case id := <-unexpected:
		t.Errorf("the end of %s was asked for but reported as unexpected", id)
	default:
	}
}

func TestAPausedNodeIsPassedOverAndGoesOn(t *testing.T) {
	t.Parallel()
	c := startNodes(t, "plain", Options{Nodes: 2})
	ctx := testContext(t)
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	n := c.Nodes[1]
	if err := n.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitReady(ctx); err != nil {
		t.Errorf("a paused node was waited for: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := n.ready(short); err == nil {
		t.Error("a paused node answered")
	}
	if err := n.Continue(); err != nil {
		t.Fatal(err)
	}
	if err := n.WaitReady(ctx); err != nil {
		t.Error(err)
	}
	if err := n.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("a paused node was not stopped in order: %v", err)
	}
}

func TestAnUnexpectedEndIsReportedWithTheLog(t *testing.T) {
	t.Parallel()
	reported := make(chan error, 1)
	c := startNodes(t, "broken", Options{Nodes: 1, OnExit: func(_ *Node, err error) { reported <- err }})
	ctx := testContext(t)
	for what, err := range map[string]error{"OnExit": <-reported, "WaitReady": c.WaitReady(ctx)} {
		if err == nil || !strings.Contains(err.Error(), "this node cannot serve") || !strings.Contains(err.Error(), "status 3") {
			t.Errorf("%s says %v", what, err)
		}
	}
	<-c.Nodes[0].Exited()
}

func TestACrashIsQuotedFromItsBeginning(t *testing.T) {
	t.Parallel()
	reported := make(chan error, 1)
	startNodes(t, "crashing", Options{Nodes: 1, OnExit: func(_ *Node, err error) { reported <- err }})
	if err := <-reported; !strings.Contains(err.Error(), "panic: the state is not what it was") {
		t.Errorf("it says %v", err)
	}
}

func TestDirectoriesThatWereNamedAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	c := startNodes(t, "plain", Options{Nodes: 1, Dir: dir, Args: func(i int) []string { return []string{"--log-level", "warn"} }})
	if err := c.WaitReady(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if tail := c.Nodes[0].LogTail(); !strings.HasPrefix(tail, "serving as n1") {
		t.Errorf("the log says %q", tail)
	}
	if args := strings.Join(c.Nodes[0].Args, " "); !strings.HasSuffix(args, "--log-level warn") {
		t.Errorf("the arguments are %q", args)
	}
}

// elsewhere is another address of this machine.
type elsewhere struct{ entered []int }

func (*elsewhere) Host(node int) string { return "127.0.10." + strconv.Itoa(node+1) }

func (e *elsewhere) Enter(node int, start func() error) error {
	e.entered = append(e.entered, node) // from one thread only
	return start()
}

func TestNodesRunWhereTheyArePut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere 127.0.0.1 is the only loopback address")
	}
	place := &elsewhere{}
	c := startNodes(t, "plain", Options{Nodes: 2, BasePort: 15001, Place: place})
	ctx := testContext(t)
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.Nodes[1].URL + " " + c.Nodes[1].PeerAddr; got != "http://127.0.10.2:15002 127.0.10.2:16002" {
		t.Errorf("the second node is at %s", got)
	}
	if err := c.Nodes[1].Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[1].Restart(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if want := []int{0, 1, 1}; !slices.Equal(place.entered, want) {
		t.Errorf("started in %v, want %v", place.entered, want)
	}
}

func TestStartRefusesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		o    Options
		says string
	}{
		"without a binary":         {context.Background(), Options{}, "path of a voted binary"},
		"too many nodes":           {context.Background(), Options{Binary: "x", Nodes: maxNodes + 1}, "1 to 15 nodes"},
		"a binary that is missing": {context.Background(), Options{Binary: "/no/such/binary"}, "n1 cannot be started"},
		"a port that is taken":     {context.Background(), Options{Binary: "x", BasePort: port, Nodes: 1}, "is taken by another program"},
		"a front that cannot be":   {context.Background(), Options{Binary: "x", Front: func([]string) ([]string, error) { return nil, errors.New("no proxy") }}, "in front of the peer ports: no proxy"},
		"ports beyond the last":    {context.Background(), Options{Binary: "x", BasePort: 65000}, "none beyond 65535"},
		"elsewhere without a port": {context.Background(), Options{Binary: "x", Place: &elsewhere{}}, "needs a port to begin with"},
		"a directory that is none": {context.Background(), Options{Binary: "x", Dir: filepath.Join(file, "sub")}, "cannot be made"},
		"after it was called off":  {cancelled, Options{Binary: os.Args[0]}, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Start(c.ctx, c.o)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Start: %v, %v; want an error with %q", got, err, c.says)
			}
		})
	}
}

func TestAStubbornNodeIsKilled(t *testing.T) {
	t.Parallel()
	c := startNodes(t, "stubborn", Options{Nodes: 1})
	if err := c.WaitReady(testContext(t)); err != nil {
		t.Fatal(err)
	}
	c.options.StopTimeout = 50 * time.Millisecond
	if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("Stop says %v", err)
	}
	if _, err := http.Get(c.Nodes[0].URL); err == nil {
		t.Error("the node still answers")
	}
}
