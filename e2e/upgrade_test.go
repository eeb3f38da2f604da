package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// todaysLevel is the format level that today's build reads.
const todaysLevel = 6

// laterBuild builds the voted of a later release: it reads formats up to a later level,
// which is needed to change polls.
func laterBuild(t *testing.T, level int) string {
	t.Helper()
	const file = "internal/fsm/level.go"
	program, err := overlay.Build(t.Context(), t.TempDir(), overlay.Node,
		overlay.Edit{File: file, Old: "levelNewest = levelWebhook", New: fmt.Sprintf("levelNewest = %d", level)},
		overlay.Edit{File: file, Old: "kindPatch:        levelFirst,", New: "kindPatch: levelNewest,"})
	if err != nil {
		t.Fatalf("a later voted cannot be built: %v", err)
	}
	return program
}

func TestBuildsOfTwoLevelsMakeOneClusterAndAgree(t *testing.T) {
	t.Parallel()
	later := laterBuild(t, todaysLevel+1)
	c := start(t, "--snapshot-every", "32")
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "mixed"})
	l := startLoad(all, "mixed", 8)
	level := func() uint32 {
		s, err := all.Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.FormatLevel
	}
	rename := func(n *localcluster.Node) (int, string) {
		resp, body := request(t, "PATCH", n.URL+"/v1/polls/mixed", `{"title":"Mixed"}`, "Content-Type", "application/merge-patch+json")
		return resp.StatusCode, body
	}
	for deadline := time.Now().Add(30 * time.Second); level() < todaysLevel; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a new cluster does not reach today's level")
		}
	}
	// Upgraded one after another under load, with a leader of either build in between.
	for i, n := range c.Nodes {
		l.grow(t, 150)
		if got := level(); got != todaysLevel {
			t.Fatalf("with %d of 3 members upgraded the level is %d", i, got)
		}
		restartWith(t, n, later)
		ready(t, c)
		if i < 2 { // the later level waits for the others, and the status names them
			if status, body := rename(n); status != http.StatusServiceUnavailable || !strings.Contains(body, fmt.Sprintf("n3 reads formats up to level %d", todaysLevel)) {
				t.Fatalf("with %d of 3 members upgraded a poll is changed: %d %s", i+1, status, body)
			}
		}
		if err := all.TransferLeadership(t.Context(), c.Nodes[(i+i%2)%3].ID); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); level() == todaysLevel; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("all members are upgraded and the level was not raised")
		}
	}
	if status, body := rename(c.Nodes[0]); status != http.StatusOK {
		t.Errorf("all members are upgraded and a poll cannot be changed: %d %s", status, body)
	}
	l.grow(t, 150)
	l.finish(t)
	l.checkExact(t, c)
	// Going back is refused with a sentence.
	victim := c.Nodes[2]
	restartWith(t, victim, binary)
	select {
	case <-victim.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("an older build serves data that it cannot read")
	}
	if tail := victim.LogTail(); !strings.Contains(tail, "upgrade voted") || strings.Contains(tail, "goroutine ") {
		t.Errorf("it says:\n%s", tail)
	}
	if err := victim.RestartWith(later); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
}

// restartWith stops a node in order and starts another build in its place.
func restartWith(t *testing.T, n *localcluster.Node, program string) {
	t.Helper()
	if err := n.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := n.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.RestartWith(program); err != nil {
		t.Fatal(err)
	}
}

// A rolling restart as in the manual: the status is asked before each, and no client
// sees an error.
func TestARollingRestartUnderLoadCostsNoError(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "rolling"})
	l := startLoad(all, "rolling", 16)
	for _, n := range c.Nodes {
		l.grow(t, 200)
		check := exec.Command(binary, "cluster", "restart-check", n.ID, "--wait", "30s", "--endpoint", c.Nodes[0].URL, "--endpoint", c.Nodes[1].URL)
		if out, err := check.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", n.ID, err, out)
		}
		if err := n.Terminate(); err != nil {
			t.Fatal(err)
		}
		if err := n.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Meanwhile the others must not be restarted, and the status says so.
		for _, other := range c.Nodes {
			if other == n {
				continue
			}
			out, err := exec.Command(binary, "cluster", "restart-check", other.ID, "--endpoint", other.URL).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), n.ID+" does not answer") {
				t.Errorf("with %s away %s may be restarted: %v\n%s", n.ID, other.ID, err, out)
			}
		}
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
	}
	l.finish(t)
	l.checkExact(t, c)
}
