// Package storage is the durable side of one cluster member: raft's log, raft's term and vote, the member's own small
// values, and its snapshots, all in one directory.
//
// raft trusts its stores: it goes on after a failed write with a wrong idea of its log, it waits for ever on a disk that
// hangs, and bbolt pages carry no checksum. The stack here takes that trust off raft's hands, one property a layer:
//
//	Store       raft.LogCache on top; what the member uses
//	guarded     the first error poisons everything, and is reported once            (fault.go)
//	disk        every call runs on one goroutine; a call that hangs or panics fails  (disk.go)
//	marked      a log file that lags behind what was written last is noticed         (mark.go)
//	stableTable a vote's term and candidate become durable together                 (stable.go)
//	contiguous  the log never has a hole                                            (contiguous.go)
//	checksummed a CRC-32C over every entry and every value                          (checksum.go)
//	bolt        raft-boltdb, its pages checked before it is opened                  (bolt.go, pages.go)
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// Options says how a Store behaves. The zero value is usable.
type Options struct {
	// StallLimit is how long one call to the disk may take before it fails with ErrStalled. Default DefaultStallLimit.
	StallLimit time.Duration
	// OnFault is called once, at the first storage error (I/O, stall, damage), on the goroutine of the call that met it,
	// before that call returns. From then on every call fails with the same error and nothing more reaches the disk, so
	// the process is expected to exit; see Hold. It must not wait for raft: raft may be waiting for this call.
	OnFault func(error)
	// Observe, if set, hears of every call that reached the disk: what it was ("append", "read", "truncate", "stable"),
	// how long the caller waited, and how many bytes of payload it moved. It must be quick and safe for concurrent use.
	Observe func(op string, took time.Duration, bytes int)
	// LogCache is how many of the newest entries are kept in memory. Default DefaultLogCache.
	LogCache int
}

// Store holds one member's durable state. It implements raft.LogStore and raft.StableStore and is safe for concurrent use.
// What a call has written is on disk when the call returns nil.
type Store struct {
	dir       string
	guard     *guarded
	cache     *raft.LogCache
	snapshots *snapshotStore
}

var (
	_ raft.LogStore    = (*Store)(nil)
	_ raft.StableStore = (*Store)(nil)
)

// Open opens the member's state in dir, and creates what is missing. It checks the structure of the whole log file, so it
// takes time proportional to the number of entries, but does not read the entries themselves; Verify does. Errors:
// ErrInUse when another process has the directory, ErrDamaged when the log file is damaged or older than it was, else the
// directory's own.
func Open(dir string, o Options) (*Store, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	d := newDisk(stallLimit(o))
	var base engine
	err := d.run(noLimit, func() (err error) {
		base, err = openBolt(dir)
		return err
	})
	if err != nil {
		d.stop()
		return nil, damagedFile(filepath.Join(dir, logFile), dir, err)
	}
	return assemble(dir, base, d, o)
}

// assemble builds the stack over an open engine. Tests put a faulty engine here.
func assemble(dir string, base engine, d *disk, o Options) (*Store, error) {
	faults := &faults{notify: o.OnFault}
	snapshots, err := openSnapshots(dir, faults)
	if err != nil {
		_ = base.Close()
		d.stop()
		return nil, err
	}
	table := &stableTable{engine: &contiguous{engine: &checksummed{engine: base}, covered: snapshots.newestIndex}}
	var stack *marked
	err = d.run(noLimit, func() (err error) {
		stack, err = openMarked(dir, table, snapshots.newestIndex)
		return err
	})
	if err != nil {
		_ = d.run(stallLimit(o), base.Close) // after a panic nothing may run any more, and nothing does
		d.stop()
		return nil, damagedFile(filepath.Join(dir, logFile), dir, err)
	}
	s := &Store{dir: dir, snapshots: snapshots}
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

// FirstIndex returns the index of the oldest entry, 0 when there is none.
func (s *Store) FirstIndex() (uint64, error) { return s.guard.FirstIndex() }

// LastIndex returns the index of the newest entry, 0 when there is none.
func (s *Store) LastIndex() (uint64, error) { return s.guard.LastIndex() }

// GetLog reads one entry, from memory when it is recent. raft.ErrLogNotFound means that the entry was compacted away or
// not written yet; an entry that should be there and is not, or is not what was written, is a fault.
func (s *Store) GetLog(index uint64, log *raft.Log) error {
	// The cache would go on answering after a fault.
	if err := s.guard.faults.err(); err != nil {
		return err
	}
	return s.cache.GetLog(index, log)
}

// StoreLog is StoreLogs of one entry.
func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries in one transaction: durable, all or none, when it returns nil.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	err := s.cache.StoreLogs(logs)
	if err == nil {
		return nil
	}
	// raft.LogCache flattens the error into text; the fault still has it whole.
	if fault := s.guard.faults.err(); fault != nil {
		return fault
	}
	return err
}

