package localcluster

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate puts a process into a group of its own, so that Ctrl-C on the terminal
// reaches only the one that stops it in order, and lets it die with its parent.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStop waits until a child that was sent SIGSTOP stands still, in all its
// threads, or has ended: until then it may still answer. The event is left for
// whoever reaps it.
func awaitStop(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // it stands still, or is gone
		}
	}
}
