package prover

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"voted/internal/durable"
)

// Disk is the directory that has the two files of a prover.
type Disk interface {
	// Open opens a file for reading and writing, and makes it if there is none. What was
	// made has its name for good when Open returns.
	Open(name string) (File, error)
	// Replace puts what write writes in the place of a file, as a whole. It is durable when
	// Replace returns, and the file that was open before must no longer be used.
	Replace(name string, write func(io.Writer) error) (File, error)
}

// File is an open file. What was written is durable after Sync.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Dir is a directory of the operating system.
type Dir string

const fileMode = 0o600 // marks and heads are no secrets, but only this member may write them

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Open implements Disk.
func (d Dir) Open(name string) (File, error) {
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := durable.SyncDir(string(d)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f}, nil
}

// Replace implements Disk.
func (d Dir) Replace(name string, write func(io.Writer) error) (_ File, err error) {
	path := filepath.Join(string(d), name)
	f, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return nil, err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = durable.SyncDir(string(d))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f}, nil
}
