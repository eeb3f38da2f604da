package loopfs

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// ioctl calls one on the directory where the file system is mounted.
func (f *FS) ioctl(request uintptr, argument *uint32) error {
	d, err := os.Open(f.Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, d.Fd(), request, uintptr(unsafe.Pointer(argument))); errno != 0 {
		return fmt.Errorf("the file system at %s cannot be broken (ioctl %#x): %w", f.Dir, request, errno)
	}
	return nil
}
