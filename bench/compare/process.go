package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"voted/internal/child"
)

// process is one server of a peer.
type process struct {
	cmd    *exec.Cmd
	stop   os.Signal // what makes it end in order
	said   *tail
	exited chan struct{} // closed once it is reaped
	err    error         // how it ended; set before exited is closed
}

// account is the account that a process runs as; nil for that of this process.
type account struct {
	uid, gid uint32
	home     string
}

// start runs a program.
func start(by *child.Starter, stop os.Signal, as *account, program string, args ...string) (*process, error) {
	p := &process{cmd: command(as, program, args...), stop: stop, said: &tail{}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := by.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", program, err)
	}
	go func() { // the reaper; ends with the process
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// output runs a program that ends soon, and returns what it printed. env is added to its
// environment.
func output(ctx context.Context, by *child.Starter, as *account, env []string, program string, args ...string) (string, error) {
	var printed bytes.Buffer
	cmd := command(as, program, args...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := by.Start(cmd); err != nil {
		return "", fmt.Errorf("%s cannot be started: %w", program, err)
	}
	kill := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer kill()
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("%s failed: %w\n%s", program, errors.Join(err, ctx.Err()), strings.TrimSpace(printed.String()))
	}
	return printed.String(), nil
}

func command(as *account, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	child.Isolate(cmd)
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
		// The working directory may be closed to that account, and so may be this one's
		// home, in which libpq looks for certificates.
		cmd.Dir = as.home
		cmd.Env = append(os.Environ(), "HOME="+as.home)
	}
	return cmd
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end asks the process to end and kills it if it takes too long.
func (p *process) end() {
	_ = p.cmd.Process.Signal(p.stop) // it may have ended by itself
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill() // as above
		<-p.exited
	}
}

// waitListening waits until a port accepts connections.
func (p *process) waitListening(ctx context.Context, addr string) error {
	return p.waitUntil(ctx, func() error {
		c, err := net.DialTimeout("tcp", addr, probeTimeout)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// waitUntil calls ready in short steps until it returns no error, because these servers have
// no event to wait for.
func (p *process) waitUntil(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for again := time.NewTicker(probeInterval); ; {
		err := ready()
		if err == nil {
			again.Stop()
			return nil
		}
		select {
		case <-again.C:
		case <-p.exited:
			return fmt.Errorf("%s ended: %w; the last it said:\n%s", p.cmd.Path, errors.Join(p.err, err), p.said)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; the last it said:\n%s", p.cmd.Path, errors.Join(ctx.Err(), err), p.said)
		}
	}
}

// endAll ends processes at the same time.
func endAll(processes []*process) {
	var all sync.WaitGroup
	for _, p := range processes {
		all.Go(p.end)
	}
	all.Wait()
}

// tail keeps the end of what a process wrote.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

var _ io.Writer = (*tail)(nil)

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
