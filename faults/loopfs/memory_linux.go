package loopfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	// memory is a file system in memory, where images lie if there is room: the faults
	// are to be those that are made here, not a busy disk's beneath.
	memory = "/dev/shm"
	// memoryNeeded is what must be free there.
	memoryNeeded = 2 << 30
	// prefix begins the names of what is made there; the process's id follows.
	prefix = "voted-faults-"
)

// Scratch makes a directory for data that need not outlive the machine: in memory,
// where there is room, else below dir. The caller removes it; what a process that was
// killed has left in memory, Sweep removes.
func Scratch(dir string) (string, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err == nil && int64(s.Bavail)*s.Bsize >= memoryNeeded {
		if made, err := os.MkdirTemp(memory, fmt.Sprintf("%s%d-", prefix, os.Getpid())); err == nil {
			return made, nil
		}
	}
	return os.MkdirTemp(dir, "scratch-")
}

// sweepMemory removes what processes that are gone have left in memory.
func sweepMemory() error {
	left, err := filepath.Glob(filepath.Join(memory, prefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), prefix), "-")
		pid, err := strconv.Atoi(id)
		if err != nil || syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
