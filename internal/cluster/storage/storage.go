// Package storage is the durable side of one cluster member: raft's log, raft's term
// and vote, the member's own small values, and its snapshots, all in one directory.
//
// raft trusts its stores: after a failed write it continues with a wrong idea of its
// log, it waits forever for a disk that hangs, and bbolt's pages carry no checksum. The
// stack here makes the store deserve that trust, one property per layer:
//
//	Store       raft.LogCache on top; what the member uses
//	guarded     the first error poisons everything, and is reported once            (fault.go)
//	disk        every call runs on one goroutine; a call that hangs or panics fails  (disk.go)
//	marked      a store that lags behind what was written last is noticed            (mark.go)
//	stableTable a vote's term and candidate become durable together                 (stable.go)
//	contiguous  the log never has a hole                                            (contiguous.go)
//
// Below, the two halves of a store part (files.go). The entries are in the directory log:
//
//	journal     one fdatasync an append, a CRC-32C in every sector                  (journal/)
//
// Term, vote and the member's values are in raft.db:
//
//	checksummed a CRC-32C over every value                                          (checksum.go)
//	bolt        raft-boltdb, its pages checked before it is opened                  (bolt.go, pages.go)
//
// Older stores have their entries in raft.db as well. They are carried over when they are
// first opened (carry.go); as long as such stores exist, checksummed and the check of the
// pages cover entries, too.
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// Options configures a Store. The zero value is usable.
type Options struct {
	// StallLimit is how long one call to the disk may take before it fails with
	// ErrStalled. Default DefaultStallLimit.
	StallLimit time.Duration
	// OnFault is called once, at the first storage error (I/O, stall, damage), on the
	// goroutine of the call that met it, before that call returns. It must not wait for
	// raft, which may be waiting for this call. From then on every call fails with the
	// same error and nothing more reaches the disk, so the process should exit; see
	// Hold.
	OnFault func(error)
	// Observe, if set, is called after every call that reached the disk, with its kind
	// ("append", "read", "truncate", "stable"), how long the caller waited, and how
	// many bytes of payload it moved. It must be quick and safe for concurrent use.
	Observe func(op string, took time.Duration, bytes int)
	// LogCache is how many of the newest entries are kept in memory. Default
	// DefaultLogCache.
	LogCache int
}

// Store holds one member's durable state. It implements raft.LogStore and
// raft.StableStore and is safe for concurrent use. When a write returns nil, its data
// is on disk.
type Store struct {
	dir       string
	guard     *guarded
	making    *disk // makes the segments of the log; nil in tests without files
	stack     *marked
	cache     *raft.LogCache
	snapshots *snapshotStore
}

var (
	_ raft.LogStore    = (*Store)(nil)
	_ raft.StableStore = (*Store)(nil)
)

// Open opens the member's state in dir, and creates what is missing. It reads and checks
// all segments of the log and the structure of raft.db, so its time grows with the log.
// Errors: ErrInUse if another process uses the directory, ErrDamaged if what is there is
// damaged or older than it was, ErrLater, else the error of the directory.
func Open(dir string, o Options) (*Store, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	faults := &faults{notify: o.OnFault}
	snapshots, err := openSnapshots(dir, faults)
	if err != nil {
		return nil, err
	}
	d := newDisk(stallLimit(o))
	making := newDisk(makingPatience * stallLimit(o))
	var base *files
	err = d.run(noLimit, func() (err error) {
		base, err = openFiles(dir, snapshots.newestIndex, faults, making)
		return err
	})
	if err != nil {
		making.stop()
		d.stop()
		return nil, unusable(dir, err)
	}
	s, err := assemble(dir, base, d, faults, snapshots, o)
	if err != nil {
		making.stop()
		return nil, err
	}
	s.making = making
	return s, nil
}

// assemble builds the stack over an open engine. Tests put a faulty engine here.
func assemble(dir string, base engine, d *disk, faults *faults, snapshots *snapshotStore, o Options) (*Store, error) {
	table := &stableTable{engine: &contiguous{engine: base, covered: snapshots.newestIndex}}
	var stack *marked
	err := d.run(noLimit, func() (err error) {
		f, ok := base.(*files)
		if !ok {
			stack, err = openMarked(dir, table, snapshots.newestIndex, nil)
			return err
		}
		if stack, err = openMarked(dir, table, snapshots.newestIndex, f.Journal.Batches); err != nil {
			return err
		}
		// Only now: what is behind its mark is left as it was found.
		return f.Journal.Settle()
	})
	if err != nil {
		_ = d.run(stallLimit(o), base.Close) // after a panic nothing may run, and nothing does
		d.stop()
		return nil, unusable(dir, err)
	}
	s := &Store{dir: dir, stack: stack, snapshots: snapshots}
	s.guard = &guarded{inner: stack, disk: d, faults: faults, dir: dir, observe: o.Observe}
	size := o.LogCache
	if size <= 0 {
		size = DefaultLogCache
	}
	if s.cache, err = raft.NewLogCache(size, s.guard); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func stallLimit(o Options) time.Duration {
	if o.StallLimit <= 0 {
		return DefaultStallLimit
	}
	return o.StallLimit
}

// FirstIndex returns the index of the oldest entry, 0 if there is none.
func (s *Store) FirstIndex() (uint64, error) { return s.guard.FirstIndex() }

// LastIndex returns the index of the newest entry, 0 if there is none.
func (s *Store) LastIndex() (uint64, error) { return s.guard.LastIndex() }

// GetLog reads one entry, from memory if it is recent. raft.ErrLogNotFound means that
// the entry was compacted away or not written yet. A missing entry between others, or
// one that differs from what was written, is a fault.
func (s *Store) GetLog(index uint64, log *raft.Log) error {
	// Otherwise the cache would continue to answer after a fault.
	if err := s.guard.faults.err(); err != nil {
		return err
	}
	return s.cache.GetLog(index, log)
}

// StoreLog is StoreLogs of one entry.
func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries. When it returns nil, all are durable; after a crash a part of
// them may be, from the front.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	err := s.cache.StoreLogs(logs)
	if err == nil {
		return nil
	}
	// raft.LogCache turns the error into text; the fault is still the original error.
	if fault := s.guard.faults.err(); fault != nil {
		return fault
	}
	return err
}

