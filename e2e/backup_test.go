package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// voted runs a command and returns its output and its exit code.
func voted(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed.
func mustVoted(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := voted(t, args...)
	if code != 0 {
		t.Fatalf("voted %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// opens returns a function that opens a file, each time from its beginning.
func opens(name string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(name) }
}

func followerOf(t *testing.T, c *localcluster.Cluster) *localcluster.Node {
	t.Helper()
	leader := leaderOf(t, c)
	for _, n := range c.Nodes {
		if n != leader {
			return n
		}
	}
	t.Fatal("there is no follower")
	return nil
}

// awaitLevel waits until the leader has raised the cluster's format level.
func awaitLevel(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, n := range c.Nodes {
			if log, err := os.ReadFile(n.LogPath); err == nil && bytes.Contains(log, []byte("formats of a newer level are used from here on")) {
				return
			}
		}
	}
	t.Fatal("the members do not agree on newer formats")
}

// The procedures "Back up", "Verify" and "Restore" of docs/operations.md, with a
// leader that dies in the middle of the restore.
func TestABackupIsTheSameElectionInAnotherCluster(t *testing.T) {
	t.Parallel()
	first := start(t)
	all := dial(t, first.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 8)
	l.grow(t, 500)
	file := filepath.Join(t.TempDir(), "board.backup")
	// While ballots are cast, through a follower.
	mustVoted(t, "backup", file, "--endpoint", followerOf(t, first).URL)
	l.finish(t)
	mustVoted(t, "backup", file, "--endpoint", followerOf(t, first).URL)
	var report struct {
		Polls, Ballots uint64
		Tables         []struct{ Digest string }
	}
	if err := json.Unmarshal([]byte(mustVoted(t, "verify", "backup", file, "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Polls != 1 || int(report.Ballots) != len(l.receipts) {
		t.Fatalf("verified: %+v; %d voters were acknowledged", report, len(l.receipts))
	}
	if table := mustVoted(t, "verify", "backup", file); !strings.Contains(table, "board") || !strings.Contains(table, "plurality") {
		t.Errorf("the table is\n%s", table)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	second := start(t, "--snapshot-every", "16")
	awaitLevel(t, second) // a backup of newer formats is refused while a member has not said that it reads them
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		time.Sleep(30 * time.Millisecond) // somewhere within the command; the exact moment must not matter
		if n, err := second.Leader(t.Context()); err == nil {
			_ = n.Kill()
		}
	}()
	args := []string{"restore", file}
	for _, n := range second.Nodes {
		args = append(args, "--endpoint", n.URL)
	}
	mustVoted(t, args...)
	<-killed
	for _, n := range second.Nodes {
		if !n.Running() {
			if err := n.Restart(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ready(t, second)
	l.checkExact(t, second)
	// A voter whose ballot was acknowledged there gets the same receipt here, byte for
	// byte.
	here := dial(t, second.Endpoints()...)
	for voter, r := range l.receipts {
		again, err := here.Cast(t.Context(), "board", voter, client.Choose(l.choice[voter]))
		if err != nil || again.Ballot != r.Ballot || again.Index != r.Index || again.Version != r.Version || !again.CastAt.Equal(r.CastAt) || !again.Meta.Replayed {
			t.Fatalf("%s had %+v and gets %+v, %v", voter, r, again, err)
		}
		break
	}
	// A second time changes nothing.
	if out := mustVoted(t, args...); !strings.Contains(out, "nothing has changed since") {
		t.Errorf("restored again: %s", out)
	}
	// New ballots are counted, and everything is there after all nodes were killed.
	if _, err := here.Cast(t.Context(), "board", "late", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	for _, n := range second.Nodes {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range second.Nodes {
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, second)
	checkCount(t, second, "board", len(l.receipts)+1)
	checkDigests(t, second)
}

func TestARestoreOverALivingClusterNeedsTheWordsForWhatItDrops(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "kept"})
	if _, err := all.Cast(t.Context(), "kept", "ann", client.Choose("bo")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "kept.backup")
	at := []string{"--endpoint", followerOf(t, c).URL}
	mustVoted(t, append([]string{"backup", file}, at...)...)
	createPoll(t, all, client.Definition{ID: "dropped"})
	for i := range 2 {
		if _, err := all.Cast(t.Context(), "dropped", fmt.Sprint("v", i), client.Choose("bo")); err != nil {
			t.Fatal(err)
		}
	}
	const words = "2 polls and 3 ballots"
	for _, confirm := range [][]string{nil, {"--confirm", "yes"}, {"--confirm", "1 poll and 1 ballot"}} {
		_, errs, code := voted(t, append(append([]string{"restore", file}, at...), confirm...)...)
		if code != 1 || !strings.Contains(errs, words) || !strings.Contains(errs, "nothing was changed") {
			t.Fatalf("%q: exit code %d: %s", confirm, code, errs)
		}
	}
	checkCount(t, c, "dropped", 2)
	mustVoted(t, append([]string{"restore", file, "--confirm", words}, at...)...)
	checkCount(t, c, "kept", 1)
	if _, err := all.Results(t.Context(), "dropped", client.Linearizable); !errors.Is(err, client.CodePollNotFound) {
		t.Errorf("what was dropped: %v", err)
	}
	checkDigests(t, c)
}

func TestABadBackupIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := filepath.Join(dir, "good")
	mustVoted(t, "backup", good, "--endpoint", c.Nodes[0].URL)
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	tampered := bytes.Clone(b)
	tampered[len(b)/2] ^= 1
	newer := bytes.Clone(b)
	newer[8] = 2
	for name, x := range map[string]struct{ file, says string }{
		"tampered":       {write("tampered", tampered), "section"},
		"truncated":      {write("truncated", b[:len(b)-9]), "section"},
		"foreign":        {write("foreign", []byte("ballot,voter\n")), "not a backup made by voted"},
		"empty":          {write("empty", nil), "not a backup made by voted"},
		"a newer format": {write("newer", newer), "newer than this program reads"},
	} {
		for _, command := range []string{"verify backup", "restore"} {
			args := append(strings.Fields(command), x.file)
			if command == "restore" {
				args = append(args, "--endpoint", c.Nodes[0].URL)
			}
			_, errs, code := voted(t, args...)
			if code != 1 || !strings.Contains(errs, x.says) || !strings.Contains(errs, "older backup") {
				t.Errorf("%s a backup that is %s: exit code %d: %s", command, name, code, errs)
			}
		}
		// Not through the command, but directly to a node.
		raw, err := os.Open(x.file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := raw.Stat()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Close()
		_, err = all.Restore(t.Context(), client.RestoreBackup{Open: opens(x.file), Size: info.Size()})
		if !errors.Is(err, client.CodeInvalidBackup) || !strings.Contains(err.Error(), "Nothing was changed") {
			t.Errorf("a node takes a backup that is %s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.Dir, "*", "restore-*")); len(left) > 0 {
		t.Errorf("uploads are left behind: %v", left)
	}
}

// awaitStatus waits until `voted cluster status` ends with an exit code and prints all
// these texts.
func awaitStatus(t *testing.T, c *localcluster.Cluster, code int, says ...string) {
	t.Helper()
	args := []string{"cluster", "status"}
	for _, n := range c.Nodes {
		args = append(args, "--endpoint", n.URL)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, errs, got := voted(t, args...)
		silent := func(s string) bool { return !strings.Contains(out, s) }
		if got == code && !slices.ContainsFunc(says, silent) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the status does not come to exit code %d and %q; it is %d\n%s%s", code, says, got, out, errs)
		}
	}
}

func TestANodeKeepsTheLastOfItsOwnBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	foreign := filepath.Join(dir, "voted-n1-mine.backup")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, "--backup-dir", dir, "--backup-every", "1s", "--backup-keep", "2")
	var seen []string
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(dir, "voted-n1-2*.backup"))
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) == 0 {
			seen = found
		}
		if len(found) == 2 && len(seen) > 0 && found[0] > seen[0] {
			mustVoted(t, "verify", "backup", found[1])
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are %v", found)
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is not its own is gone: %v", err)
	}
	// Once no backup can be made, the status says so, until one can.
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, c, 1, "n1 could not make its last scheduled backup", "The last good one is of 2", "voted backup FILE")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, c, 0)
	if err := c.Nodes[0].Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[0].Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
