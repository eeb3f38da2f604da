package replica

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// replayWeight is how much longer a start takes for a byte of the log than for one of a
// snapshot: ten million plain ballots are 197 MiB of log, replayed in about 5 s, and 402
// MiB of snapshot, restored in about 3 s.
const replayWeight = 3

// logGrowth makes a snapshot due once a start would take as long for the log after the
// last snapshot as for that snapshot itself. Raft counts entries, and one may hold a
// single ballot or thousands: by that count alone a start could replay up to 16 GiB.
// Since the limit grows with the last snapshot, a large state is not written too often
// either.
type logGrowth struct {
	least int64         // bytes of log after which a snapshot is due at the earliest
	since atomic.Int64  // bytes of the entries applied since the state was last captured
	last  atomic.Int64  // bytes of the last snapshot
	due   chan struct{} // holds one
}

// newLogGrowth varies the limit at random, so that the members do not all write at once.
func newLogGrowth(least int64) *logGrowth {
	return &logGrowth{least: least + rand.Int64N(least/4+1), due: make(chan struct{}, 1)}
}

// applied counts an entry. While a restore is under way no snapshot can be taken; the
// first entry after it makes up for that.
func (g *logGrowth) applied(size int, restoring bool) {
	g.since.Add(int64(size))
	if restoring || !g.isDue() {
		return
	}
	select {
	case g.due <- struct{}{}:
	default: // it is due already
	}
}

// captured starts the count again at zero. If the snapshot then fails, the caller must
// pass what captured returned to failed.
func (g *logGrowth) captured() int64 { return g.since.Swap(0) }

// restored starts the count again after a snapshot of size bytes.
func (g *logGrowth) restored(size int64) {
	g.since.Store(0)
	g.last.Store(size)
}

// failed undoes captured.
func (g *logGrowth) failed(since int64) { g.since.Add(since) }

func (g *logGrowth) isDue() bool { return g.since.Load() >= max(g.least, g.last.Load()/replayWeight) }

// snapshotWhenDue takes a snapshot whenever one is due, until the replica ends.
func (r *Replica) snapshotWhenDue() {
	for {
		select {
		case <-r.growth.due:
		case <-r.ctx.Done():
			return
		}
		if !r.growth.isDue() {
			continue // raft took one meanwhile
		}
		err := r.await(r.ctx, r.raft.Snapshot())
		if err == nil || errors.Is(err, raft.ErrNothingNewToSnapshot) {
			continue
		}
		// Raft has logged it. The next entry makes it due again, and not at once.
		select {
		case <-time.After(snapshotInterval):
		case <-r.ctx.Done():
		}
	}
}

// Grown returns the bytes of the entries applied since the state was last captured: what
// a start would have to replay.
func (r *Replica) Grown() int64 { return r.growth.since.Load() }
