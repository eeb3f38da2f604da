package cluster

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
// last one as for that one itself. raft counts entries, and one may hold a single ballot
// or thousands: by that count alone a start would replay up to 16 GiB. Measured against
// the last snapshot, the state is not written too often either, however large it is.
type logGrowth struct {
	least int64         // bytes of log that are worth a snapshot, however small that is
	since atomic.Int64  // bytes of the entries applied since the state was last captured
	last  atomic.Int64  // bytes of the last snapshot
	due   chan struct{} // holds one
}

// newLogGrowth spreads the members, so that not all of them write at once.
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

// captured begins anew; if the snapshot fails, failed takes back what it returned.
func (g *logGrowth) captured() int64 { return g.since.Swap(0) }

// restored begins anew behind a snapshot of so many bytes.
func (g *logGrowth) restored(size int64) {
	g.since.Store(0)
	g.last.Store(size)
}

func (g *logGrowth) failed(since int64) { g.since.Add(since) }

func (g *logGrowth) isDue() bool { return g.since.Load() >= max(g.least, g.last.Load()/replayWeight) }

// mindLog takes a snapshot whenever one is due, until the node ends.
func (n *Node) mindLog() {
	for {
		select {
		case <-n.growth.due:
		case <-n.ctx.Done():
			return
		}
		if !n.growth.isDue() {
			continue // raft took one meanwhile
		}
		err := n.await(n.ctx, n.raft.Snapshot())
		if err == nil || errors.Is(err, raft.ErrNothingNewToSnapshot) {
			continue
		}
		// raft has logged it. The next entry asks again, and not at once.
		select {
		case <-time.After(snapshotInterval):
		case <-n.ctx.Done():
		}
	}
}
