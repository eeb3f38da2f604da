package journal

import (
	"io"
	"os"
	"path/filepath"

	"voted/internal/durable"
)

const (
	dirMode  = 0o750
	fileMode = 0o600
)

// folder is the directory of a log. Tests use one in memory, which can crash.
type folder interface {
	list() ([]string, error)
	// create makes an empty file; one of that name is replaced.
	create(name string) (file, error)
	open(name string) (file, error)
	rename(from, to string) error
	remove(name string) error
	// sync makes the names that were created, renamed and removed durable.
	sync() error
}

// file is one file of a folder.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	size() (int64, error)
	// sync makes durable what was written, and the size of the file.
	sync() error
}

// directory is a folder of the operating system.
type directory string

func (d directory) list() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d directory) create(name string) (file, error) {
	return opening(os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode))
}

func (d directory) open(name string) (file, error) {
	return opening(os.OpenFile(filepath.Join(string(d), name), os.O_RDWR, 0))
}

func opening(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d directory) rename(from, to string) error {
	return os.Rename(filepath.Join(string(d), from), filepath.Join(string(d), to))
}

func (d directory) remove(name string) error { return os.Remove(filepath.Join(string(d), name)) }

func (d directory) sync() error { return durable.SyncDir(string(d)) }

// osFile is a file of the operating system.
type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) sync() error { return syncData(f.File) }

// watched is a folder whose changes go through Options.Call.
type watched struct {
	folder
	call func(func() error) error
}

func (w watched) create(name string) (file, error) {
	var f file // of a call that was abandoned no one looks at it
	err := w.call(func() (err error) {
		f, err = w.folder.create(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return watchedFile{f, w.call}, nil
}

func (w watched) rename(from, to string) error {
	return w.call(func() error { return w.folder.rename(from, to) })
}

func (w watched) remove(name string) error {
	return w.call(func() error { return w.folder.remove(name) })
}

func (w watched) sync() error { return w.call(w.folder.sync) }

// watchedFile is a file whose changes go through Options.Call.
type watchedFile struct {
	file
	call func(func() error) error
}

func (w watchedFile) WriteAt(b []byte, at int64) (int, error) {
	err := w.call(func() error {
		_, err := w.file.WriteAt(b, at)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (w watchedFile) sync() error  { return w.call(w.file.sync) }
func (w watchedFile) Close() error { return w.call(w.file.Close) }

// unwatched returns the file itself.
func unwatched(f file) file {
	if w, ok := f.(watchedFile); ok {
		return w.file
	}
	return f
}
