package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/e2e/plain"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// The point of all proofs: whoever votes at the worst moment holds a file that three checkers find good, which share no
// code: voted's own, one written from the specifications alone, and Tessera's.
func TestBallotsCastWhileTheLeaderIsKilledAreProvenToThreeCheckers(t *testing.T) {
	t.Parallel()
	long(t)
	fsck := buildFsck(t)
	// Given a cluster as an operator runs it, a poll whose policy its voters have, and some ballots,
	c := startOfficial(t)
	policy := c.policy("board")
	fsck.policy = policy
	c.as("admin", c.Nodes[0], 0, "poll", "create", "board", "ann", "bo", "cy")
	c.as("gateway", c.Nodes[0], 0, "import", "board", written(t, paper(300)))
	// when the leader is killed while ballots are on their way,
	receipts, victim := c.castThroughAKill(policy)
	// then each of them is proven, and stays so when the killed one is back and the poll has closed.
	for _, r := range receipts {
		checkReceipt(t, written(t, []byte(r.Proof)), policy, r, "Whether it was replaced later, this file does not say.")
	}
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c.Cluster)
	c.as("admin", victim, 0, "poll", "close", "board")
	final := filepath.Join(t.TempDir(), "final.tlog-proof")
	c.as("gateway", victim, 0, "proof", "get", "board", receipts[0].Voter, "--policy", policy, "-o", final)
	checkReceipt(t, final, policy, receipts[0], "It was not replaced before the poll closed.")
	checkNoReceipt(t, final, policy, receipts[0].Voter)

	log := c.mirrored(victim, "board", policy)
	checkLog(t, log, policy, fsck)
	checkNoLog(t, log, policy, fsck)
	for _, n := range c.Nodes { // Tessera's checker reads the tiles as each node serves them
		c.awaitHead(n, contentOf(t, filepath.Join(log, "checkpoint")))
		at := n.URL + "/v1/polls/board/log/"
		if out, err := fsck.check(log, at, "--ca", c.issued("ca.crt"), "--cert", c.issued("reader.crt"), "--cert-key", c.issued("reader.key")); err != nil {
			t.Errorf("Tessera's checker about %s: %v\n%s", n.ID, err, out)
		}
	}
}

// awaitHead waits until a node serves a head.
func (o *official) awaitHead(n *localcluster.Node, head []byte) {
	o.t.Helper()
	reader := o.client("reader", []string{n.URL})
	await(o.t, n.ID+" to have the newest head", func() bool {
		has, err := reader.LogFile(o.t.Context(), "board", client.LogCheckpoint)
		return err == nil && bytes.Equal(has, head)
	})
}

// paper is a file with the ballots of so many voters.
func paper(voters int) []byte {
	var b bytes.Buffer
	b.WriteString("voter,selections\n")
	for i := range voters {
		fmt.Fprintf(&b, "paper-%d,%s\n", i, candidates[i%3])
	}
	return b.Bytes()
}

