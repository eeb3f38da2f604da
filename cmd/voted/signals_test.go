package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serving starts `voted serve` as the only member of a cluster and returns once it
// serves. said waits for a line of its output.
func serving(t *testing.T) (node *exec.Cmd, said func(words string)) {
	t.Helper()
	node = exec.CommandContext(testContext(t, 30*time.Second), os.Args[0], "serve", "--id", "n1", "--data", t.TempDir(),
		"--api", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--cluster", "n1=127.0.0.1:1", "--log-format", "text")
	node.Env = append(os.Environ(), asVoted+"=1")
	out, err := node.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	said = func(words string) {
		t.Helper()
		var all []string
		for lines.Scan() {
			all = append(all, lines.Text())
			if strings.Contains(lines.Text(), words) {
				return
			}
		}
		t.Fatalf("it ended without saying %q:\n%s", words, strings.Join(all, "\n"))
	}
	said("serving")
	return node, said
}

func TestAHangupHarmsNoNode(t *testing.T) {
	t.Parallel()
	node, said := serving(t)
	// Given a node, when it is sent SIGHUP, as log rotation and closed terminals do,
	for range 2 {
		if err := node.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		// then it says what that means,
		said("SIGHUP: looking at certificates, keys and tokens")
	}
	// and goes on until it is told to end, in order.
	if err := node.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said("leaving")
	if err := node.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// A crash of the Go runtime exits with 2: that must not mean that another command line
// is needed.
func TestACrashIsNotTakenForAWrongCommandLine(t *testing.T) {
	t.Parallel()
	node, _ := serving(t)
	if err := node.Process.Signal(syscall.SIGQUIT); err != nil { // the runtime dumps its goroutines and exits
		t.Fatal(err)
	}
	_ = node.Wait() // the exit code is looked at
	if code := node.ProcessState.ExitCode(); code == exitConfig || code == exitDone {
		t.Errorf("a crash exits with %d", code)
	}
}
