package e2e

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// unpack puts the data directory that a released format left behind into dir: a member
// with polls of every kind, a snapshot, and entries behind it.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Golden directories only grow: a build must start on what every earlier one left.
func TestTodaysBinaryStartsOnTheDataOfEarlierFormats(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/v1/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Index   uint64
		Digest  string
		Results map[string]map[string]any
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, "testdata/v1/member.tar.gz", dir)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ready(t, c)
	node := c.Nodes[0]
	for id, results := range want.Results {
		resp, body := request(t, "GET", node.URL+"/v1/polls/"+id+"/results", "")
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http200 {
			t.Fatalf("%s: %s %s", id, resp.Status, body)
		}
		delete(got, "index")
		if !reflect.DeepEqual(got, results) {
			t.Errorf("%s is counted as\n%v, not\n%v", id, got, results)
		}
	}
	// What is proposed by itself since, ticks and the raised level, leaves ballots alone:
	// a retry of the first ballot is known.
	if resp, body := request(t, "PUT", node.URL+"/v1/polls/secret/ballots/s1", `{"selections":["bo"]}`); resp.StatusCode != http200 || !strings.Contains(body, `"ballot":1,`) {
		t.Errorf("a retry of the first ballot: %s %s", resp.Status, body)
	}
	status, err := dial(t, node.URL).Cluster(t.Context())
	if err != nil || status.Index <= want.Index {
		t.Errorf("it stands at %d: %v", status.Index, err)
	}
	if level := status.FormatLevel; level == 1 && status.Members[0].Digest != want.Digest {
		t.Errorf("the digest is %s, not %s", status.Members[0].Digest, want.Digest)
	}
}

const http200 = 200

// older builds a binary that reads formats of the first level alone.
func older(t *testing.T) string { return reading(t, 1) }

// reading builds a binary that reads formats up to a level, and no newer ones.
func reading(t *testing.T, level uint32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "voted-older")
	build := exec.Command("go", "build", "-o", path, "-ldflags", fmt.Sprintf("-X voted/internal/fsm.otherReads=%d", level), "voted/cmd/voted")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building an older voted: %v\n%s", err, out)
	}
	return path
}

// The data of the first format, opened by an older build, must show the very digest.
func TestBuildsOfTwoLevelsMakeOneClusterAndAgree(t *testing.T) {
	t.Parallel()
	old := older(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: old, Nodes: 3, Dir: t.TempDir(), Args: func(int) []string {
		return []string{"--snapshot-every", "32"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ready(t, c)
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
	// Upgraded one after another under load, with a leader of either build in between.
	for i, n := range c.Nodes {
		l.grow(t, 150)
		if got := level(); got != 1 {
			t.Fatalf("with %d of 3 members upgraded the level is %d", i, got)
		}
		if err := n.Terminate(); err != nil {
			t.Fatal(err)
		}
		if err := n.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.RestartWith(binary); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
		if err := all.TransferLeadership(t.Context(), c.Nodes[(i+i%2)%3].ID); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); level() < 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("all members are upgraded and the level was not raised")
		}
	}
	l.grow(t, 150)
	l.finish(t)
	l.checkExact(t, c)
	// Going back is refused in words.
	victim := c.Nodes[2]
	if err := victim.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := victim.RestartWith(old); err != nil {
		t.Fatal(err)
	}
	select {
	case <-victim.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("an older build serves data that it cannot read")
	}
	if tail := victim.LogTail(); !strings.Contains(tail, "upgrade voted") || strings.Contains(tail, "goroutine ") {
		t.Errorf("it says:\n%s", tail)
	}
	if err := victim.RestartWith(binary); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
}

// A rolling restart as the manual has it: asked before each, no client sees an error.
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
		// Meanwhile the others must not be restarted, and it says so.
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