// DeleteRange removes the entries lo..hi, both included. A crash in the middle leaves a log without holes.
func (s *Store) DeleteRange(lo, hi uint64) error { return s.cache.DeleteRange(lo, hi) }

// Set stores one of raft's own values.
func (s *Store) Set(key, value []byte) error { return s.guard.Set(key, value) }

// Get reads one of raft's own values. The error's text is "not found" when there is none, as raft expects.
func (s *Store) Get(key []byte) ([]byte, error) { return s.guard.Get(key) }

// SetUint64 stores one of raft's own numbers. LastVoteTerm waits for LastVoteCand and is durable together with it.
func (s *Store) SetUint64(key []byte, value uint64) error { return s.guard.SetUint64(key, value) }

// GetUint64 reads one of raft's own numbers. The error's text is "not found" when there is none, as raft expects.
func (s *Store) GetUint64(key []byte) (uint64, error) { return s.guard.GetUint64(key) }

// Value reads a small named value of the member's own (its identity, say). It is nil, without an error, when there is none.
func (s *Store) Value(name string) ([]byte, error) {
	v, err := s.guard.Get([]byte(valuePrefix + name))
	if err != nil && isAnswer(err) {
		return nil, nil
	}
	return v, err
}

// SetValue stores a small named value of the member's own. It is durable when SetValue returns nil.
func (s *Store) SetValue(name string, value []byte) error {
	return s.guard.Set([]byte(valuePrefix+name), value)
}

// Snapshots returns the member's snapshots. What is damaged there faults the Store; a full disk does not.
func (s *Store) Snapshots() raft.SnapshotStore { return s.snapshots }

// Empty reports whether the member has no raft state at all: no log, no term, no snapshot.
func (s *Store) Empty() (bool, error) {
	has, err := raft.HasExistingState(s, s, s.snapshots)
	if fault := s.guard.faults.err(); fault != nil {
		return false, fault
	}
	return !has && err == nil, err
}

// DiskBytes returns how much the member's files take: the log file and all snapshots. What cannot be read counts as 0.
func (s *Store) DiskBytes() int64 {
	var total int64
	_ = filepath.WalkDir(s.dir, func(_ string, e fs.DirEntry, err error) error {
		// Files come and go while we look; a size is an estimate, not a fault.
		if err == nil && e.Type().IsRegular() && e.Name() != ballastFile {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// Hold makes every call that meets a fault from now on wait for ever instead of returning it, those before Close. raft
// goes on after some of these errors, and panics at others (a term that cannot be stored), while a process that OnFault
// has told is about to exit with a sentence. Only for who exits.
func (s *Store) Hold() { s.guard.faults.held.Store(true) }

// Close ends the Store: later calls fail with ErrClosed. After a stall or a panic the log file is left as it is, open,
// because closing would wait for what hangs; the process is about to exit. Close then returns the fault. Again: nil.
func (s *Store) Close() error {
	fault := s.guard.faults.close()
	if errors.Is(fault, ErrClosed) {
		return nil
	}
	err := s.guard.disk.run(s.guard.disk.limit, s.guard.inner.Close)
	s.guard.disk.stop()
	if fault != nil {
		return fault
	}
	if err != nil {
		return fmt.Errorf("the log file in %s could not be closed: %w", s.dir, err)
	}
	return nil
}
