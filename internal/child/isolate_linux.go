package child

import (
	"os/exec"
	"syscall"
)

// Isolate puts a process into a group of its own, so that Ctrl-C on the terminal reaches
// only its parent, which ends it in order. The process is killed when its parent dies.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
