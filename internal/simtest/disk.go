package simtest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// disk is what survives a crash: exactly the data that was fsynced.
type disk struct {
	mu        sync.Mutex // never held while time passes
	logs      []raft.Log // contiguous; guarded by mu
	values    map[string][]byte
	snapshots []snapshotFile // oldest first
}

type snapshotFile struct {
	meta  raft.SnapshotMeta
	state []byte
}

// snapshotsKept is as many as the product keeps.
const snapshotsKept = 2

func newDisk() *disk { return &disk{values: map[string][]byte{}} }

// fork returns a copy; the two share only memory that never changes.
func (d *disk) fork() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &disk{logs: slices.Clone(d.logs), values: maps.Clone(d.values), snapshots: slices.Clone(d.snapshots)}
}

func (d *disk) first() uint64 {
	if len(d.logs) == 0 {
		return 0
	}
	return d.logs[0].Index
}

func (d *disk) last() uint64 {
	if len(d.logs) == 0 {
		return 0
	}
	return d.logs[len(d.logs)-1].Index
}

// append stores entries as the product's log does: entries before a hole are dropped,
// since a snapshot covers them. It returns what the product would refuse: a hole that is
// not covered, or entries in the place of others that were not deleted first.
func (d *disk) append(logs []raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	from, to := logs[0].Index, logs[len(logs)-1].Index
	if to-from+1 != uint64(len(logs)) {
		return fmt.Errorf("entries %d to %d were written with holes", from, to)
	}
	if len(d.logs) > 0 && from <= d.last() {
		return fmt.Errorf("entries %d to %d were written over the log from %d to %d", from, to, d.first(), d.last())
	}
	if len(d.logs) > 0 && from > d.last()+1 {
		if d.covered() < from-1 {
			return fmt.Errorf("entries %d to %d were written after entry %d, and no snapshot covers the hole", from, to, d.last())
		}
		d.logs = nil
	}
	d.logs = append(d.logs, logs...) // in place: others hold copies made by fork
	return nil
}

// covered returns where the newest snapshot ends, 0 if there is none.
func (d *disk) covered() uint64 {
	if n := len(d.snapshots); n > 0 {
		return d.snapshots[n-1].meta.Index
	}
	return 0
}

// holds reports whether an entry is on the disk, or covered by a snapshot; term 0: of
// any term.
func (d *disk) holds(index, term uint64) bool {
	if l, there := d.get(index); there {
		return term == 0 || l.Term == term
	}
	return index <= d.covered()
}

func (d *disk) remove(lo, hi uint64) {
	if len(d.logs) == 0 {
		return
	}
	d.logs = slices.DeleteFunc(slices.Clone(d.logs), func(l raft.Log) bool { return lo <= l.Index && l.Index <= hi })
}

func (d *disk) get(index uint64) (raft.Log, bool) {
	if len(d.logs) == 0 || index < d.first() || index > d.last() {
		return raft.Log{}, false
	}
	return d.logs[index-d.first()], true
}

// keep adds a finished snapshot.
func (d *disk) keep(f snapshotFile) {
	d.snapshots = append(d.snapshots, f)
	slices.SortStableFunc(d.snapshots, func(a, b snapshotFile) int {
		if a.meta.Term != b.meta.Term {
			return int(a.meta.Term) - int(b.meta.Term)
		}
		return int(a.meta.Index) - int(b.meta.Index)
	})
	if n := len(d.snapshots); n > snapshotsKept {
		d.snapshots = slices.Clone(d.snapshots[n-snapshotsKept:])
	}
}

// forget drops the newest entries, like a disk that acknowledged what it had not
// written. Negative controls use it.
func (d *disk) forget(entries int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logs = slices.Clone(d.logs[:max(0, len(d.logs)-entries)])
}

func (f snapshotFile) open() (*raft.SnapshotMeta, *bytes.Reader) {
	meta := f.meta
	return &meta, bytes.NewReader(f.state)
}
