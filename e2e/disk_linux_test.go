package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"voted/client"
	"voted/faults/loopfs"
	"voted/internal/localcluster"
)

// diskMebibytes is the size of a file system that a test fills: its guard then keeps a
// tenth of that free.
const diskMebibytes = 64

// startOnDisks runs nodes whose data are on file systems of their own, which the test
// may break. stall is the nodes' stall limit; 0: the one for tests.
func startOnDisks(t *testing.T, nodes int, stall time.Duration) (*localcluster.Cluster, []*loopfs.FS) {
	t.Helper()
	if _, err := exec.LookPath("mkfs.ext4"); err != nil || runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a file system of its own takes Linux, root and mkfs.ext4")
	}
	dir := t.TempDir()
	disks := make([]*loopfs.FS, nodes)
	for i := range disks {
		disk, err := loopfs.Make(dir, []string{"n1", "n2", "n3"}[i], diskMebibytes)
		if err != nil {
			t.Skipf("no file system can be mounted here: %v", err)
		}
		disks[i] = disk
		t.Cleanup(func() { // after the nodes have stopped
			if err := disk.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: nodes, Dir: dir, StallLimit: stall})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range disks {
			_ = d.Thaw() // a hanging process cannot end
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, n := range c.Nodes {
				t.Logf("%s:\n%s", n.ID, n.LogTail())
			}
		}
	})
	ready(t, c)
	return c, disks
}

// freeOn returns the bytes that are free on a file system.
func freeOn(t *testing.T, disk *loopfs.FS) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(disk.Dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

func fill(t *testing.T, disk *loopfs.FS, leave int64) (free func()) {
	t.Helper()
	empty, err := disk.Fill(leave)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := empty(); err != nil {
			t.Error(err)
		}
	}
}

// castUntil casts ballots of new voters until one is answered with this status. It
// returns how many were counted before, the last voter and the last answer.
func castUntil(t *testing.T, status int, url string) (counted int, voter, text string) {
	t.Helper()
	prefix := url[strings.LastIndex(url, "/")+1:]
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		voter = fmt.Sprint(prefix, counted)
		resp, text := request(t, "PUT", url+fmt.Sprint(counted), `{"selections":["bo"]}`)
		switch {
		case resp.StatusCode == status:
			return counted, voter, text
		case resp.StatusCode == 201:
			counted++
		}
		if time.Now().After(deadline) {
			t.Fatalf("a ballot is answered with %s, not %d: %s", resp.Status, status, text)
		}
	}
}

// The procedure "When the disk fills up" of docs/operations.md: one node, whose disk
// really fills up.
func TestAFullDiskRefusesBallotsBeforeItIsFullAndRecoversByItself(t *testing.T) {
	t.Parallel()
	// Given a node on a disk of its own, with a ballot,
	c, disks := startOnDisks(t, 1, 0)
	node, disk := c.Nodes[0], disks[0]
	all := dial(t, node.URL)
	createPoll(t, all, client.Definition{ID: "full"})
	createPoll(t, all, client.Definition{ID: "over"})
	first, err := all.Cast(t.Context(), "full", "v0", client.Choose("ann"))
	if err != nil {
		t.Fatal(err)
	}
	pid := node.Pid()
	ballots := node.URL + "/v1/polls/full/ballots/"
	// when less space is free than should be,
	empty := fill(t, disk, diskMebibytes<<20/20)
	// then ballots and polls are refused, with a sentence, while there is still room.
	counted, refused, text := castUntil(t, 507, ballots+"before-")
	if !strings.Contains(text, `"storage_full"`) || !strings.Contains(text, "Send it again when the operators have made space") {
		t.Errorf("the refusal is %s", text)
	}
	awaitStatus(t, c, 1, "MiB left on its disk", "ballots are refused (507): n1")
	if free := freeOn(t, disk); free <= 0 {
		t.Errorf("%d bytes are free", free)
	}
	if resp, body := request(t, "PUT", node.URL+"/v1/polls/new", `{"options":["a","b"]}`); resp.StatusCode != 507 {
		t.Errorf("a new poll is answered with %s: %s", resp.Status, body)
	}
	// Reads and retries continue.
	if r, err := all.Results(t.Context(), "full", client.Linearizable); err != nil || int(r.Ballots) != 1+counted {
		t.Errorf("the results are of %d ballots, %v; %d were counted", r.Ballots, err, 1+counted)
	}
	if again, err := all.Cast(t.Context(), "full", "v0", client.Choose("ann")); err != nil || again.Ballot != first.Ballot || !again.Meta.Replayed {
		t.Errorf("a retry is answered with %+v, %v", again, err)
	}
	// When nothing at all is free, the ballast gives the space for deleting and
	// closing.
	empty()
	empty = fill(t, disk, 0)
	await(t, "the ballast is given back", func() bool { return !exists(filepath.Join(node.DataDir, "ballast")) })
	if resp, body := request(t, "POST", node.URL+"/v1/polls/over/close", ""); resp.StatusCode != 200 {
		t.Errorf("a poll cannot be closed: %s %s", resp.Status, body)
	}
	if resp, body := request(t, "DELETE", node.URL+"/v1/polls/over", ""); resp.StatusCode != 204 {
		t.Errorf("a poll cannot be deleted: %s %s", resp.Status, body)
	}
	// When there is space again, the same process counts again. Nothing was lost, and
	// refused ballots were not counted.
	empty()
	_, _, _ = castUntil(t, 201, ballots+"after-")
	awaitStatus(t, c, 0)
	await(t, "the ballast is made again", func() bool { return exists(filepath.Join(node.DataDir, "ballast")) })
	if node.Pid() != pid {
		t.Error("the node was started again meanwhile")
	}
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := node.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	checkCount(t, c, "full", 1+counted+1)
	if got, err := all.Receipt(t.Context(), "full", refused); !errors.Is(err, client.CodeBallotNotFound) {
		t.Errorf("a ballot that was refused has the receipt %+v, %v", got, err)
	}
}

