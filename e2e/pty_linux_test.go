package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal runs voted at a terminal of its own, types an answer once the question is
// shown, and returns what the terminal showed and the exit code. It ends the input as
// people do, with Ctrl-D: "\x04".
func onTerminal(t *testing.T, question, answer string, args ...string) (shown string, code int) {
	t.Helper()
	ours, theirs := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close() // the process has a descriptor of its own
	screen := &screen{}
	read := make(chan struct{})
	go func() { // ends with the terminal, which ends with the process
		defer close(read)
		_, err := io.Copy(screen, ours)
		if err != nil && !errors.Is(err, syscall.EIO) { // the other end has closed
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(60 * time.Second); !strings.Contains(screen.String(), question); time.Sleep(10 * time.Millisecond) {
		select {
		case <-read:
			t.Fatalf("it ends without asking %q:\n%s", question, screen)
		default:
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatalf("it does not ask %q:\n%s", question, screen)
		}
	}
	if _, err := io.WriteString(ours, answer); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	<-read
	return screen.String(), cmd.ProcessState.ExitCode()
}

// screen is the text that a terminal shows.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// openTerminal returns the two ends of a pseudo-terminal (pty(7)).
func openTerminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}
