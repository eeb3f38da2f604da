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
	// memory is a file system in memory. Images are there if there is room, so that only
	// the faults made here count, not those of a busy disk below.
	memory = "/dev/shm"
	// memoryNeeded is how many bytes must be free there.
	memoryNeeded = 2 << 30
	// prefix begins the names of directories there; the id of the process follows.
	prefix = "voted-faults-"
)

// Scratch makes a directory for data that need not survive a restart of the machine: in
// memory if there is room, else below dir. The caller must remove it. Sweep removes what a
// killed process has left in memory.
func Scratch(dir string) (string, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err == nil && int64(s.Bavail)*s.Bsize >= memoryNeeded {
		if made, err := os.MkdirTemp(memory, fmt.Sprintf("%s%d-", prefix, os.Getpid())); err == nil {
			return made, nil
		}
	}
	return os.MkdirTemp(dir, "scratch-")
}

// sweepMemory removes the directories in memory whose processes are gone.
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