// DeleteRange removes the entries lo..hi, both included, at one end of the log: after a
// crash either all of them are gone or none.
func (s *Store) DeleteRange(lo, hi uint64) error { return s.cache.DeleteRange(lo, hi) }

// Applied reports that the log was applied up to an entry. It does not use the disk:
// the next append, or Close, stores the index. If a leader replaces an applied entry
// afterwards, that is a fault (ErrUndone).
func (s *Store) Applied(index uint64) {
	if index > s.stack.applied.Load() { // after a start, old entries are applied again
		s.stack.applied.Store(index)
	}
}

// Set stores one of raft's own values.
func (s *Store) Set(key, value []byte) error { return s.guard.Set(key, value) }

// Get reads one of raft's own values. If there is none, the error's text is "not
// found", as raft expects.
func (s *Store) Get(key []byte) ([]byte, error) { return s.guard.Get(key) }

// SetUint64 stores one of raft's own numbers. LastVoteTerm waits for LastVoteCand; both
// become durable together.
func (s *Store) SetUint64(key []byte, value uint64) error { return s.guard.SetUint64(key, value) }

// GetUint64 reads one of raft's own numbers. If there is none, the error's text is "not
// found", as raft expects.
func (s *Store) GetUint64(key []byte) (uint64, error) { return s.guard.GetUint64(key) }

// Value reads a small named value of the member's own, for example its identity. It is
// nil, without an error, if there is none.
func (s *Store) Value(name string) ([]byte, error) {
	v, err := s.guard.Get([]byte(valuePrefix + name))
	if err != nil && isAnswer(err) {
		return nil, nil
	}
	return v, err
}

// SetValue stores a small named value of the member's own. When it returns nil, the
// value is durable.
func (s *Store) SetValue(name string, value []byte) error {
	return s.guard.Set([]byte(valuePrefix+name), value)
}

// Snapshots returns the member's snapshots. Damage in them is a fault of the Store; a
// full disk is not.
func (s *Store) Snapshots() raft.SnapshotStore { return s.snapshots }

// Empty reports whether the member has no raft state at all: no log, no term, no snapshot.
func (s *Store) Empty() (bool, error) {
	has, err := raft.HasExistingState(s, s, s.snapshots)
	if fault := s.guard.faults.err(); fault != nil {
		return false, fault
	}
	return !has && err == nil, err
}

// DiskBytes returns the size of the member's files: the log, made ahead included, the
// values and all snapshots. A
// file that cannot be read counts as 0.
func (s *Store) DiskBytes() int64 {
	var total int64
	_ = filepath.WalkDir(s.dir, func(_ string, e fs.DirEntry, err error) error {
		// Files may come and go meanwhile; a size is an estimate, and its error is no
		// fault.
		if err == nil && e.Type().IsRegular() && e.Name() != ballastFile {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// Hold makes every later call that meets a fault block forever instead of returning the
// fault; Close still returns. Use it only if the process is about to exit: after some
// of these errors raft would continue, and at others it would panic (a term that cannot
// be stored), before the process ends with a sentence.
func (s *Store) Hold() { s.guard.faults.held.Store(true) }

// Close ends the Store; later calls fail with ErrClosed. After a stall or a panic it
// leaves the files open, because closing would wait for the call that hangs, and
// returns the fault; the process is about to exit then. A second Close returns nil.
func (s *Store) Close() error {
	fault := s.guard.faults.close()
	if errors.Is(fault, ErrClosed) {
		return nil
	}
	err := s.guard.disk.run(s.guard.disk.limit, s.guard.inner.Close)
	s.guard.disk.stop()
	if s.making != nil {
		s.making.stop()
	}
	if fault != nil {
		return fault
	}
	if err != nil {
		return fmt.Errorf("the log in %s could not be closed: %w", s.dir, err)
	}
	return nil
}
