//go:build linux

package netns

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentMode makes the test binary make a network and wait to be killed.
const parentMode = "NETNS_TEST_PARENT"

func TestParentProcess(t *testing.T) {
	if os.Getenv(parentMode) == "" {
		t.Skip("runs only inside TestTheKernelTidiesUpAfterAKilledProcess")
	}
	n := newNetwork(t, 2)
	runtime.LockOSThread() // the thread that starts the process must outlive it
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.Enter(0, cmd.Start); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("device " + n.plan.device() + "\n")
	select {}
}

func TestTheKernelTidiesUpAfterAKilledProcess(t *testing.T) {
	t.Parallel()
	newNetwork(t, 1) // skips the test if there are no namespaces here
	parent := exec.Command(os.Args[0], "-test.run=^TestParentProcess$", "-test.v")
	parent.Env = append(os.Environ(), parentMode+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	device := ""
	for lines := bufio.NewScanner(out); device == "" && lines.Scan(); {
		device, _ = strings.CutPrefix(lines.Text(), "device ")
		if device == lines.Text() {
			device = ""
		}
	}
	parent.Process.Kill()
	parent.Wait()
	if device == "" {
		t.Fatal("the parent made no network")
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat("/sys/class/net/" + device); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s outlived the process that made it", device)
		}
	}
}
