package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// volume returns how many bytes of the file system that holds dir are free for an
// ordinary user, and its size.
func volume(dir string) (free, size uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	block := uint64(st.Bsize)
	return st.Bavail * block, st.Blocks * block, nil
}

// allocate reserves real blocks for a file without writing them.
func allocate(f *os.File, bytes int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, bytes) }
