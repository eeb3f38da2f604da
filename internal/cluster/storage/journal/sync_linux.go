package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes a file's contents durable, and of its metadata what is needed to read
// them. For a file that was filled before, that is one write to the disk.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("fdatasync", err)
	}
}
