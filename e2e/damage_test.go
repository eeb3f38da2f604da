package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

func TestADamagedDataDirectoryIsNamedAndNotServed(t *testing.T) {
	t.Parallel()
	c := start(t, "--snapshot-every", "16")
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "damage"})
	for i := range 120 {
		if _, err := all.Cast(t.Context(), "damage", fmt.Sprint("v", i), client.Choose("bo")); err != nil {
			t.Fatal(err)
		}
	}
	victim := c.Nodes[2]
	waitForSnapshot(t, victim)
	segment := filepath.Join("log", "0000000000000001.seg")
	for _, x := range []struct {
		name  string
		named string // what the refusal must name
		harm  func(t *testing.T, dir string)
	}{
		{"a log entry is altered", segment, func(t *testing.T, dir string) { flipIn(t, filepath.Join(dir, segment), "damage") }},
		{"the log is truncated", segment, func(t *testing.T, dir string) {
			path := filepath.Join(dir, segment)
			truncate(t, path, sizeOf(t, path)/2)
		}},
		{"a segment of the log is missing", segment, func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, segment)); err != nil {
				t.Fatal(err)
			}
		}},
		{"the vote is lost", "raft.db", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "raft.db")
			truncate(t, path, sizeOf(t, path)/2)
		}},
		{"the snapshot is altered", "snapshot", func(t *testing.T, dir string) { flipIn(t, newestSnapshot(t, dir), "damage") }},
		{"the snapshot is truncated", "snapshot", func(t *testing.T, dir string) {
			path := newestSnapshot(t, dir)
			truncate(t, path, sizeOf(t, path)-20)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			if err := victim.Kill(); err != nil {
				t.Fatal(err)
			}
			keep := t.TempDir()
			if err := os.CopyFS(keep, os.DirFS(victim.DataDir)); err != nil {
				t.Fatal(err)
			}
			x.harm(t, victim.DataDir)
			if err := victim.Restart(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-victim.Exited():
			case <-time.After(20 * time.Second):
				t.Fatal("the node serves a damaged data directory")
			}
			if code := exitCodeOf(t, victim); code != 1 {
				t.Errorf("exit code %d; damage is no wrong usage (2), and no good end (0)", code)
			}
			tail := victim.LogTail()
			if !strings.Contains(tail, x.named) || !strings.Contains(tail, "damaged") {
				t.Errorf("the refusal does not name %s as damaged:\n%s", x.named, tail)
			}
			if strings.Contains(tail, "goroutine ") {
				t.Errorf("the refusal is a stack trace:\n%s", tail)
			}
			// Repair it, so that the next case begins with good files.
			if err := os.RemoveAll(victim.DataDir); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(victim.DataDir, os.DirFS(keep)); err != nil {
				t.Fatal(err)
			}
			if err := victim.Restart(); err != nil {
				t.Fatal(err)
			}
			ready(t, c)
			checkCount(t, c, "damage", 120)
		})
	}
}

// exitCodeOf waits until a node has ended by itself.
func exitCodeOf(t *testing.T, n *localcluster.Node) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := n.Wait(ctx)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func waitForSnapshot(t *testing.T, n *localcluster.Node) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(n.DataDir, "snapshots", "*", "state.bin")); len(found) > 0 && !strings.Contains(found[len(found)-1], ".tmp") {
			return
		}
	}
	t.Fatalf("%s wrote no snapshot within 30 s", n.ID)
}

func newestSnapshot(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "snapshots", "*", "state.bin"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no snapshot in %s", dir)
	}
	return found[len(found)-1]
}

// flipIn flips a bit at every place of the text: some places are copies that are no
// longer used.
func flipIn(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.ReplaceAll(b, []byte(text), []byte(string(text[0]^0x10)+text[1:]))
	if bytes.Equal(flipped, b) {
		t.Fatalf("%q does not stand in %s", text, path)
	}
	if err := os.WriteFile(path, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}
