//go:build unix

package audit

import (
	"os"
	"syscall"
)

// duplicate returns a standard stream under another descriptor. When a pipe has no
// reader, a write to the original descriptor ends the process, while a write to another
// one fails.
func duplicate(stream *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(stream.Fd()))
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), stream.Name()), nil
}
