package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// boltOptions: the free list is rebuilt when the file is opened instead of written at every commit, and kept in a map; both
// make commits cheaper. NoSync stays off: a commit that is not on disk is not a commit.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: lockWait, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType}
}

// prepareDir makes dir a directory that this process can write to, and leaves nothing else behind.
func prepareDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, dirMode); err != nil {
			return fmt.Errorf("the data directory %s cannot be created; create it or choose another: %w", dir, err)
		}
		// A directory that a power cut forgets would come back as an empty member.
		if err := syncDir(filepath.Dir(filepath.Clean(dir))); err != nil {
			return fmt.Errorf("the new data directory %s cannot be made durable: %w", dir, err)
		}
	case err != nil:
		return fmt.Errorf("the data directory %s cannot be read; check its path and permissions: %w", dir, err)
	case !info.IsDir():
		return fmt.Errorf("the data directory %s is a file; choose a directory", dir)
	}
	probe, err := os.CreateTemp(dir, "probe-*")
	if IsFault(err) {
		return fmt.Errorf("the data directory %s cannot be written; check its disk: %w", dir, err)
	}
	if err != nil {
		return fmt.Errorf("the data directory %s is not writable; check its owner and permissions: %w", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openBolt opens the log file, and creates it when there is none. bbolt walks the whole file when it opens it, partly on a
// goroutine of its own where a damaged page would end the process, so the pages are checked first.
func openBolt(dir string) (engine, error) {
	path := filepath.Join(dir, logFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := createBolt(dir, path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if err := checkBolt(path); err != nil {
		return nil, err
	}
	store, err := newBolt(path)
	if err != nil {
		return nil, boltError(err)
	}
	// What a crash during createBolt left behind; nobody else creates while we hold the lock.
	left, _ := filepath.Glob(filepath.Join(dir, newFileGlob))
	for _, name := range left {
		_ = os.Remove(name)
	}
	return store, nil
}

func newBolt(path string) (*raftboltdb.BoltStore, error) {
	return raftboltdb.New(raftboltdb.Options{
		Path: path, BoltOptions: boltOptions(), MsgpackUseNewTimeFormat: true,
	})
}

// createBolt makes a whole file under another name first: a crash must not leave a half made one, because that could not be
// told from a damaged one.
func createBolt(dir, path string) error {
	f, err := os.CreateTemp(dir, newFileGlob)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	store, err := newBolt(f.Name())
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	// A link fails where a rename would replace what another process just made.
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		// Some file systems have no links.
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// checkBolt checks the file's structure under bbolt's own shared lock.
func checkBolt(path string) (err error) {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.Size() == 0 {
		return fmt.Errorf("%w: the file is empty", ErrDamaged)
	}
	o := boltOptions()
	o.ReadOnly = true
	db, err := bbolt.Open(path, 0, o)
	if err != nil {
		return boltError(err)
	}
	return errors.Join(checkPages(path), db.Close())
}

// boltError tells the three ways in which bbolt refuses a file apart: locked, an operating system's error, damaged.
func boltError(err error) error {
	var errno syscall.Errno
	var pathError *fs.PathError
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.As(err, &pathError), errors.As(err, &errno):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// damagedFile makes a sentence of what is wrong with a file of the directory, and says the way back.
func damagedFile(path, dir string, err error) error {
	switch {
	case errors.Is(err, ErrInUse):
		return fmt.Errorf("the data directory %s is %w; stop that one, or give this member a directory of its own", dir, err)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%s is %w; this copy cannot be trusted any more: stop this member, remove it from the cluster, "+
			"empty %s, and let it join again", path, err, dir)
	}
	return fmt.Errorf("%s cannot be used; check the disk and the file's permissions: %w", path, err)
}
