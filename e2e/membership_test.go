package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/ports/portstest"

	"voted/client"
	"voted/internal/localcluster"
)

// needsAnother is the exit code of voted serve if another command line, environment or
// file is needed.
const needsAnother = 78

// refusesToServe runs a build of voted with arguments of `voted serve` until it ends by
// itself, and checks its output and its exit code.
func refusesToServe(t *testing.T, program, what string, code int, args []string, says ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, _ := cmd.CombinedOutput() // the exit code is checked
	if ctx.Err() != nil {
		t.Fatalf("%s: it serves\n%s", what, out)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%s: exit code %d, not %d", what, got, code)
	}
	for _, s := range append(says, "voted: ") {
		if !strings.Contains(string(out), s) {
			t.Errorf("%s: it does not say %q:\n%s", what, s, out)
		}
	}
	if strings.Contains(string(out), "goroutine ") {
		t.Errorf("%s: a trace:\n%s", what, out)
	}
}

// joining returns a node's arguments for entering a cluster with an empty directory.
func joining(n *localcluster.Node, others ...*localcluster.Node) []string {
	args := slices.Clone(n.Args)
	at := slices.Index(args, "--cluster")
	var peers []string
	for _, o := range others {
		peers = append(peers, o.PeerAddr)
	}
	return slices.Replace(args, at, at+2, "--join", strings.Join(peers, ","))
}

func TestAnEmptyDiskUnderAnOldIDIsRefusedInWords(t *testing.T) {
	t.Parallel()
	// Given a member that has lost its disk,
	c := start(t)
	all := dial(t, c.Nodes[0].URL, c.Nodes[1].URL)
	createPoll(t, all, client.Definition{ID: "board"})
	if _, err := all.Cast(t.Context(), "board", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	checkDigests(t, c)
	lost := c.Nodes[2]
	if err := lost.Kill(); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old")
	if err := os.Rename(lost.DataDir, old); err != nil {
		t.Fatal(err)
	}
	// then it does not serve as if nothing had happened, and does not join under an id
	// that is listed,
	refusesToServe(t, binary, "as before", needsAnother, lost.Args, "this data directory is empty", "voted cluster remove n3", "voted cluster add n3 "+lost.PeerAddr, "--join "+c.Nodes[0].PeerAddr)
	refusesToServe(t, binary, "with --join", needsAnother, joining(lost, c.Nodes[0], c.Nodes[1]), "its data directory is empty", "voted cluster remove n3", "then let it join")
	// not at another address either;
	moved := slices.Replace(joining(lost, c.Nodes[0]), slices.Index(lost.Args, "--peer")+1, slices.Index(lost.Args, "--peer")+2, portstest.Addr(t))
	refusesToServe(t, binary, "elsewhere", needsAnother, moved, "is known at "+lost.PeerAddr, "remove it first")
	checkVoters(t, all, 3)
	// once it is removed, its old directory is useless if it is found again,
	mustVoted(t, "cluster", "remove", "n3", "--endpoint", c.Nodes[0].URL)
	if err := os.RemoveAll(lost.DataDir); err != nil { // left over from the refused starts
		t.Fatal(err)
	}
	if err := os.Rename(old, lost.DataDir); err != nil {
		t.Fatal(err)
	}
	refusesToServe(t, binary, "with the old directory", needsAnother, lost.Args, "was removed from its cluster", "empty its data directory", "--join")
	// and with an empty one it joins.
	if err := os.RemoveAll(lost.DataDir); err != nil {
		t.Fatal(err)
	}
	lost.Args = joining(lost, c.Nodes[0])
	if err := lost.Restart(); err != nil {
		t.Fatal(err)
	}
	waitForVoters(t, all, 3)
	checkCount(t, c, "board", 1)
}

// checkVoters checks the number of members that vote.
func checkVoters(t *testing.T, c *client.Client, want int) {
	t.Helper()
	s, err := c.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	voters := 0
	for _, m := range s.Members {
		if m.Role == "voter" {
			voters++
		}
	}
	if voters != want {
		t.Errorf("there are %d voters, not %d: %+v", voters, want, s.Members)
	}
}

func TestTheLeaderCanBeRemovedUnderLoadWithoutAnError(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 8)
	l.grow(t, 200)
	old := leaderOf(t, c)
	var others []*localcluster.Node
	args := []string{"cluster", "remove", old.ID}
	for _, n := range c.Nodes {
		if n != old {
			others = append(others, n)
			args = append(args, "--endpoint", n.URL)
		}
	}
	if out := mustVoted(t, args...); !strings.Contains(out, old.ID+" is out") || !strings.Contains(out, "empty its directory") {
		t.Errorf("it says\n%s", out)
	}
	// It stops by itself with a reason; the others continue.
	if code := exitCodeOf(t, old); code != needsAnother {
		t.Errorf("the removed leader ends with exit code %d", code)
	}
	if said := old.LogTail(); !strings.Contains(said, "was removed from its cluster") || strings.Contains(said, "goroutine ") {
		t.Errorf("the removed leader says\n%s", said)
	}
	l.grow(t, 200)
	l.finish(t)
	two := &localcluster.Cluster{Nodes: others}
	at := dial(t, others[0].URL, others[1].URL)
	checkVoters(t, at, 2)
	want := map[string]int{}
	for _, option := range l.choice {
		want[option]++
	}
	for _, n := range two.Nodes {
		l.checkNode(t, n, want)
	}
}

