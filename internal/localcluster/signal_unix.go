//go:build unix

package localcluster

import (
	"os"
	"syscall"
)

// quit is the signal that asks a node to end.
var quit os.Signal = syscall.SIGTERM

func (p *process) pause() error {
	err := p.signal(syscall.SIGSTOP)
	if err == nil {
		awaitStop(p.cmd.Process.Pid)
	}
	return err
}

func (p *process) proceed() error { return p.signal(syscall.SIGCONT) }
