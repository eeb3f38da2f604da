package localcluster

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentMode makes the test binary start a cluster and wait to be killed.
const parentMode = "LOCALCLUSTER_TEST_PARENT"

func TestParentProcess(t *testing.T) {
	if os.Getenv(parentMode) == "" {
		t.Skip("runs only inside TestNodesDieWithTheirParent")
	}
	c := startNodes(t, "plain", Options{Nodes: 1, Dir: os.Getenv(parentMode)})
	if err := c.WaitReady(testContext(t)); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("pid " + strconv.Itoa(c.Nodes[0].Pid()) + "\n")
	select {}
}

func TestNodesDieWithTheirParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0], "-test.run=^TestParentProcess$", "-test.v")
	parent.Env = append(os.Environ(), parentMode+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if s, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(s)
		}
	}
	parent.Process.Kill()
	parent.Wait()
	if pid == 0 {
		t.Fatal("the parent started no node")
	}
	for deadline := time.Now().Add(10 * time.Second); alive(pid); {
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("node process %d outlived its parent", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
