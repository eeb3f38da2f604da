package localcluster

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitStop waits until a child that was sent SIGSTOP stands still, in all its
// threads, or has ended: until then it may still answer. The event is left for
// whoever reaps it.
func awaitStop(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // it stands still, or is gone
		}
	}
}