// castThroughAKill casts ballots from many goroutines, each of which waits for its proof, and kills the leader. It
// returns the receipts of the ballots that were on their way then, and the killed node.
func (o *official) castThroughAKill(policy string) (onTheirWay []client.Receipt, victim *localcluster.Node) {
	o.t.Helper()
	all := o.client("gateway", o.Endpoints(), proving(o.t, policy))
	var mu sync.Mutex
	var killed time.Time
	var before, after int
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() { // ends with stop
			for i := 0; ; i++ {
				began := time.Now()
				r, err := all.Cast(context.Background(), "board", fmt.Sprintf("v-%d-%d", w, i), client.Choose(candidates[i%3]))
				mu.Lock()
				switch {
				case err != nil:
					o.t.Error(err)
				case killed.IsZero():
					before++
				case began.Before(killed):
					onTheirWay = append(onTheirWay, r)
				default:
					after++
				}
				mu.Unlock()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	count := func(n *int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return *n >= 32 || o.t.Failed()
		}
	}
	await(o.t, "ballots before the kill", count(&before))
	victim = leaderOf(o.t, o.Cluster)
	mu.Lock() // no answer is taken for one that came after the kill
	if err := victim.Kill(); err != nil {
		o.t.Error(err)
	}
	killed = time.Now()
	mu.Unlock()
	await(o.t, "ballots after the kill", count(&after))
	close(stop)
	wg.Wait()
	if len(onTheirWay) == 0 {
		o.t.Fatal("no ballot was on its way when the leader was killed")
	}
	return onTheirWay, victim
}

// checkReceipt holds a receipt to both checkers of receipts.
func checkReceipt(t *testing.T, file, policy string, r client.Receipt, says string) {
	t.Helper()
	out := mustVoted(t, "verify", "receipt", file, "--policy", policy, "--voter", r.Voter)
	if !strings.HasPrefix(out, "Your ballot in board is counted: record ") || !strings.Contains(out, says) {
		t.Errorf("%s: it says %s", r.Voter, out)
	}
	if n, err := plain.Receipt(contentOf(t, file), contentOf(t, policy), r.Voter); err != nil || n != r.Ballot {
		t.Errorf("%s: the plain checker finds ballot %d, %v; the receipt is %+v", r.Voter, n, err, r)
	}
}

// checkNoReceipt changes a good receipt, and looks for the sentence of each change.
func checkNoReceipt(t *testing.T, file, policy, voter string) {
	t.Helper()
	good := contentOf(t, file)
	line := strings.Split(string(good), "\n")
	for name, c := range map[string]struct {
		old, replacement string
		inExtra          bool
		voter            string
		says             string
		plain            error
	}{
		"as another voter's":         {"", "", false, "v-0-1000", "This receipt is not one of v-0-1000: it is one of " + voter, plain.ErrVoter},
		"for another voter":          {`"voter":"` + voter, `"voter":"w` + voter, true, "w" + voter, "This ballot is another voter's", plain.ErrVoter},
		"with another ballot":        {`"supersedes":0`, `"supersedes":1`, true, voter, "What was signed does not have this record", plain.ErrTree},
		"with a flipped byte":        {line[3], flipped(line[3]), false, voter, "What was signed does not have this record", plain.ErrTree},
		"with another number":        {line[2], "index 1", false, voter, "What was signed does not have this record", plain.ErrTree},
		"under an altered signature": {line[len(line)-2], flippedAtTheEnd(line[len(line)-2]), false, voter, "A signature is false", plain.ErrSignature},
	} {
		changed := good
		switch {
		case c.inExtra:
			changed = changedInExtra(t, good, c.old, c.replacement)
		case c.old != "":
			changed = bytes.Replace(good, []byte(c.old), []byte(c.replacement), 1)
		}
		out, errs, code := voted(t, "verify", "receipt", written(t, changed), "--policy", policy, "--voter", c.voter)
		if code != 1 || !strings.HasPrefix(out, c.says) {
			t.Errorf("%s: exit code %d: %s%s", name, code, out, errs)
		}
		if _, err := plain.Receipt(changed, contentOf(t, policy), c.voter); !errors.Is(err, c.plain) {
			t.Errorf("%s: the plain checker says %v, want %v", name, err, c.plain)
		}
	}
}

// flipped changes the first letter of a text in base64.
func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

// flippedAtTheEnd changes a letter near the end of a text in base64, which is part of a signature there.
func flippedAtTheEnd(text string) string {
	at := len(text) - 8
	return text[:at] + flipped(text[at:])
}

// changedInExtra changes a text in the extra data of a receipt.
func changedInExtra(t *testing.T, file []byte, old, replacement string) []byte {
	t.Helper()
	before, rest, _ := bytes.Cut(file, []byte("extra "))
	text, after, _ := bytes.Cut(rest, []byte("\n"))
	extra, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || !bytes.Contains(extra, []byte(old)) {
		t.Fatalf("there is no %s in %s: %v", old, extra, err)
	}
	extra = bytes.Replace(extra, []byte(old), []byte(replacement), 1)
	return fmt.Appendf(nil, "%sextra %s\n%s", before, base64.StdEncoding.EncodeToString(extra), after)
}

// mirrored copies the log of a poll from a node, for its readers.
func (o *official) mirrored(at *localcluster.Node, poll, policy string) (dir string) {
	o.t.Helper()
	dir = filepath.Join(o.t.TempDir(), poll+".log")
	o.as("reader", at, 0, "mirror", poll, dir, "--policy", policy)
	return dir
}

// checkLog holds a published log to the three checkers of logs.
func checkLog(t *testing.T, dir, policy string, fsck *tessera) {
	t.Helper()
	if out := mustVoted(t, "verify", "log", dir, "--policy", policy); !strings.Contains(out, "records") {
		t.Errorf("it says %s", out)
	}
	if n, err := plain.Log(os.DirFS(dir), contentOf(t, policy)); err != nil || n < 300 {
		t.Errorf("the plain checker finds %d entries, %v", n, err)
	}
	if out, err := fsck.check(dir, dir); err != nil {
		t.Errorf("Tessera's checker: %v\n%s", err, out)
	}
}

// checkNoLog changes a good log, and looks for the sentence of each change.
func checkNoLog(t *testing.T, good, policy string, fsck *tessera) {
	t.Helper()
	const whole = "tile/entries/000"
	for name, c := range map[string]struct {
		change      func(dir string)
		code        int
		says, fscks string
	}{
		"with a flipped byte": {
			func(dir string) { flip(t, filepath.Join(dir, whole), 100) },
			1, "What was signed does not have this record", ": log has:",
		},
		"truncated": {
			func(dir string) {
				if err := os.RemoveAll(filepath.Join(dir, "tile/entries/001.p")); err != nil {
					t.Fatal(err)
				}
			},
			2, "Something that is needed is not there", "error while streaming bundles",
		},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		c.change(dir)
		out, errs, code := voted(t, "verify", "log", dir, "--policy", policy)
		if code != c.code || !strings.HasPrefix(out, c.says) {
			t.Errorf("%s: exit code %d: %s%s", name, code, out, errs)
		}
		if _, err := plain.Log(os.DirFS(dir), contentOf(t, policy)); !errors.Is(err, plain.ErrEntries) {
			t.Errorf("%s: the plain checker says %v", name, err)
		}
		if out, err := fsck.check(dir, dir); err == nil || !strings.Contains(out, c.fscks) {
			t.Errorf("%s: Tessera's checker says %v\n%s", name, err, out)
		}
	}
}

func flip(t *testing.T, name string, at int) {
	t.Helper()
	b := contentOf(t, name)
	b[at] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fsckLimit bounds one run of Tessera's checker, which never ends on some logs that are wrong.
const fsckLimit = 20 * time.Second

// tessera is the program that wraps Tessera's checker.
type tessera struct {
	t       *testing.T
	policy  string        // whose keys sign
	built   chan struct{} // closed when the build has ended
	program string
	failed  error // of the build
}

// buildFsck builds the program while the test begins.
func buildFsck(t *testing.T) *tessera {
	t.Helper()
	f := &tessera{t: t, built: make(chan struct{})}
	dir := t.TempDir()
	go func() { // ends with the build
		defer close(f.built)
		f.program, f.failed = overlay.Build(t.Context(), dir, "proof/strangers/fsck")
	}()
	t.Cleanup(func() { <-f.built })
	return f
}

// check checks a log, in a directory or at a URL, whose head is also in a directory.
func (f *tessera) check(signed, log string, flags ...string) (said string, err error) {
	f.t.Helper()
	if <-f.built; f.failed != nil {
		f.t.Fatal(f.failed)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), fsckLimit)
	defer cancel()
	args := append([]string{"--key", f.key(signed)}, flags...)
	out, err := exec.CommandContext(ctx, f.program, append(args, log)...).CombinedOutput()
	return string(out), err
}

// key returns the key of the policy that signed a head in the name of the log.
func (f *tessera) key(signed string) string {
	f.t.Helper()
	head := string(contentOf(f.t, filepath.Join(signed, "checkpoint")))
	origin, _, _ := strings.Cut(head, "\n")
	_, rest, _ := strings.Cut(head, "\n— "+origin+" ")
	text, _, _ := strings.Cut(rest, "\n")
	sig, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sig) < 4 {
		f.t.Fatalf("the log has not signed its head: %s", head)
	}
	for line := range strings.Lines(string(contentOf(f.t, f.policy))) {
		if key, ok := strings.CutPrefix(line, "log "); ok && strings.HasPrefix(key, fmt.Sprintf("%s+%x+", origin, sig[:4])) {
			return strings.TrimSpace(key)
		}
	}
	f.t.Fatalf("no key of the policy signed the head %s", head)
	return ""
}