// One member's disk is filled completely, ballast included, while ballots are cast. The
// others continue, and the member recovers once there is space.
func TestAMemberWhoseDiskIsFullCostsNoBallot(t *testing.T) {
	t.Parallel()
	c, disks := startOnDisks(t, 3, 0)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	for _, pick := range []func(*testing.T, *localcluster.Cluster) *localcluster.Node{followerOf, leaderOf} {
		l.grow(t, 50)
		victim := pick(t, c)
		await(t, "there is a ballast", func() bool { return exists(filepath.Join(victim.DataDir, "ballast")) })
		empty := fill(t, disks[positionOf(c, victim)], 0)
		// Its status says that it is short of space, or it has ended because nothing
		// was left.
		awaitFinding(t, all, "disk_low", "away", victim.ID)
		l.grow(t, 300)
		await(t, "another node leads than the one with a full disk", func() bool { return leaderOf(t, c) != victim })
		empty()
		if !victim.Running() {
			if said := victim.LogTail(); exitCodeOf(t, victim) != 1 || !strings.Contains(said, victim.DataDir) || strings.Contains(said, "goroutine ") {
				t.Errorf("%s ended with\n%s", victim.ID, said)
			}
			if err := victim.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		ready(t, c)
		awaitStatus(t, c, 0)
	}
	l.finish(t)
	l.checkExact(t, c)
}

// A disk that hangs: the leader's, frozen as a whole, so that every write waits in the
// kernel.
func TestADiskThatHangsStopsItsNodeInASentenceAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	c, disks := startOnDisks(t, 3, 5*time.Second) // the other disks are files on one disk, which may be busy
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	l := startLoad(all, "board", 4)
	l.grow(t, 100)
	victim := leaderOf(t, c)
	disk := disks[positionOf(c, victim)]
	if err := disk.Freeze(); err != nil {
		t.Fatal(err)
	}
	l.grow(t, 300) // the others go on
	awaitLog(t, victim, "the disk does not answer", victim.DataDir, "start this member again")
	awaitFinding(t, all, "away", "away", victim.ID)
	// A process cannot end while the kernel holds it; afterwards it ends at once.
	if err := disk.Thaw(); err != nil {
		t.Fatal(err)
	}
	if code := exitCodeOf(t, victim); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if said := victim.LogTail(); strings.Contains(said, "goroutine ") {
		t.Errorf("it says\n%s", said)
	}
	if err := victim.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	l.grow(t, 50)
	l.finish(t)
	l.checkExact(t, c)
}

func positionOf(c *localcluster.Cluster, n *localcluster.Node) int {
	at := 0
	for c.Nodes[at] != n {
		at++
	}
	return at
}
