package loopfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// ioctlShutdown is EXT4_IOC_SHUTDOWN of the kernel's fs/ext4/ext4.h, and
	// noLogFlush its flag EXT4_GOING_FLAGS_NOLOGFLUSH: from then on nothing reaches the
	// disk, not even the journal's last transactions, as after a power cut.
	ioctlShutdown = 0x8004587d
	noLogFlush    = 2
	// ioctlFreeze and ioctlThaw are FIFREEZE and FITHAW of linux/fs.h: in between, writers
	// hang.
	ioctlFreeze = 0xc0045877
	ioctlThaw   = 0xc0045878

	// busyTime is how long an unmount waits for processes that are ending, busyPause how
	// often it tries.
	busyTime  = 10 * time.Second
	busyPause = 5 * time.Millisecond
)

// FS is one file system.
type FS struct {
	Dir     string // where it is mounted
	image   string
	mounted bool
	frozen  bool
}

// Make makes a file system of so many MiB below dir and mounts it at dir/name.
func Make(dir, name string, mebibytes int64) (*FS, error) {
	f := &FS{Dir: filepath.Join(dir, name)}
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return nil, err
	}
	home, err := Scratch(dir)
	if err != nil {
		return nil, err
	}
	f.image = filepath.Join(home, name+".img")
	err = f.format(mebibytes << 20)
	if err == nil {
		err = f.Mount()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	return f, nil
}

func (f *FS) format(size int64) error {
	if err := os.WriteFile(f.image, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(f.image, size); err != nil {
		return err
	}
	// No blocks are reserved for root, so that a full disk is full for root too. The journal
	// is small.
	return command("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", "-E", "lazy_itable_init=1", f.image)
}

// Mount mounts it, which replays the journal after a cut.
func (f *FS) Mount() error {
	if err := command("mount", "-t", "ext4", "-o", "loop,noatime", f.image, f.Dir); err != nil {
		return err
	}
	f.mounted = true
	// A new data directory must be empty.
	if err := os.Remove(filepath.Join(f.Dir, "lost+found")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Cut is a power cut: nothing more reaches the disk. Processes that have files open there
// get errors; the caller must kill them before Unmount.
func (f *FS) Cut() error {
	flag := uint32(noLogFlush)
	return f.ioctl(ioctlShutdown, &flag)
}

// Unmount unmounts it. No file there may be open.
func (f *FS) Unmount() error {
	if !f.mounted {
		return nil
	}
	if err := f.Thaw(); err != nil {
		return err
	}
	if err := unmount(f.Dir); err != nil {
		return err
	}
	f.mounted = false
	return nil
}

// PowerOn unmounts the file system and mounts it again, after a cut. No process may use it.
func (f *FS) PowerOn() error {
	if err := f.Unmount(); err != nil {
		return err
	}
	return f.Mount()
}

// ReadOnly makes it read-only, or writable again. An ordinary remount fails while a file is
// open for writing, so the kernel is told to do what it does after an error of the disk.
func (f *FS) ReadOnly(on bool) error {
	if on {
		// ext4 then acts as after an error with errors=remount-ro.
		if command("mount", "-o", "remount,abort", f.Dir) == nil {
			return nil
		}
		return command("mount", "-o", "remount,ro", f.Dir)
	}
	return f.PowerOn()
}

// Freeze makes every write hang until Thaw.
func (f *FS) Freeze() error {
	if err := f.ioctl(ioctlFreeze, nil); err != nil {
		return err
	}
	f.frozen = true
	return nil
}

// Thaw ends Freeze.
func (f *FS) Thaw() error {
	if !f.frozen {
		return nil
	}
	if err := f.ioctl(ioctlThaw, nil); err != nil {
		return err
	}
	f.frozen = false
	return nil
}

// Fill takes all free space but so many bytes with a file of its own. free removes it.
func (f *FS) Fill(leave int64) (free func() error, err error) {
	path := filepath.Join(f.Dir, "filled-by-the-test")
	var s syscall.Statfs_t
	if err := syscall.Statfs(f.Dir, &s); err != nil {
		return nil, err
	}
	size := int64(s.Bavail)*s.Bsize - leave
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for ; size > 0; size -= 1 << 20 {
		err := syscall.Fallocate(int(file.Fd()), 0, max(0, fileSize(file)), min(size, 1<<20))
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return func() error { return os.Remove(path) }, nil
}

func fileSize(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// Close unmounts it and removes it.
func (f *FS) Close() error {
	if err := f.Unmount(); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Dir(f.image)), os.Remove(f.Dir))
}

// Sweep unmounts everything below dir, which frees the loop devices as well.
func Sweep(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+string(filepath.Separator)) {
			found = append(found, fields[1])
		}
	}
	slices.Reverse(found) // the last one mounted is unmounted first
	var errs []error
	for _, at := range found {
		left := &FS{Dir: at}
		_ = left.ioctl(ioctlThaw, nil) // most are not frozen
		errs = append(errs, unmount(at))
	}
	return errors.Join(append(errs, sweepMemory())...)
}

func unmount(dir string) error {
	for deadline := time.Now().Add(busyTime); ; time.Sleep(busyPause) {
		err := syscall.Unmount(dir, 0)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("%s cannot be unmounted: %w", dir, err)
		}
	}
}

// command runs a tool. The error holds what it printed.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
