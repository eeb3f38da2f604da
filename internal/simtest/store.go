package simtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster"
	"voted/internal/cluster/storage"
)

// store is one process's handle on a disk. It implements cluster.Store with the
// product's promises: acknowledged writes are durable, a vote is one write, and after
// the first fault everything that matters is refused.
type store struct {
	under atomic.Pointer[disk] // the disk, or after a crash a private copy
	draw  *dice
	// overlay changes what is written; negative controls only.
	overlay func([]raft.Log)
	onFault func(error)
	// stored and applied are told what is durable on a disk, and what was applied there.
	stored  func(*disk, []raft.Log)
	applied func(*disk, uint64)
	misuse  func(error) // what the product's log would have refused

	mu          sync.Mutex
	fault       error        // guarded by mu
	next        *appendFault // guarded by mu; for the next append
	slow        time.Duration
	gate        chan struct{} // guarded by mu; appends wait until it is closed; nil: they do not
	voteTerm    uint64        // guarded by mu; waits for its candidate
	snapshotNum int           // guarded by mu
}

var _ cluster.Store = (*store)(nil)

// appendFault is what happens to one append.
type appendFault struct {
	stall   time.Duration // before the error
	written bool          // the entries are on disk despite the error
	err     error
}

// stallLimit is when the product abandons a call to the disk.
const stallLimit = storage.DefaultStallLimit

var errNotFound = errors.New("not found") // raft compares the text

func openStore(d *disk, draw *dice) *store {
	s := &store{
		draw: draw, stored: func(*disk, []raft.Log) {}, applied: func(*disk, uint64) {}, misuse: func(error) {},
	}
	s.under.Store(d)
	return s
}

// crash separates the store from its disk: the rest of the process writes to a copy
// that is never read.
func (s *store) crash() {
	s.under.Store(s.under.Load().fork())
	s.release()
}

// on runs f on the disk as it is now.
func (s *store) on(f func(d *disk)) {
	for {
		d := s.under.Load()
		d.mu.Lock()
		if s.under.Load() == d {
			f(d)
			d.mu.Unlock()
			return
		}
		d.mu.Unlock() // crashed in between
	}
}

// fsync waits for one half of a write. After a crash in the first half nothing is
// written, after one in the second half everything is.
func (s *store) fsync() {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	time.Sleep(s.draw.between(20*time.Microsecond, 500*time.Microsecond) + s.draw.between(slow/4, slow))
}

// fail makes the next append fail as f says.
func (s *store) fail(f *appendFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = f
}

// hold makes appends wait until release is called, or the process crashes.
func (s *store) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

// release ends hold.
func (s *store) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// slowDown makes each half of a write take longer, by up to this time; 0: as usual.
func (s *store) slowDown(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = by
}

func (s *store) raise(err error) error {
	s.mu.Lock()
	first := s.fault == nil
	if first {
		s.fault = err
	}
	s.mu.Unlock()
	if first {
		// A member that stops with this fault must no longer change the disk, and raft
		// panics if a vote or a term cannot be stored.
		s.crash()
		s.onFault(err)
	}
	return err
}

// StoreLogs implements raft.LogStore.
func (s *store) StoreLogs(logs []*raft.Log) error {
	s.mu.Lock()
	fault, next, gate := s.fault, s.next, s.gate
	s.next = nil
	s.mu.Unlock()
	if fault != nil {
		return fault
	}
	own := make([]raft.Log, len(logs))
	for i, l := range logs {
		own[i] = *l
	}
	if s.overlay != nil {
		s.overlay(own)
	}
	if gate != nil {
		<-gate
	}
	s.fsync()
	if next == nil || next.written {
		if err := s.put(own); err != nil {
			return s.raise(err)
		}
	}
	s.fsync()
	if next != nil {
		time.Sleep(next.stall)
		return s.raise(next.err)
	}
	return nil
}

// put makes entries durable, unless the product's log would refuse them.
func (s *store) put(entries []raft.Log) error {
	var err error
	var on *disk
	s.on(func(d *disk) { on, err = d, d.append(entries) })
	if err != nil {
		s.misuse(err)
		return err
	}
	s.stored(on, entries)
	return nil
}

