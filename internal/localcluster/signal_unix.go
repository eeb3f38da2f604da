//go:build unix

package localcluster

import (
	"os"
	"syscall"
)

// quit is the signal that asks a node to end.
var quit os.Signal = syscall.SIGTERM

func (p *process) pause() error   { return p.signal(syscall.SIGSTOP) }
func (p *process) proceed() error { return p.signal(syscall.SIGCONT) }
