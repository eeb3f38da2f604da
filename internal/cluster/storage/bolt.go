package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"voted/internal/cluster/storage/journal"
	"voted/internal/durable"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// boltOptions make commits cheaper: the free list is rebuilt when the file is opened,
// not written at every commit, and is kept in a map. NoSync stays off: a commit must be
// on disk.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: lockWait, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType}
}

// prepareDir makes dir a directory that this process can write to. It leaves nothing
// else behind.
func prepareDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, dirMode); err != nil {
			return fmt.Errorf("the data directory %s cannot be created; create it or choose another: %w", dir, err)
		}
		// If a power cut undid the new directory, the member would come back empty.
		if err := durable.SyncDir(filepath.Dir(filepath.Clean(dir))); err != nil {
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

// openBolt opens raft.db, and creates it if there is none. It checks the pages
// first: bbolt walks the whole file when it opens it, partly on a goroutine of its own,
// where a damaged page would end the process.
func openBolt(dir string) (engine, error) {
	path := filepath.Join(dir, valuesFile)
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
	before, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	store, err := newBolt(path)
	if err != nil {
		return nil, boltError(err)
	}
	// Whoever carried the entries over replaced the file; then the lock is on a file that
	// no one reads again.
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		return nil, errors.Join(ErrInUse, store.Close())
	}
	// Left over from a crash during createBolt. We hold the lock, so no one else is
	// creating.
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

// createBolt makes the whole file under another name first: after a crash, a file made
// in part would look like a damaged one.
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
	// A link fails if another process has just made the file; a rename would replace
	// it.
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		// Some file systems have no hard links.
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	return durable.SyncDir(dir)
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

// boltError distinguishes the three ways in which bbolt refuses a file: locked, an
// error of the operating system, damaged.
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

// unusable makes a sentence that says what is wrong with the log or the values in a
// directory, and what to do.
func unusable(dir string, err error) error {
	path, log := filepath.Join(dir, valuesFile), filepath.Join(dir, logDir)
	var damage *journal.Damage
	var failed *fs.PathError
	switch {
	case errors.As(err, &damage):
		path = filepath.Join(log, damage.File)
	case errors.As(err, &failed) && strings.HasPrefix(failed.Path, log):
		path = failed.Path
	}
	return damagedFile(path, dir, err)
}

// damagedFile makes a sentence that says what is wrong with a file of the directory and
// what to do.
func damagedFile(path, dir string, err error) error {
	switch {
	case errors.Is(err, ErrLater):
		return fmt.Errorf("the data directory %s was %w; start it with that version, or a newer one", dir, err)
	case errors.Is(err, ErrInUse):
		return fmt.Errorf("the data directory %s is %w; stop that one, or give this member a directory of its own", dir, err)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%s is %w; this copy can no longer be trusted: stop this member, remove it from the cluster, "+
			"empty %s, and let it join again", path, err, dir)
	}
	return fmt.Errorf("%s cannot be used; check the disk and the file's permissions: %w", path, err)
}
