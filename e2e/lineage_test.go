package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"voted/client"
)

// A restore drops what the backup does not have. It begins another log, so that nothing that was signed is denied; and
// whoever held a receipt can show what became of their ballot.
func TestAfterARestoreReceiptsShowWhatItKeptAndWhatItDropped(t *testing.T) {
	t.Parallel()
	p := startProvable(t, binary)
	policy := p.policy("1")
	at := []string{"--endpoint", p.Nodes[0].URL}
	createPoll(t, dial(t, p.Endpoints()...), client.Definition{ID: "board"})
	// Given a backup, and ballots that were proven before and after it,
	p.cast(policy, "ann", "early-1", "early-2")
	early := p.keepHead(p.Nodes[0], "early.head", 2)
	file := p.kept("board.backup")
	mustVoted(t, append([]string{"backup", file}, at...)...)
	p.cast(policy, "bo", "late-1", "late-2", "late-3")
	late := p.keepHead(p.Nodes[0], "late.head", 5)
	mustVoted(t, append([]string{"mirror", "board", p.kept("log"), "--policy", policy}, at...)...)
	// then the backup shows what restoring it would drop, before it is restored,
	if out := mustVoted(t, "verify", "backup", file, "--against", early, "--policy", policy); !strings.Contains(out, "The backup has all that was signed") {
		t.Errorf("against the head that it has: %s", out)
	}
	_, errs, code := voted(t, "verify", "backup", file, "--against", late, "--policy", policy)
	if want := "The backup has 3 of the 6 entries that were signed: restoring it drops 3, whose voters may hold proofs."; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("against the newest head: exit code %d: %s, want: %s", code, errs, want)
	}
	// and when it is restored,
	mustVoted(t, append([]string{"restore", file, "--confirm", "1 poll and 5 ballots"}, at...)...)
	// then every receipt is good for the log of before,
	p.holds(policy, "early-1", "early-2", "late-1", "late-2", "late-3")
	// the log of now has another name,
	lineage := p.awaitLineage("r")
	now := p.policy(lineage)
	if out, errs, code := voted(t, append([]string{"mirror", "board", p.kept("log"), "--policy", now}, at...)...); code != 2 || !strings.Contains(out, "mirror it into another directory") {
		t.Errorf("mirrored over the log of before: exit code %d: %s%s", code, out, errs)
	}
	mustVoted(t, append([]string{"mirror", "board", p.kept("now.log"), "--policy", now}, at...)...)
	// and with it each receipt says what became of its ballot.
	for voter, want := range map[string]string{
		"early-2": "Your ballot in board outlived the restore: it is record 2 of " + logName + "/board/" + lineage,
		"late-2":  "Your ballot in board was dropped by a restore: " + logName + "/board/1 had it as record 4",
	} {
		out, errs, code := voted(t, "verify", "receipt", p.kept(voter), "--policy", policy, "--now", p.kept("now.log"), "--now-policy", now)
		if wrong := strings.Contains(want, "dropped"); (code == 1) != wrong || !strings.HasPrefix(out, want) {
			t.Errorf("%s: exit code %d: %s%s", voter, code, out, errs)
		}
	}
	// Who was dropped votes again, and is proven again.
	p.cast(now, "ann", "late-2")
	p.holds(now, "late-2")
	// A backup of now is of the log of now.
	again, head := p.kept("again.backup"), p.keepHead(p.Nodes[0], "again.head", 3)
	mustVoted(t, append([]string{"backup", again}, at...)...)
	if out := mustVoted(t, "verify", "backup", again, "--against", head, "--policy", now); !strings.Contains(out, "The backup has all that was signed") {
		t.Errorf("against a head of now: %s", out)
	}
	p.noForks()
}

// awaitLineage waits for a head of a log that begins otherwise than the first one, and returns its lineage.
func (p *provable) awaitLineage(kind string) (lineage string) {
	p.t.Helper()
	all := dial(p.t, p.Nodes[0].URL)
	await(p.t, "a head of another log", func() bool {
		head, err := all.LogFile(p.t.Context(), "board", client.LogCheckpoint)
		name, _, _ := strings.Cut(string(head), "\n")
		lineage = strings.TrimPrefix(name, logName+"/board/")
		return err == nil && strings.HasPrefix(lineage, kind)
	})
	return lineage
}

