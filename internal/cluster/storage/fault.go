package storage

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"voted/internal/cluster/storage/journal"
)

var (
	// ErrStalled: the disk did not answer within the stall limit. The write may or may
	// not have happened.
	ErrStalled = errors.New("the disk does not answer")
	// ErrDamaged: what is on disk is not what was written.
	ErrDamaged = journal.ErrDamaged
	// ErrLater: a later version wrote the directory, in a format that this one does not
	// read.
	ErrLater = journal.ErrLater
	// ErrInUse: another process uses the directory.
	ErrInUse = errors.New("in use by another process")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// IsFault reports whether an error is the disk's or the data's own: damage, or a disk
// that hangs, fails, is full or read-only. Other errors come from the choice of the
// directory.
func IsFault(err error) bool {
	for _, fault := range []error{ErrDamaged, ErrStalled, syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// engine is the interface of every layer of the stack. Tests put a faulty engine below.
type engine interface {
	raft.LogStore
	raft.StableStore
	Close() error
}

// errNotFound is the answer for a missing value; raft compares its text.
var errNotFound = raftboltdb.ErrKeyNotFound

// isAnswer reports whether err only says that a value or entry does not exist, which is
// no fault.
func isAnswer(err error) bool {
	return errors.Is(err, raft.ErrLogNotFound) || errors.Is(err, errNotFound)
}

// faults remembers the first error and reports it once.
type faults struct {
	first  atomic.Pointer[error]
	notify func(error)
	once   sync.Once
	held   atomic.Bool
}

// err returns the first fault, nil while there is none. After Hold it blocks forever if
// there is a fault other than ErrClosed.
func (f *faults) err() error {
	p := f.first.Load()
	if p == nil {
		return nil
	}
	if f.held.Load() && !errors.Is(*p, ErrClosed) {
		select {}
	}
	return *p
}

// raise records err, unless there was one before, and returns the first.
func (f *faults) raise(err error) error {
	f.report(err)
	return f.err()
}

// report is raise for a goroutine that no one waits for: it never blocks.
func (f *faults) report(err error) {
	if f.first.CompareAndSwap(nil, &err) && f.notify != nil {
		f.once.Do(func() { f.notify(err) })
	}
}

// close makes all later calls fail with ErrClosed, without a report. It returns the
// fault that there was before, if any.
func (f *faults) close() error {
	closed := ErrClosed
	if f.first.CompareAndSwap(nil, &closed) {
		return nil
	}
	return *f.first.Load()
}

// guarded runs every call on the disk goroutine and makes the first error the fault of
// the Store.
type guarded struct {
	inner   engine
	disk    *disk
	faults  *faults
	dir     string
	observe func(op string, took time.Duration, bytes int)
}

// call runs f on the disk. The caller must read the results of f only if call returned
// nil, and f must write them where an abandoned call does not race with the caller.
func (g *guarded) call(op string, bytes func() int, f func() error) error {
	if err := g.faults.err(); err != nil {
		return err
	}
	start := time.Now()
	err := g.disk.call(f)
	if err != nil && !isAnswer(err) {
		return g.faults.raise(sentence(g.dir, op, err))
	}
	if g.observe != nil {
		n := 0
		if err == nil {
			n = bytes()
		}
		g.observe(op, time.Since(start), n)
	}
	return err
}

// sentence says what failed in the directory and, for damage, what to do.
func sentence(dir, op string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return unusable(dir, err)
	}
	if errors.Is(err, ErrUndone) {
		return fmt.Errorf("%w. The directory is %s", err, dir)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds %s is full (%s): %w; free space there or enlarge it, then start this member again. What it acknowledged is safe", dir, op, err)
	}
	return fmt.Errorf("the log in %s can no longer be used (%s): %w; check the disk, then start this member again",
		dir, op, err)
}

func noBytes() int { return 0 }

func eightBytes() int { return 8 }

func (g *guarded) number(op string, f func() (uint64, error)) (uint64, error) {
	n := new(uint64)
	err := g.call(op, eightBytes, func() (err error) {
		*n, err = f()
		return err
	})
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// FirstIndex implements raft.LogStore.
func (g *guarded) FirstIndex() (uint64, error) { return g.number("read", g.inner.FirstIndex) }

// LastIndex implements raft.LogStore.
func (g *guarded) LastIndex() (uint64, error) { return g.number("read", g.inner.LastIndex) }

// GetLog implements raft.LogStore. It reads into an entry of its own: after a stall the
// caller may reuse its entry while the abandoned call still runs.
func (g *guarded) GetLog(index uint64, log *raft.Log) error {
	entry := new(raft.Log)
	err := g.call("read", func() int { return len(entry.Data) }, func() error { return g.inner.GetLog(index, entry) })
	if err != nil {
		return err
	}
	*log = *entry
	return nil
}

// StoreLog implements raft.LogStore.
func (g *guarded) StoreLog(log *raft.Log) error { return g.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (g *guarded) StoreLogs(logs []*raft.Log) error {
	payload := func() (n int) {
		for _, l := range logs {
			n += len(l.Data)
		}
		return n
	}
	// Copies of the entries' heads: raft may change them after a stalled call was
	// abandoned.
	heads := make([]raft.Log, len(logs))
	own := make([]*raft.Log, len(logs))
	for i, l := range logs {
		heads[i] = *l
		own[i] = &heads[i]
	}
	return g.call("append", payload, func() error { return g.inner.StoreLogs(own) })
}

// DeleteRange implements raft.LogStore.
func (g *guarded) DeleteRange(lo, hi uint64) error {
	return g.call("truncate", noBytes, func() error { return g.inner.DeleteRange(lo, hi) })
}

// Set implements raft.StableStore.
func (g *guarded) Set(key, value []byte) error {
	k, v := append([]byte(nil), key...), append([]byte{}, value...)
	return g.call("stable", func() int { return len(v) }, func() error { return g.inner.Set(k, v) })
}

// Get implements raft.StableStore.
func (g *guarded) Get(key []byte) ([]byte, error) {
	k, v := append([]byte(nil), key...), new([]byte)
	err := g.call("read", func() int { return len(*v) }, func() (err error) {
		*v, err = g.inner.Get(k)
		return err
	})
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// SetUint64 implements raft.StableStore.
func (g *guarded) SetUint64(key []byte, value uint64) error {
	k := append([]byte(nil), key...)
	return g.call("stable", eightBytes, func() error { return g.inner.SetUint64(k, value) })
}

// GetUint64 implements raft.StableStore.
func (g *guarded) GetUint64(key []byte) (uint64, error) {
	k := append([]byte(nil), key...)
	return g.number("read", func() (uint64, error) { return g.inner.GetUint64(k) })
}
