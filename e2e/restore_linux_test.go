package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// holds returns the content of a cluster in a comparable form: the polls with all
// details of their ballots, as each node exports them. The nodes must agree.
func holds(t *testing.T, c *localcluster.Cluster) string {
	t.Helper()
	var first string
	for i, n := range c.Nodes {
		var seen strings.Builder
		resp, polls := request(t, "GET", n.URL+"/v1/polls", "")
		if resp.StatusCode != 200 {
			t.Fatalf("%s lists no polls: %s %s", n.ID, resp.Status, polls)
		}
		seen.WriteString(polls)
		var list struct{ Polls []struct{ ID string } }
		if err := json.Unmarshal([]byte(polls), &list); err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Polls {
			fmt.Fprintln(&seen, p.ID, exportSum(t, n, p.ID))
		}
		if i == 0 {
			first = seen.String()
		} else if seen.String() != first {
			t.Errorf("%s holds\n%s\nand %s\n%s", c.Nodes[0].ID, first, n.ID, seen.String())
		}
	}
	checkDigests(t, c)
	return first
}

// exportSum is the SHA-256 of all ballots of a poll as a node exports them: keys, numbers,
// versions, indexes, times and choices.
func exportSum(t *testing.T, n *localcluster.Node, poll string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "export", poll, "--audit", "--endpoint", n.URL)
	sum := sha256.New()
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = sum, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s cannot export %s: %v\n%s", n.ID, poll, err, errs.String())
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// filled starts a cluster with two polls of a few ballots.
func filled(t *testing.T) (c *localcluster.Cluster, at []string) {
	t.Helper()
	c = start(t)
	all := dial(t, c.Endpoints()...)
	for id, ballots := range map[string]int{"board": 3, "council": 2} {
		createPoll(t, all, client.Definition{ID: id})
		for i := range ballots {
			if _, err := all.Cast(t.Context(), id, fmt.Sprint("v", i), client.Choose("bo")); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c, []string{"--endpoint", followerOf(t, c).URL}
}

// At a terminal, the words that name what is dropped must be typed; anything else, or
// nothing, changes nothing.
func TestAtATerminalARestoreWantsTheWordsForWhatItDrops(t *testing.T) {
	t.Parallel()
	// Given a cluster with more than a backup of it holds,
	c, at := filled(t)
	file := filepath.Join(t.TempDir(), "board.backup")
	mustVoted(t, append([]string{"backup", file}, at...)...)
	if _, err := dial(t, c.Endpoints()...).Cast(t.Context(), "council", "since", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	const words = "2 polls and 6 ballots"
	before := holds(t, c)
	restore := append([]string{"restore", file}, at...)
	for name, typed := range map[string]string{
		"other words":                "yes\n",
		"what the backup holds":      "2 polls and 5 ballots\n",
		"nothing":                    "\n",
		"the end of the file":        "\x04",
		"a part, and then its end":   "2 polls\x04\x04",
		"an interrupt, and no words": "\x03",
	} {
		// when something else is typed,
		shown, code := onTerminal(t, "type: "+words, typed, restore...)
		// then the command shows what would be dropped, and nothing changes.
		if code != 1 || !strings.Contains(shown, "This drops what the cluster holds now: "+words) || !strings.Contains(shown, "nothing was changed") {
			t.Errorf("%s: exit code %d\n%s", name, code, shown)
		}
		if now := holds(t, c); now != before {
			t.Errorf("%s: the cluster held\n%s\nand holds\n%s", name, before, now)
		}
	}
	// When the words are typed, it is restored.
	if shown, code := onTerminal(t, "type: "+words, words+"\n", restore...); code != 0 || !strings.Contains(shown, "restored: 2 polls and 5 ballots") {
		t.Errorf("exit code %d\n%s", code, shown)
	}
	checkCount(t, c, "council", 2)
	if holds(t, c) == before {
		t.Error("nothing was restored")
	}
}

func TestARestoreWhoseUploadBreaksOffChangesNothing(t *testing.T) {
	t.Parallel()
	c, at := filled(t)
	file := filepath.Join(t.TempDir(), "board.backup")
	mustVoted(t, append([]string{"backup", file}, at...)...)
	backup, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := holds(t, c)
	uploads := func() []string {
		found, err := filepath.Glob(filepath.Join(c.Dir, "*", "restore-*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, n := range c.Nodes {
		// Given an upload to any node, half complete,
		conn := beginUpload(t, n, backup[:len(backup)/2], len(backup))
		awaitUploads(t, uploads, 1)
		// when the connection breaks,
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		// then nothing is left of it, and nothing has changed.
		awaitUploads(t, uploads, 0)
		if now := holds(t, c); now != before {
			t.Errorf("at %s: the cluster held\n%s\nand holds\n%s", n.ID, before, now)
		}
	}
	// The same if the node is killed in the middle.
	victim := followerOf(t, c)
	conn := beginUpload(t, victim, backup[:len(backup)/2], len(backup))
	defer conn.Close()
	awaitUploads(t, uploads, 1)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	awaitUploads(t, uploads, 0)
	if now := holds(t, c); now != before {
		t.Errorf("the cluster held\n%s\nand holds\n%s", before, now)
	}
	// Then a complete one is accepted.
	mustVoted(t, append([]string{"restore", file, "--confirm", "2 polls and 5 ballots"}, at...)...)
}

// beginUpload sends the head of a restore of this many bytes, and a part of its body.
func beginUpload(t *testing.T, n *localcluster.Node, part []byte, size int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.APIAddr)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /v1/restore?confirm=2+polls+and+5+ballots HTTP/1.1\r\nHost: %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%s", n.APIAddr, size, part)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func awaitUploads(t *testing.T, uploads func() []string, want int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(uploads()) != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there are %v, not %d uploads", uploads(), want)
		}
	}
}

// million is how many ballots a large backup has.
const million = 1_000_000

// largeBackup makes a backup of a million ballots. It returns it with the sum of their
// export.
func largeBackup(t *testing.T, dir string) (file, sum string) {
	t.Helper()
	long(t)
	source, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 1, Dir: filepath.Join(dir, "source")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := source.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ready(t, source)
	var ballots bytes.Buffer
	ballots.WriteString("voter,selections\n")
	for i := range million {
		fmt.Fprintf(&ballots, "v%d,%s\n", i, candidates[i%3])
	}
	csv := filepath.Join(dir, "ballots.csv")
	if err := os.WriteFile(csv, ballots.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--endpoint", source.Nodes[0].URL}
	mustVoted(t, append([]string{"poll", "create", "large", "ann", "bo", "cy"}, at...)...)
	mustVoted(t, append([]string{"import", "large", csv}, at...)...)
	file = filepath.Join(dir, "large.backup")
	timed(t, "backup", append([]string{"backup", file}, at...)...)
	return file, exportSum(t, source.Nodes[0], "large")
}

// timed runs a command that has to succeed, and logs how long it took.
func timed(t *testing.T, what string, args ...string) string {
	t.Helper()
	began := time.Now()
	out := mustVoted(t, args...)
	t.Logf("%s of %d ballots: %v", what, million, time.Since(began).Round(time.Millisecond))
	return out
}

func TestALargeBackupIsRestoredExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	long(t)
	file, sum := largeBackup(t, t.TempDir())
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the backup has %d bytes", info.Size())
	if said := timed(t, "verify", "verify", "backup", file); !strings.Contains(said, "1 poll and 1,000,000 ballots") {
		t.Errorf("verified: %s", said)
	}
	t.Run("on every node, to the last byte", func(t *testing.T) {
		c := start(t)
		timed(t, "restore", "restore", file, "--endpoint", followerOf(t, c).URL)
		checkCount(t, c, "large", million)
		for _, n := range c.Nodes {
			if got := exportSum(t, n, "large"); got != sum {
				t.Errorf("%s exports %s, and the source %s", n.ID, got, sum)
			}
		}
		checkDigests(t, c)
		again, err := dial(t, c.Endpoints()...).Cast(t.Context(), "large", "v999999", client.Choose("ann"))
		if err != nil || !again.Meta.Replayed || again.Ballot != million {
			t.Errorf("the last voter votes again: %+v, %v", again, err)
		}
	})
	for name, leave := range map[string]int64{
		"refused where the disk has no room for it": info.Size() / 2,
		"refused where it has room for it once":     info.Size() + diskMebibytes<<20/8,
	} {
		t.Run(name, func(t *testing.T) { refusedForSpace(t, file, leave) })
	}
}

// refusedForSpace sends a backup to a node whose disk has enough room to continue, but
// not for the backup.
func refusedForSpace(t *testing.T, file string, leave int64) {
	// Given that node,
	c, disks := startOnDisks(t, 1, 0)
	node := c.Nodes[0]
	all := dial(t, node.URL)
	createPoll(t, all, client.Definition{ID: "small"})
	if _, err := all.Cast(t.Context(), "small", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	fill(t, disks[0], leave)
	before := holds(t, c)
	// when it is sent,
	_, errs, code := voted(t, "restore", file, "--endpoint", node.URL, "--confirm", "1 poll and 1 ballot", "--timeout", "5s")
	// then it is refused with a sentence, its space is freed, and nothing has changed.
	if code != 1 || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if left, _ := filepath.Glob(filepath.Join(node.DataDir, "restore-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	awaitStatus(t, c, 0)
	if now := holds(t, c); now != before {
		t.Errorf("it held\n%s\nand holds\n%s", before, now)
	}
	_, _, _ = castUntil(t, 201, node.URL+"/v1/polls/small/ballots/after-")
}