// Where all machines are set back together, nothing inside the cluster can know it, and the members sign another past
// under the same name. Whoever kept a copy finds it, and has proof against those who signed both.
func TestAClusterThatIsSetBackAsAWholeIsFoundByWhoeverKeptACopy(t *testing.T) {
	t.Parallel()
	p := startProvable(t, binary)
	policy := p.policy("1")
	createPoll(t, dial(t, p.Endpoints()...), client.Definition{ID: "board"})
	p.cast(policy, "ann", "v-1")
	// Given images of all disks, and a copy of the log that was made later,
	stopInOrder(t, p.Nodes...)
	images := t.TempDir()
	for _, n := range p.Nodes {
		if err := os.CopyFS(filepath.Join(images, n.ID), os.DirFS(n.DataDir)); err != nil {
			t.Fatal(err)
		}
	}
	p.restartAll()
	p.cast(policy, "ann", "v-2", "v-3")
	p.keepHead(p.Nodes[0], "head", 3)
	mirror := []string{"mirror", "board", p.kept("log"), "--policy", policy, "--endpoint", p.Nodes[0].URL}
	mustVoted(t, mirror...)
	// when the images are put back, and other ballots are cast,
	stopInOrder(t, p.Nodes...)
	for _, n := range p.Nodes {
		if err := os.RemoveAll(n.DataDir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(n.DataDir, os.DirFS(filepath.Join(images, n.ID))); err != nil {
			t.Fatal(err)
		}
	}
	p.restartAll()
	p.cast(policy, "bo", "v-4", "v-5", "v-6")
	p.keepHead(p.Nodes[0], "head", 4)
	p.keepHead(p.Nodes[1], "head", 4)
	// then the copy is not brought up to date,
	out, errs, code := voted(t, mirror...)
	if code != 1 || !strings.Contains(out, "checkpoint.contradicting") {
		t.Fatalf("mirrored: exit code %d: %s%s", code, out, errs)
	}
	// the two heads are proof against the members,
	other := p.kept("other.log")
	mustVoted(t, "mirror", "board", other, "--policy", policy, "--endpoint", p.Nodes[1].URL)
	out = mustVoted(t, "verify", "fraud", p.kept("log/checkpoint"), filepath.Join(other, "checkpoint"), "--policy", policy, "--log-dir", other)
	if !strings.Contains(out, "This is proof against n1") && !strings.Contains(out, "This is proof against n2") {
		t.Errorf("it says %s", out)
	}
	// and so is the receipt of a ballot that is gone, with one of another ballot in its place.
	out = mustVoted(t, "verify", "fraud", p.kept("v-2"), p.kept("v-4"), "--policy", policy)
	if !strings.Contains(out, "two logs of board that exclude each other") {
		t.Errorf("it says %s", out)
	}
}

// restartAll starts all nodes again.
func (p *provable) restartAll() {
	p.t.Helper()
	for _, n := range p.Nodes {
		if err := n.Restart(); err != nil {
			p.t.Fatal(err)
		}
	}
	ready(p.t, p.Cluster)
}

// A member that is left may lack what the lost ones had signed. A recovery from it begins another log too, so that it
// never signs another ballot under a number that is taken.
func TestAfterARecoveryReceiptsShowWhatTheLostMembersTookWithThem(t *testing.T) {
	t.Parallel()
	p := startProvable(t, binary)
	policy := p.policy("1")
	createPoll(t, dial(t, p.Endpoints()...), client.Definition{ID: "board"})
	// Given a member that does not have the newest ballot,
	p.cast(policy, "ann", "v-1")
	checkDigests(t, p.Cluster)
	left := p.Nodes[0]
	stopInOrder(t, left)
	p.cast(policy, "ann", "v-2")
	stopInOrder(t, p.Nodes[1:]...)
	// when the others are lost, and the cluster is recovered from it,
	recovery := []string{"recover", "--data", left.DataDir, "--id", "n1", "--peer", left.PeerAddr}
	_, errs, _ := voted(t, recovery...)
	mustVoted(t, append(recovery, "--confirm", regexp.MustCompile(`recover n1 as \S+ at \d+ without n2 n3`).FindString(errs))...)
	if err := left.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := left.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	// then another ballot takes the number of the one that is gone, in another log,
	lineage := p.awaitLineage("c")
	now := p.kept("now.policy")
	mustVoted(t, "proof", "policy", "board", "--lineage", lineage, "--log-name", logName, "--ca", filepath.Join(p.Dir, "secrets", "ca.crt"),
		filepath.Join(p.Dir, "secrets", "n1.proof.crt"), "-o", now)
	p.cast(now, "bo", "v-3")
	mustVoted(t, "mirror", "board", p.kept("now.log"), "--policy", now, "--endpoint", left.URL)
	// every receipt is good for the log that it is of, and says what became of its ballot.
	p.holds(policy, "v-1", "v-2")
	p.holds(now, "v-3")
	for voter, want := range map[string]string{
		"v-1": "Your ballot in board outlived the recovery: it is record 1 of " + logName + "/board/" + lineage,
		"v-2": "Your ballot in board was dropped by a recovery: " + logName + "/board/1 had it as record 2",
	} {
		out, errs, code := voted(t, "verify", "receipt", p.kept(voter), "--policy", policy, "--now", p.kept("now.log"), "--now-policy", now)
		if wrong := strings.Contains(want, "dropped"); (code == 1) != wrong || !strings.HasPrefix(out, want) {
			t.Errorf("%s: exit code %d: %s%s", voter, code, out, errs)
		}
	}
	p.noForks()
}
