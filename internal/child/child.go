// Package child starts processes that do not outlive the one that started them.
//
// On Linux the kernel kills a child when its parent dies. For the kernel the parent is the
// thread that started the child, so a Starter keeps one thread for all of its children, as
// long as they may live.
package child

import (
	"os/exec"
	"runtime"
)

// Starter starts processes from one thread that lives until Close.
type Starter struct {
	work chan func()
}

// NewStarter returns a Starter; Close ends it, and with it its children on Linux.
func NewStarter() *Starter {
	s := &Starter{work: make(chan func())}
	go func() { // ends with Close
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

// Do runs f, which starts a process, on the thread of the starter.
func (s *Starter) Do(f func() error) error {
	result := make(chan error)
	s.work <- func() { result <- f() }
	return <-result
}

// Start starts cmd, which Isolate has prepared.
func (s *Starter) Start(cmd *exec.Cmd) error { return s.Do(cmd.Start) }

// Close ends the thread. Do must not be called after it.
func (s *Starter) Close() { close(s.work) }