// StoreLog implements raft.LogStore.
func (s *store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// FirstIndex implements raft.LogStore.
func (s *store) FirstIndex() (n uint64, _ error) {
	s.on(func(d *disk) { n = d.first() })
	return n, nil
}

// LastIndex implements raft.LogStore.
func (s *store) LastIndex() (n uint64, _ error) {
	s.on(func(d *disk) { n = d.last() })
	return n, nil
}

// GetLog implements raft.LogStore.
func (s *store) GetLog(index uint64, log *raft.Log) error {
	found := false
	s.on(func(d *disk) {
		var l raft.Log
		if l, found = d.get(index); found {
			*log = l
		}
	})
	if !found {
		return raft.ErrLogNotFound
	}
	return nil
}

// DeleteRange implements raft.LogStore.
func (s *store) DeleteRange(lo, hi uint64) error {
	s.fsync()
	s.on(func(d *disk) { d.remove(lo, hi) })
	s.fsync()
	return nil
}

const (
	keyVoteTerm      = "LastVoteTerm"
	keyVoteCandidate = "LastVoteCand"
)

// Set implements raft.StableStore; a vote's candidate is written with its term.
func (s *store) Set(key, value []byte) error {
	v := bytes.Clone(value)
	s.fsync()
	s.on(func(d *disk) {
		d.values[string(key)] = v
		if string(key) == keyVoteCandidate {
			s.mu.Lock()
			d.values[keyVoteTerm] = binary.BigEndian.AppendUint64(nil, s.voteTerm)
			s.mu.Unlock()
		}
	})
	s.fsync()
	return nil
}

// Get implements raft.StableStore.
func (s *store) Get(key []byte) (v []byte, err error) {
	err = errNotFound
	s.on(func(d *disk) {
		if value, ok := d.values[string(key)]; ok {
			v, err = value, nil
		}
	})
	return v, err
}

// SetUint64 implements raft.StableStore; a vote's term waits for its candidate.
func (s *store) SetUint64(key []byte, value uint64) error {
	if string(key) == keyVoteTerm {
		s.mu.Lock()
		s.voteTerm = value
		s.mu.Unlock()
		return nil
	}
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (s *store) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// Applied implements cluster.Store.
func (s *store) Applied(index uint64) { s.applied(s.under.Load(), index) }

// Empty implements cluster.Store.
func (s *store) Empty() (bool, error) {
	has, err := raft.HasExistingState(s, s, s.Snapshots())
	return !has && err == nil, err
}

// Value implements cluster.Store.
func (s *store) Value(name string) ([]byte, error) {
	v, err := s.Get([]byte("member/" + name))
	if err != nil {
		return nil, nil
	}
	return v, nil
}

// SetValue implements cluster.Store.
func (s *store) SetValue(name string, v []byte) error { return s.Set([]byte("member/"+name), v) }

// Close implements cluster.Store.
func (s *store) Close() error { return nil }

// Snapshots implements cluster.Store.
func (s *store) Snapshots() raft.SnapshotStore { return snapshots{s} }

type snapshots struct{ *store }

// Create implements raft.SnapshotStore.
func (s snapshots) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, configIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	s.mu.Lock()
	s.snapshotNum++
	id := fmt.Sprintf("%d-%d-%d", term, index, s.snapshotNum)
	s.mu.Unlock()
	return &sink{store: s.store, meta: raft.SnapshotMeta{
		Version: v, ID: id, Index: index, Term: term, Configuration: c, ConfigurationIndex: configIndex,
	}}, nil
}

// List implements raft.SnapshotStore, newest first.
func (s snapshots) List() (metas []*raft.SnapshotMeta, _ error) {
	s.on(func(d *disk) {
		for i := range d.snapshots {
			meta, _ := d.snapshots[len(d.snapshots)-1-i].open()
			metas = append(metas, meta)
		}
	})
	return metas, nil
}

// Open implements raft.SnapshotStore.
func (s snapshots) Open(id string) (meta *raft.SnapshotMeta, state io.ReadCloser, err error) {
	err = fmt.Errorf("the snapshot %s is gone", id)
	s.on(func(d *disk) {
		for _, f := range d.snapshots {
			if f.meta.ID == id {
				m, r := f.open()
				meta, state, err = m, io.NopCloser(r), nil
			}
		}
	})
	return meta, state, err
}

// sink is a snapshot that is being written: durable when Close returns nil.
type sink struct {
	store *store
	meta  raft.SnapshotMeta
	buf   bytes.Buffer
	over  bool
}

func (s *sink) ID() string                        { return s.meta.ID }
func (s *sink) Write(b []byte) (n int, err error) { return s.buf.Write(b) }

func (s *sink) Cancel() error {
	s.over = true
	return nil
}

func (s *sink) Close() error {
	if s.over {
		return nil
	}
	s.over = true
	s.store.fsync()
	s.meta.Size = int64(s.buf.Len())
	s.store.on(func(d *disk) { d.keep(snapshotFile{s.meta, s.buf.Bytes()}) })
	s.store.fsync()
	return nil
}
