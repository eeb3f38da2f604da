package cluster

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// A snapshot from the leader may overtake a log that went another way: this member led,
// was cut off, and holds entries that nobody else ever had, as far as the snapshot or
// beyond. Such a log is to be discarded (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", figure 13, step 7). Raft 1.7.3 keeps it: it then
// finds another entry where the snapshot ends, refuses all that the leader sends, and
// gets the same snapshot for ever (hashicorp/raft issue 697).
//
// It also refuses what follows where its log merely begins after the snapshot, and the
// leader has to send it again.
//
// Where raft believes its log to end cannot be changed from outside. So what follows the
// snapshot is let in without a look at that entry (hearing), raft deletes from there on
// what is not the leader's, and as it goes on to store, overtakenLog discards the rest.

// place is where an entry stands in the log.
type place struct{ index, term uint64 }

// overtakenLog discards a log that contradicts the newest snapshot.
type overtakenLog struct {
	Store
	told   *slog.Logger
	newest atomic.Pointer[place] // where the newest snapshot ends; nil: there is none

	mu       sync.Mutex
	unlooked bool // guarded by mu: a snapshot came since the log was held against one
}

// begin looks at what a start finds. Raft must not have started.
func (o *overtakenLog) begin() error {
	newest, err := discardOvertaken(o.Store, o.told)
	if newest != nil {
		o.newest.Store(newest)
	}
	return err
}

// discardOvertaken holds the log of a stopped member against its newest snapshot, and
// returns where that ends; nil: there is none.
func discardOvertaken(s Store, told *slog.Logger) (*place, error) {
	snapshots, err := s.Snapshots().List()
	if err != nil || len(snapshots) == 0 {
		return nil, err
	}
	newest := place{snapshots[0].Index, snapshots[0].Term}
	return &newest, discardUnless(s, newest, told)
}

// discardUnless drops the whole log unless it goes through the entry at p, or begins
// after it. A log that ends before p goes as well: the snapshot covers it.
func discardUnless(log raft.LogStore, p place, told *slog.Logger) error {
	away, err := leaves(log, p)
	if err != nil || !away {
		return err
	}
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil {
		return err
	}
	if last >= p.index {
		told.Info("this member had log entries that the cluster never decided; they are dropped, and the leader's snapshot stands in their place",
			"first", first, "last", last, "snapshot_ends", p.index)
	}
	return log.DeleteRange(first, last)
}

// leaves reports whether a log that begins at or before p does not go through it.
func leaves(log raft.LogStore, p place) (bool, error) {
	first, err := log.FirstIndex()
	if err != nil || first == 0 || first > p.index {
		return false, err
	}
	var l raft.Log
	err = log.GetLog(p.index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return true, nil
	}
	return err == nil && l.Term != p.term, err
}

// StoreLog implements raft.LogStore.
func (o *overtakenLog) StoreLog(l *raft.Log) error { return o.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore. Raft stores only what follows from the newest
// snapshot, so that what does not can go now.
func (o *overtakenLog) StoreLogs(l []*raft.Log) error {
	if err := o.settle(); err != nil {
		return err
	}
	return o.Store.StoreLogs(l)
}

func (o *overtakenLog) settle() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.unlooked {
		return nil
	}
	if err := discardUnless(o.Store, *o.newest.Load(), o.told); err != nil {
		return err
	}
	o.unlooked = false
	return nil
}

// DeleteRange implements raft.LogStore. A log that is to be discarded is not compacted
// before: without its beginning a start could not see that it contradicts the snapshot.
func (o *overtakenLog) DeleteRange(lo, hi uint64) error {
	if newest := o.newest.Load(); newest != nil && hi <= newest.index {
		last, err := o.LastIndex()
		if err != nil {
			return err
		}
		away, err := leaves(o.Store, *newest)
		if err != nil {
			return err
		}
		if away && hi < last {
			return nil
		}
	}
	return o.Store.DeleteRange(lo, hi)
}

// Snapshots implements Store.
func (o *overtakenLog) Snapshots() raft.SnapshotStore {
	return overtakingSnapshots{o.Store.Snapshots(), o}
}

type overtakingSnapshots struct {
	raft.SnapshotStore
	log *overtakenLog
}

// Create implements raft.SnapshotStore.
func (s overtakingSnapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, configIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, c, configIndex, t)
	if err != nil {
		return nil, err
	}
	return &overtakingSink{sink, s.log, place{index, term}}, nil
}

type overtakingSink struct {
	raft.SnapshotSink
	log *overtakenLog
	end place
}

// Close implements raft.SnapshotSink.
func (s *overtakingSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	// Raft's own snapshot may be finished after a later one was installed.
	if newest := s.log.newest.Load(); newest == nil || newest.index < s.end.index {
		s.log.newest.Store(&s.end)
		s.log.unlooked = true
	}
	return nil
}

// hearing is raft's transport with the leader's messages put as overtakenLog needs them.
type hearing struct {
	raft.Transport
	raft.WithPreVote
	raft.WithClose
	heard chan raft.RPC
}

// hear puts raft's ear to t; listen must run for it to hear anything.
func hear(t raft.Transport) *hearing {
	return &hearing{t, t.(raft.WithPreVote), t.(raft.WithClose), make(chan raft.RPC)}
}

// Consumer implements raft.Transport.
func (h *hearing) Consumer() <-chan raft.RPC { return h.heard }

// listenTo passes on what the member is sent, until the node ends.
func (n *Node) listenTo(h *hearing) {
	for {
		select {
		case rpc := <-h.Transport.Consumer():
			if a, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
				rpc.Command = asWritten(*a, n.endsSnapshot(place{a.PrevLogEntry, a.PrevLogTerm}))
			}
			select {
			case h.heard <- rpc:
			case <-n.ctx.Done():
				return
			}
		case <-n.ctx.Done():
			return
		}
	}
}

// endsSnapshot reports whether the newest snapshot ends at p and is this member's state:
// whoever has p in the log then has the same log up to there, whatever stands in ours.
func (n *Node) endsSnapshot(p place) bool {
	newest := n.overtaken.newest.Load()
	return newest != nil && *newest == p && n.raft.AppliedIndex() >= p.index
}

// asWritten is a message as the paper would have it taken. Raft takes all that its log
// holds up to the leader's commit index for committed; only what this message has shown to
// be the leader's is (figure 2, AppendEntries, step 5).
func asWritten(a raft.AppendEntriesRequest, known bool) *raft.AppendEntriesRequest {
	a.LeaderCommitIndex = min(a.LeaderCommitIndex, a.PrevLogEntry+uint64(len(a.Entries)))
	if known {
		a.PrevLogEntry, a.PrevLogTerm = 0, 0 // raft has nothing to ask then
	}
	return &a
}
