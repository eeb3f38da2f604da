// Package e2e starts the real binary as real processes, kills them, and reads what
// is left through the public API.
package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// binary is built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "voted-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = overlay.Build(context.Background(), dir, overlay.Node); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// long skips a test that runs clusters in short runs. Their processes are built without the race
// detector, so that one would look at the test alone.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts processes: the long tests run it")
	}
}

// start runs three nodes, with further arguments for each.
func start(t *testing.T, args ...string) *localcluster.Cluster {
	t.Helper()
	return startBuild(t, binary, args...)
}

// startBuild is start for another build of voted.
func startBuild(t *testing.T, program string, args ...string) *localcluster.Cluster {
	t.Helper()
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{
		Binary: program, Nodes: 3, Dir: t.TempDir(),
		Args: func(int) []string { return args },
	})
	if err != nil {
		t.Fatal(err)
	}
	stopsAtTheEnd(t, c)
	ready(t, c)
	return c
}

// stopsAtTheEnd stops a cluster at the end of a test, and shows its logs where that failed.
func stopsAtTheEnd(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, n := range c.Nodes {
				t.Logf("%s:\n%s", n.ID, n.LogTail())
			}
		}
	})
}

func ready(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

func leaderOf(t *testing.T, c *localcluster.Cluster) *localcluster.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	n, err := c.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dial returns a client for the nodes, without a retry budget: these tests need every
// retry.
func dial(t *testing.T, endpoints ...string) *client.Client {
	t.Helper()
	c, err := client.New(endpoints, client.WithSpread(), client.WithDeadline(60*time.Second), client.WithConnections(64),
		client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createPoll(t *testing.T, c *client.Client, d client.Definition) {
	t.Helper()
	d.Options = client.Options("ann", "bo", "cy")
	if _, err := c.CreatePoll(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// load casts ballots from many goroutines until it is stopped, some of them twice or
// more, and keeps every receipt.
type load struct {
	client *client.Client
	poll   string
	stop   chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	receipts map[string]client.Receipt // by voter; guarded by mu
	choice   map[string]string         // guarded by mu
	errs     []error                   // guarded by mu
}

var candidates = []string{"ann", "bo", "cy"}

func startLoad(c *client.Client, poll string, workers int) *load {
	l := &load{client: c, poll: poll, stop: make(chan struct{}), receipts: map[string]client.Receipt{}, choice: map[string]string{}}
	for w := range workers {
		l.wg.Go(func() { l.work(w) })
	}
	return l
}

func (l *load) work(worker int) {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		voter := fmt.Sprintf("v-%d-%d", worker, i)
		l.cast(voter, candidates[(worker+i)%3])
		if i%3 == 0 { // a retry of an older ballot, as from a client that got no answer
			old := fmt.Sprintf("v-%d-%d", worker, i/2)
			l.cast(old, candidates[(worker+i/2)%3])
		}
	}
}

func (l *load) cast(voter, option string) {
	r, err := l.client.Cast(context.Background(), l.poll, voter, client.Choose(option))
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", voter, err))
		return
	}
	if first, seen := l.receipts[voter]; seen && (first.Ballot != r.Ballot || first.Index != r.Index || !first.CastAt.Equal(r.CastAt)) {
		l.errs = append(l.errs, fmt.Errorf("%s: first receipt %+v, then %+v", voter, first, r))
	}
	l.receipts[voter], l.choice[voter] = r, option
}

// finish ends the load, and fails the test if a cast got a wrong answer.
func (l *load) finish(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	for _, err := range l.errs {
		t.Error(err)
	}
}

func (l *load) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.receipts)
}

// grow waits until the load has counted n ballots more.
func (l *load) grow(t *testing.T, n int) {
	t.Helper()
	want := l.size() + n
	for deadline := time.Now().Add(60 * time.Second); l.size() < want; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the load stands still at %d ballots", l.size())
		}
	}
}

// checkExact proves on every node that what was acknowledged is in the box once,
// unchanged, and that nothing else is.
func (l *load) checkExact(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	want := map[string]int{}
	for _, option := range l.choice {
		want[option]++
	}
	for _, n := range c.Nodes {
		l.checkNode(t, n, want)
	}
	checkDigests(t, c)
}

func (l *load) checkNode(t *testing.T, n *localcluster.Node, want map[string]int) {
	t.Helper()
	at := dial(t, n.URL)
	res, err := at.Results(t.Context(), l.poll, client.Linearizable)
	if err != nil {
		t.Fatalf("%s: %v", n.ID, err)
	}
	if int(res.Ballots) != len(l.receipts) {
		t.Errorf("%s counts %d ballots, %d voters were acknowledged", n.ID, res.Ballots, len(l.receipts))
	}
	for _, o := range res.Options {
		if int(o.Votes) != want[o.ID] {
			t.Errorf("%s counts %v for %s, want %d", n.ID, o.Votes, o.ID, want[o.ID])
		}
	}
	box := map[uint64]client.ExportedBallot{}
	keys := map[string]bool{}
	for b, err := range at.AuditBallots(t.Context(), l.poll) {
		if err != nil {
			t.Fatalf("%s: audit: %v", n.ID, err)
		}
		if keys[b.VoterKey] {
			t.Errorf("%s: voter key %s is in the box twice", n.ID, b.VoterKey)
		}
		keys[b.VoterKey] = true
		box[b.Number] = b
	}
	for voter, r := range l.receipts {
		b, there := box[r.Ballot]
		if !there || b.Version != r.Version || !slices.Equal(b.Ballot.Selections, []string{l.choice[voter]}) {
			t.Errorf("%s: the ballot of %s, receipt %+v, is %+v in the export", n.ID, voter, r, b)
		}
	}
}

// checkDigests waits until all nodes are at one index and compares their digests.
func checkDigests(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	at := dial(t, c.Endpoints()...)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := at.Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		indexes, digests := map[uint64]bool{}, map[string]bool{}
		for _, m := range s.Members {
			indexes[m.AppliedIndex], digests[m.Digest] = true, true
		}
		if len(indexes) == 1 {
			if len(digests) != 1 {
				t.Errorf("members differ at one index: %+v", s.Members)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("members do not come to one index: %+v", s.Members)
		}
	}
}

// awaitLog waits until a node has logged all these texts.
func awaitLog(t *testing.T, n *localcluster.Node, says ...string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(n.LogPath)
		if err != nil {
			t.Fatal(err)
		}
		missing := ""
		for _, s := range says {
			if !strings.Contains(string(text), s) {
				missing = s
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %q:\n%s", n.ID, missing, n.LogTail())
		}
	}
}

// await waits until a condition is true.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// awaitFinding waits until the cluster's status has one of two findings about a member.
func awaitFinding(t *testing.T, all *client.Client, kind, or, member string) {
	t.Helper()
	var last any
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s, err := all.Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Findings {
			if f.Member == member && (f.Kind == kind || f.Kind == or) {
				return
			}
		}
		last = s.Findings
	}
	t.Fatalf("nothing is said about %s being %s: %+v", member, kind, last)
}
