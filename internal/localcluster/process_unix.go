//go:build unix && !linux

package localcluster

import (
	"os/exec"
	"syscall"
)

// isolate puts a process into a group of its own, so that Ctrl-C on the terminal
// reaches only the one that stops it in order.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// awaitStop does nothing: a process stands still a moment after the signal.
func awaitStop(int) {}
