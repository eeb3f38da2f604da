package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

var (
	// ErrStalled: the disk did not answer within the stall limit. Whether the write happened is unknown.
	ErrStalled = errors.New("the disk does not answer")
	// ErrDamaged: what is on disk is not what was written.
	ErrDamaged = errors.New("damaged")
	// ErrInUse: another process has the directory.
	ErrInUse = errors.New("in use by another process")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// IsFault tells whether an error is the disk's or the data's own, rather than that of who
// named the directory: damage, a disk that is silent, fails, is full or read-only.
func IsFault(err error) bool {
	for _, fault := range []error{ErrDamaged, ErrStalled, syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// engine is what every layer of the stack is, and the seam below which tests put faults.
type engine interface {
	raft.LogStore
	raft.StableStore
	Close() error
}

// errNotFound is the answer for a missing value; raft compares its text.
var errNotFound = raftboltdb.ErrKeyNotFound

// isAnswer tells "there is no such thing" from a fault.
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

// err returns the first fault, nil while there is none. Once held, a caller who would learn of a fault never returns.
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
	if f.first.CompareAndSwap(nil, &err) && f.notify != nil {
		f.once.Do(func() { f.notify(err) })
	}
	return f.err()
}

// close makes all later calls fail with ErrClosed, without a report. It returns what was there before.
func (f *faults) close() error {
	closed := ErrClosed
	if f.first.CompareAndSwap(nil, &closed) {
		return nil
	}
	return *f.first.Load()
}

// guarded runs every call on the disk goroutine and turns the first error into the fault.
type guarded struct {
	inner   engine
	disk    *disk
	faults  *faults
	dir     string
	observe func(op string, took time.Duration, bytes int)
}

// call runs f on the disk. f must leave its results where an abandoned call cannot race with the caller: call's caller
// reads them only when call returned nil.
func (g *guarded) call(op string, bytes func() int, f func() error) error {
	if err := g.faults.err(); err != nil {
		return err
	}
	start := time.Now()
	err := g.disk.run(g.disk.limit, f)
	if err != nil && !isAnswer(err) {
		return g.faults.raise(g.sentence(op, err))
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

// sentence says what failed, and for damage what to do.
func (g *guarded) sentence(op string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return damagedFile(filepath.Join(g.dir, logFile), g.dir, err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds %s is full (%s): %w; free space there or enlarge it, then start this member again. What it acknowledged is safe", g.dir, op, err)
	}
	return fmt.Errorf("the log file in %s cannot be used any more (%s): %w; check the disk, then start this member again",
		g.dir, op, err)
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

// GetLog implements raft.LogStore. It reads into an entry of its own: the caller's may be reused after a stall.
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
	// Copies of the entries' heads: raft may change them once a stalled call was given up.
	heads := make([]raft.Log, len(logs))
	own := make([]*raft.Log, len(logs))
	for i, l := range logs {
		heads[i] = *l
		own[i] = &heads[i]
	}
	return g.call("append", payload, func() error { return g.inner.StoreLogs(own) })
}

// DeleteRange implements raft.LogStore. It works in chunks, each a transaction of its own, so that the disk stays free for
// appends in between: a prefix from the front, a suffix from the back, so that no crash leaves a hole.
func (g *guarded) DeleteRange(lo, hi uint64) error {
	first, err := g.FirstIndex()
	if err != nil {
		return err
	}
	last, err := g.LastIndex()
	if err != nil {
		return err
	}
	// A prefix that reaches the end goes from the back as well.
	prefix := lo <= first && hi < last
	lo, hi = max(lo, first), min(hi, last)
	if first == 0 {
		return nil
	}
	for lo <= hi {
		from, to := lo, min(hi, lo+deleteChunk-1)
		if !prefix {
			from, to = max(lo, hi-min(hi, deleteChunk-1)), hi
		}
		if err := g.call("truncate", noBytes, func() error { return g.inner.DeleteRange(from, to) }); err != nil {
			return err
		}
		if prefix {
			lo = to + 1
		} else {
			hi = from - 1
		}
	}
	return nil
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
