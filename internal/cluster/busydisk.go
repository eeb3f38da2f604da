package cluster

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// busyDisk knows until when raft was writing to the store. While it writes, raft
// hears nobody, so a leader that seems silent may only have been unheard.
type busyDisk struct {
	Store
	writes atomic.Int32 // under way
	ended  atomic.Int64 // when the last one ended, Unix nanoseconds
	traced tracedEntries
}

func (b *busyDisk) writing(f func() error) error {
	b.writes.Add(1)
	defer func() {
		b.ended.Store(time.Now().UnixNano())
		b.writes.Add(-1)
	}()
	return f()
}

// StoreLog implements raft.LogStore.
func (b *busyDisk) StoreLog(l *raft.Log) error {
	return b.writing(func() error { return b.Store.StoreLog(l) })
}

// StoreLogs implements raft.LogStore.
func (b *busyDisk) StoreLogs(l []*raft.Log) error {
	span := b.traced.begin(l)
	err := b.writing(func() error { return b.Store.StoreLogs(l) })
	b.traced.end(span, err)
	return err
}

// DeleteRange implements raft.LogStore.
func (b *busyDisk) DeleteRange(lo, hi uint64) error {
	return b.writing(func() error { return b.Store.DeleteRange(lo, hi) })
}

// since is how long ago raft last wrote; zero while it writes.
func (b *busyDisk) since() time.Duration {
	if b.writes.Load() > 0 {
		return 0
	}
	return time.Since(time.Unix(0, b.ended.Load()))
}
