package replica

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/trace"
)

const (
	// paceEvery is after how many bytes of a snapshot its writing pauses.
	paceEvery = 2 << 20
	// longestPause bounds a pause, so that a slow disk does not become twice as slow.
	longestPause = 50 * time.Millisecond
)

// pacedSnapshot uses at most half of a processor and half of the disk's time while it is
// written. No one waits for a snapshot, but voters wait for ballots that it delays.
type pacedSnapshot struct {
	raft.FSMSnapshot
	span    *trace.Span // ends when it is written
	replica *Replica
	since   int64 // bytes of log that it makes needless once it is written
	done    bool
}

// Persist implements raft.FSMSnapshot.
func (s *pacedSnapshot) Persist(sink raft.SnapshotSink) error {
	start := time.Now()
	paced := &pacedSink{SnapshotSink: sink, ctx: s.replica.ctx, began: start}
	err := s.FSMSnapshot.Persist(paced)
	s.span.Fail(err)
	s.span.End()
	if err != nil {
		return err
	}
	s.done = true
	s.replica.growth.last.Store(paced.size)
	s.replica.metrics.snapshots.Observe(time.Since(start).Seconds())
	return nil
}

// Release implements raft.FSMSnapshot.
func (s *pacedSnapshot) Release() {
	if !s.done {
		s.replica.growth.failed(s.since)
	}
	s.FSMSnapshot.Release()
}

// errLeaving gives up a snapshot that is being written or restored when the member
// leaves: otherwise raft could not end before that is done. The next start does it again.
var errLeaving = errors.New("the member is leaving")

// pacedSink pauses for as long as it worked, and fails once the member leaves.
type pacedSink struct {
	raft.SnapshotSink
	ctx     context.Context // of the member
	size    int64
	began   time.Time // of the work since the last pause
	written int       // since then
}

// Write implements io.Writer.
func (k *pacedSink) Write(b []byte) (int, error) {
	if k.ctx.Err() != nil {
		return 0, errLeaving
	}
	n, err := k.SnapshotSink.Write(b)
	k.size += int64(n)
	if k.written += n; err == nil && k.written >= paceEvery {
		time.Sleep(min(time.Since(k.began), longestPause))
		k.began, k.written = time.Now(), 0
	}
	return n, err
}

// leavingReader fails once the member leaves.
type leavingReader struct {
	io.ReadCloser
	ctx context.Context // of the member
}

// Read implements io.Reader.
func (r leavingReader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, errLeaving
	}
	return r.ReadCloser.Read(b)
}
