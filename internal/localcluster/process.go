package localcluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// errNotRunning says that there is no process to send a signal to.
var errNotRunning = errors.New("the process is not running")

// process is one run of a node.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once it is reaped
	err    error         // how it ended; set before exited is closed
	asked  bool          // it was told to end; under Node.mu
}

// start runs cmd where enter leads, and reaps it when it ends.
func (s *starter) start(cmd *exec.Cmd, enter func(start func() error) error) (*process, error) {
	isolate(cmd)
	if err := s.do(func() error { return enter(cmd.Start) }); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() { // the reaper; ends with the process
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) signal(s os.Signal) error {
	if !p.running() {
		return errNotRunning
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d cannot be signalled: %w", p.cmd.Process.Pid, err)
	}
	return nil
}

// starter starts processes from one thread that lives as long as it does. On
// Linux the death of the thread that started a process, not that of its whole
// process, is what the parent-death signal is about.
type starter struct {
	work chan func()
}

func newStarter() *starter {
	s := &starter{work: make(chan func())}
	go func() { // ends with close
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) do(f func() error) error {
	result := make(chan error)
	s.work <- func() { result <- f() }
	return <-result
}

func (s *starter) close() { close(s.work) }
