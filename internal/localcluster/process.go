package localcluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"voted/internal/child"
)

// errNotRunning says that there is no process to send a signal to.
var errNotRunning = errors.New("the process is not running")

// process is one run of a node.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once it is reaped
	err    error         // how it ended; set before exited is closed
	asked  bool          // a signal asked it to end; guarded by Node.mu
}

// start runs cmd in the place that enter switches to, and reaps it when it ends.
func start(by *child.Starter, cmd *exec.Cmd, enter func(start func() error) error) (*process, error) {
	child.Isolate(cmd)
	if err := by.Do(func() error { return enter(cmd.Start) }); err != nil {
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
