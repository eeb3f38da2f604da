package replica

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// busyDisk knows until when raft was writing to the store. While it writes, raft handles
// no messages, so a leader that seems silent may have sent messages.
type busyDisk struct {
	Store
	writes atomic.Int32 // under way
	ended  atomic.Int64 // when the last one ended, Unix nanoseconds
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
	return b.writing(func() error { return b.Store.StoreLogs(l) })
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
