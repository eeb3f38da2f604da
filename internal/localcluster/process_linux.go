package localcluster

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitStop waits until a child that was sent SIGSTOP has stopped, with all its threads,
// or has ended: until then it may still answer. The event stays for the reaper.
func awaitStop(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // it has stopped or ended
		}
	}
}
