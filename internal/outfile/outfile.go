// Package outfile writes the output files of commands. A file under its final name is
// always complete: it is written under another name first, and renamed at the end. A
// device, a pipe or a socket is written to directly. Links are followed first, so that
// only regular files are ever replaced.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"voted/internal/durable"
)

// maxLinks is how many links are followed, as in the kernel.
const maxLinks = 40

// File is a file that is being written. It is used by one goroutine at a time.
type File struct {
	*os.File
	name   string // the final name; empty if it is written to directly
	closed bool
}

// Create begins to write the file of this name. The caller must end with Commit, and
// call Close in any case.
func Create(name string) (*File, error) {
	target, direct, err := follow(name)
	if err != nil {
		return nil, err
	}
	if direct != nil {
		return &File{File: direct}, nil
	}
	// 0600: the output may name voters. CreateTemp takes a name that does not exist.
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".partial-*")
	if err != nil {
		return nil, err
	}
	return &File{File: f, name: target}, nil
}

// Direct reports whether output leaves at once, for example into a pipe: it can then be
// neither read again nor undone.
func (f *File) Direct() bool { return f.name == "" }

// Commit makes the output durable and gives it its final name.
func (f *File) Commit() error {
	if f.Direct() {
		f.closed = true
		return f.File.Close()
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.File.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.File.Name(), f.name); err != nil {
		return err
	}
	f.closed = true
	return durable.SyncDir(filepath.Dir(f.name))
}

// Close removes what was not committed.
func (f *File) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	err := f.File.Close()
	if !f.Direct() {
		err = errors.Join(ignoreClosed(err), os.Remove(f.File.Name()))
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// follow follows links. It returns the name of a regular file or of a file that does
// not exist; or, for a device, a pipe or the like, an open file.
func follow(name string) (target string, direct *os.File, err error) {
	for range maxLinks {
		if fd, ok := descriptor(name); ok {
			direct, err := duplicate(fd, name)
			return "", direct, err
		}
		info, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return name, nil, nil
		case err != nil:
			return "", nil, err
		case info.IsDir():
			return "", nil, &fs.PathError{Op: "write", Path: name, Err: syscall.EISDIR}
		case info.Mode()&fs.ModeSymlink != 0:
			next, err := os.Readlink(name)
			if err != nil {
				return "", nil, err
			}
			if !filepath.IsAbs(next) {
				next = filepath.Join(filepath.Dir(name), next)
			}
			name = next
		case info.Mode().IsRegular():
			return name, nil, nil
		default:
			direct, err := os.OpenFile(name, os.O_WRONLY, 0)
			return "", direct, err
		}
	}
	return "", nil, &fs.PathError{Op: "write", Path: name, Err: syscall.ELOOP}
}

// descriptor recognises names of this process's own open files, such as /dev/fd/1.
// Following their links would lead to something that cannot be opened again, or would
// start at its beginning.
func descriptor(name string) (fd int, ok bool) {
	dir, base := filepath.Split(filepath.Clean(name))
	own := fmt.Sprintf("/proc/%d/fd/", os.Getpid())
	if dir != "/dev/fd/" && dir != "/proc/self/fd/" && dir != own {
		switch filepath.Clean(name) {
		case "/dev/stdout":
			return 1, true
		case "/dev/stderr":
			return 2, true
		}
		return 0, false
	}
	fd, err := strconv.Atoi(base)
	return fd, err == nil && fd >= 0 && !strings.HasPrefix(base, "+")
}

// duplicate returns a separate file for an open descriptor.
func duplicate(fd int, name string) (*os.File, error) {
	own, err := syscall.Dup(fd)
	if err != nil {
		return nil, &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return os.NewFile(uintptr(own), name), nil
}
