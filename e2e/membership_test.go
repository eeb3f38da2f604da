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

// refusesToServe runs a build of voted with arguments of `voted serve` until it ends by
// itself, and holds its end against what it must say and its exit code.
func refusesToServe(t *testing.T, program, what string, code int, args []string, says ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, _ := cmd.CombinedOutput() // the exit code is looked at
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

// joining are a node's arguments for entering the cluster of others with an empty directory.
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
	// then it does not serve as if nothing had happened, nor join under an id that is listed,
	refusesToServe(t, binary, "as before", 2, lost.Args, "this data directory is empty", "voted cluster remove n3", "--join "+c.Nodes[0].PeerAddr)
	refusesToServe(t, binary, "with --join", 2, joining(lost, c.Nodes[0], c.Nodes[1]), "its data directory is empty", "voted cluster remove n3", "then let it join")
	// not at another address either;
	moved := slices.Replace(joining(lost, c.Nodes[0]), slices.Index(lost.Args, "--peer")+1, slices.Index(lost.Args, "--peer")+2, portstest.Addr(t))
	refusesToServe(t, binary, "elsewhere", 2, moved, "is known at "+lost.PeerAddr, "remove it first")
	checkVoters(t, all, 3)
	// once it is removed, its old directory, should it turn up, is of no use any more,
	mustVoted(t, "cluster", "remove", "n3", "--endpoint", c.Nodes[0].URL)
	if err := os.RemoveAll(lost.DataDir); err != nil { // what the refusals have begun
		t.Fatal(err)
	}
	if err := os.Rename(old, lost.DataDir); err != nil {
		t.Fatal(err)
	}
	refusesToServe(t, binary, "with the old directory", 2, lost.Args, "was removed from its cluster", "empty its data directory", "--join")
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

// checkVoters holds the number of members that vote.
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
	// It stops by itself, and says why; the others go on.
	if code := exitCodeOf(t, old); code != 2 {
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
	// Of those that live none can be spared; the dead one can, then one more, and the last
	// one never.
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

// usedLevel waits until every node knows of the same format level, and one that another is
// two below, and returns it.
func usedLevel(t *testing.T, c *localcluster.Cluster) uint32 {
	t.Helper()
	var last []uint32
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		last = last[:0]
		for _, n := range c.Nodes {
			s, err := dial(t, n.URL).Cluster(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last = append(last, s.FormatLevel)
		}
		if slices.Min(last) == slices.Max(last) && last[0] > 2 {
			return last[0]
		}
	}
	t.Fatalf("the nodes use the format levels %v", last)
	return 0
}

// A build that reads levels two below those in use, and a cluster of today's.
func TestAMemberTwoFormatsBehindIsRefusedInWordsOnBothSides(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	used := usedLevel(t, c)
	old := reading(t, used-2)
	behind := fmt.Sprintf("reads formats up to level %d, and this cluster uses level %d", used-2, used)
	// A new member is not let in, and both sides say why and what to do.
	args := []string{"serve", "--id", "n4", "--data", filepath.Join(t.TempDir(), "n4"), "--api", portstest.Addr(t), "--peer", portstest.Addr(t), "--join", c.Nodes[0].PeerAddr}
	refusesToServe(t, old, "a new member", 2, args, "Member n4 "+behind, "Start it with a newer voted")
	awaitLog(t, c.Nodes[0], "a member asked to be let in and was refused", behind)
	checkVoters(t, all, 3)
	// A member that goes back to that build stops before it serves anything, and the
	// others say that it is away.
	victim := followerOf(t, c)
	if err := victim.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusesToServe(t, old, "a member", 1, victim.Args, fmt.Sprintf("the cluster uses format level %d and this build reads up to %d", used, used-2), "upgrade voted")
	awaitStatus(t, c, 1, victim.ID+" does not answer")
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	awaitStatus(t, c, 0)
}
