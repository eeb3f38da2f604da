package simtest

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// disk is what survives a crash: exactly what was fsynced.
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

// fork returns a copy that shares nothing that is ever changed.
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

// append stores entries as the product's log does: what stands from there on is
// replaced, and entries before a hole are dropped (a snapshot covers them).
func (d *disk) append(logs []raft.Log) {
	if len(logs) == 0 {
		return
	}
	from := logs[0].Index
	switch {
	case len(d.logs) == 0 || from > d.last()+1 || from < d.first():
		d.logs = nil
	default:
		d.logs = d.logs[:from-d.first()] // in place: fork copied what others hold
	}
	d.logs = append(d.logs, logs...)
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

// forget drops the newest entries, as a disk does that acknowledged what it had
// not written. It is what negative controls are made of.
func (d *disk) forget(entries int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logs = slices.Clone(d.logs[:max(0, len(d.logs)-entries)])
}

func (f snapshotFile) open() (*raft.SnapshotMeta, *bytes.Reader) {
	meta := f.meta
	return &meta, bytes.NewReader(f.state)
}