func TestARemovalThatWouldLeaveNoLivingQuorumIsRefusedInWords(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	at := []string{"--endpoint", c.Nodes[0].URL, "--endpoint", c.Nodes[1].URL}
	remove := func(id string) (string, int) {
		_, errs, code := voted(t, append([]string{"cluster", "remove", id}, at...)...)
		return errs, code
	}
	if err := c.Nodes[2].Kill(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"n1", "n2"} {
		if errs, code := remove(id); code != 1 || !strings.Contains(errs, "Without "+id+" only 1 of 2 voting members would be running and 2 are needed; start or add members first") {
			t.Errorf("%s: exit code %d: %s", id, code, errs)
		}
	}
	checkVoters(t, all, 3)
	// None of the living members can be spared. The dead one can be removed, then one
	// more, but never the last one.
	if errs, code := remove("n3"); code != 0 {
		t.Fatalf("n3: exit code %d: %s", code, errs)
	}
	if errs, code := remove("n2"); code != 0 {
		t.Fatalf("n2: exit code %d: %s", code, errs)
	}
	at = at[:2]
	if errs, code := remove("n1"); code != 1 || !strings.Contains(errs, "start or add members first") {
		t.Errorf("the last one: exit code %d: %s", code, errs)
	}
	checkVoters(t, dial(t, c.Nodes[0].URL), 1)
}

// Today's build, and a cluster of one that is two levels ahead.
func TestAMemberTwoFormatsBehindIsRefusedInWordsOnBothSides(t *testing.T) {
	t.Parallel()
	const used = todaysLevel + 2
	c := startBuild(t, laterBuild(t, used))
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	awaitLevel(t, c)
	behind := fmt.Sprintf("reads formats up to level %d, and this cluster uses level %d", todaysLevel, used)
	// A new member is not admitted, and both sides say why and what to do.
	args := []string{"serve", "--id", "n4", "--data", filepath.Join(t.TempDir(), "n4"), "--api", portstest.Addr(t), "--peer", portstest.Addr(t), "--join", c.Nodes[0].PeerAddr}
	refusesToServe(t, binary, "a new member", needsAnother, args, "Member n4 "+behind, "Start it with a newer voted")
	awaitLog(t, c.Nodes[0], "a member asked to be let in and was refused", behind)
	checkVoters(t, all, 3)
	// A member that returns to that build stops before it serves anything, and the
	// others report that it is away.
	victim := followerOf(t, c)
	if err := victim.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusesToServe(t, binary, "a member", 1, victim.Args, fmt.Sprintf("the cluster uses format level %d and this build reads up to %d", used, todaysLevel), "upgrade voted")
	awaitStatus(t, c, 1, victim.ID+" does not answer")
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	awaitStatus(t, c, 0)
}

// Like a StatefulSet, this starts each member always with the same line: at its first
// start, after its volume was lost, and when the member is new.
func TestAMemberStartedAsAlwaysEntersTheClusterOnceItWasAdded(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Nodes[0].URL, c.Nodes[1].URL)
	createPoll(t, all, client.Definition{ID: "board"})
	if _, err := all.Cast(t.Context(), "board", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	// Given a member that lost its volume, and was removed and added again by an admin,
	lost := c.Nodes[2]
	if err := lost.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(lost.DataDir); err != nil {
		t.Fatal(err)
	}
	mustVoted(t, "cluster", "remove", "n3", "--endpoint", c.Nodes[0].URL)
	refusesToServe(t, binary, "before it was added", needsAnother, lost.Args, "voted cluster add n3 "+lost.PeerAddr, "Member n3 does not belong to this cluster")
	if err := os.RemoveAll(lost.DataDir); err != nil {
		t.Fatal(err)
	}
	mustVoted(t, "cluster", "add", "n3", lost.PeerAddr, "--endpoint", c.Nodes[0].URL)
	// when it is started as before, it enters the cluster and gets the whole state;
	if err := lost.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	awaitVoters(t, all, 3)
	// and so does a fourth one with a line that names all four, while those of the
	// running members do not name it.
	line := lost.Args[slices.Index(lost.Args, "--cluster")+1]
	addr := portstest.Addr(t)
	args := []string{
		"serve", "--id", "n4", "--data", filepath.Join(t.TempDir(), "n4"), "--api", portstest.Addr(t), "--peer", addr,
		"--cluster", line + ",n4=" + addr, "--log-format", "json",
	}
	refusesToServe(t, binary, "a fourth member that was not added", needsAnother, args, "Member n4 does not belong to this cluster")
	mustVoted(t, "cluster", "add", "n4", addr, "--endpoint", c.Nodes[0].URL)
	fourth := exec.CommandContext(t.Context(), binary, args...)
	if err := fourth.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = fourth.Process.Kill() // it may have ended
		_ = fourth.Wait()
	})
	awaitVoters(t, all, 4)
	checkDigests(t, c)
}

// awaitVoters waits until this number of members belong to the cluster and all of them
// vote.
func awaitVoters(t *testing.T, all *client.Client, want int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		s, err := all.Cluster(t.Context())
		if err == nil && len(s.Members) == want && !slices.ContainsFunc(s.Members, func(m client.Member) bool { return m.Role != "voter" }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d members do not vote: %+v, %v", want, s, err)
		}
	}
}

// A line that leads into another cluster by mistake must not be followed.
func TestAMistypedLineDoesNotLeadIntoAnotherCluster(t *testing.T) {
	t.Parallel()
	c := start(t)
	addr := portstest.Addr(t)
	line := "m1=" + addr + ",n2=" + c.Nodes[1].PeerAddr
	refusesToServe(t, binary, "a founder with a foreign address", needsAnother, []string{
		"serve", "--id", "m1", "--data", filepath.Join(t.TempDir(), "m1"), "--api", portstest.Addr(t), "--peer", addr, "--cluster", line,
	}, "member n2 has a cluster already", "Member m1 does not belong to this cluster")
	checkVoters(t, dial(t, c.Nodes[0].URL), 3)
}
