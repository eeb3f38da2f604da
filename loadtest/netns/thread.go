//go:build linux

package netns

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// own is the namespace of the calling thread.
const own = "/proc/thread-self/ns/net"

// space is an open namespace.
type space int

func openOwn() (space, error) {
	fd, err := unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("this process cannot hold its network namespace open: %w", err)
	}
	return space(fd), nil
}

func (s space) close() {
	if s >= 0 {
		_ = unix.Close(int(s))
	}
}

// enter calls f in the namespace, from a locked thread that is in home, and goes
// back there.
func (s space) enter(home space, f func() error) error {
	if err := unix.Setns(int(s), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("a network namespace cannot be entered: %w", err)
	}
	err := f()
	if back := unix.Setns(int(home), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("%w: %w", errStranded, back))
	}
	return err
}

// errStranded says that a thread is in a foreign namespace. It must no longer be used.
var errStranded = errors.New("a thread cannot go back to its network namespace")

// inside calls f in the namespace, on a thread that runs nothing else meanwhile.
func (s space) inside(home space, f func() error) error {
	return onThread(func() error { return s.enter(home, f) })
}

// create makes a new namespace.
func create(home space) (s space, err error) {
	s = -1
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("no network namespace can be made: %w", err)
		}
		s, err = openOwn()
		if back := unix.Setns(int(home), unix.CLONE_NEWNET); back != nil {
			return errors.Join(err, fmt.Errorf("%w: %w", errStranded, back))
		}
		return err
	})
	return s, err
}

// onThread calls f on a locked thread. One that was stranded is given up: it ends
// with its goroutine.
func onThread(f func() error) error {
	result := make(chan error)
	go func() { // ends with f
		runtime.LockOSThread()
		err := f()
		if !errors.Is(err, errStranded) {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
