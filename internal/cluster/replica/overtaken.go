package replica

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// A snapshot from the leader may overtake a log that contradicts it: this member led, was
// cut off, and holds entries that no other member ever had, up to the snapshot's end or
// beyond. Such a log must be discarded (Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", figure 13, step 7). Raft 1.7.3 keeps it: it then
// finds another entry where the snapshot ends, refuses everything that the leader sends,
// and gets the same snapshot again and again (hashicorp/raft issue 697).
//
// Raft also refuses entries that follow the snapshot if its log begins only after the
// snapshot's end and the leader has to send those entries again.
//
// Nothing outside raft can change where raft believes its log to end. So the entries that
// follow the snapshot are passed to raft without the check of the entry before them
// (inbound). Raft then deletes the entries after the snapshot that are not the leader's,
// and when it stores the new ones, overtakenLog discards the rest.

// place is where an entry stands in the log.
type place struct{ index, term uint64 }

// overtakenLog discards a log that contradicts the newest snapshot.
type overtakenLog struct {
	Store
	log    *slog.Logger          // where it is logged
	newest atomic.Pointer[place] // where the newest snapshot ends; nil: there is none

	mu        sync.Mutex
	unchecked bool // guarded by mu: a snapshot came since the log was last compared with one
}

// begin checks the log that a start finds. Call it before raft starts.
func (o *overtakenLog) begin() error {
	newest, err := discardOvertaken(o.Store, o.log)
	if newest != nil {
		o.newest.Store(newest)
	}
	return err
}

// discardOvertaken compares the log of a stopped member with its newest snapshot,
// discards it if it contradicts that, and returns where the snapshot ends; nil: there is
// none.
func discardOvertaken(s Store, log *slog.Logger) (*place, error) {
	snapshots, err := s.Snapshots().List()
	if err != nil || len(snapshots) == 0 {
		return nil, err
	}
	newest := place{snapshots[0].Index, snapshots[0].Term}
	return &newest, discardUnless(s, newest, log)
}

// discardUnless drops the whole log unless it contains the entry at p, or begins after
// it. A log that ends before p is dropped too: the snapshot covers it.
func discardUnless(entries raft.LogStore, p place, log *slog.Logger) error {
	lacking, err := lacks(entries, p)
	if err != nil || !lacking {
		return err
	}
	first, err := entries.FirstIndex()
	if err != nil {
		return err
	}
	last, err := entries.LastIndex()
	if err != nil {
		return err
	}
	if last >= p.index {
		log.Info("this member had log entries that the cluster never decided; they are dropped, and the leader's snapshot stands in their place",
			"first", first, "last", last, "snapshot_ends", p.index)
	}
	return entries.DeleteRange(first, last)
}

// lacks reports whether a log that begins at or before p lacks the entry at p.
func lacks(log raft.LogStore, p place) (bool, error) {
	first, err := log.FirstIndex()
	if err != nil || first == 0 || first > p.index {
		return false, err
	}
	var l raft.Log
	err = log.GetLog(p.index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		// A compaction may have deleted it since: then the log begins after it by now.
		first, err = log.FirstIndex()
		return err == nil && first != 0 && first <= p.index, err
	}
	return err == nil && l.Term != p.term, err
}

// GetLog implements raft.LogStore. Up to the end of the newest snapshot it finds nothing in
// a log that has yet to be discarded: a leader's raft begins to send before it has stored
// the first entry of its leadership, and would send what the snapshot contradicts. Where
// it finds nothing, it sends the snapshot.
func (o *overtakenLog) GetLog(index uint64, l *raft.Log) error {
	if newest := o.newest.Load(); newest != nil && index <= newest.index {
		contradicts, err := o.contradicts(*newest)
		if err != nil {
			return err
		}
		if contradicts {
			return raft.ErrLogNotFound
		}
	}
	return o.Store.GetLog(index, l)
}

// contradicts reports whether the log has yet to be discarded, because it lacks the end of
// the newest snapshot.
func (o *overtakenLog) contradicts(newest place) (bool, error) {
	o.mu.Lock()
	unchecked := o.unchecked
	o.mu.Unlock()
	if !unchecked {
		return false, nil
	}
	return lacks(o.Store, newest)
}

// StoreLog implements raft.LogStore.
func (o *overtakenLog) StoreLog(l *raft.Log) error { return o.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore. Raft stores only entries that follow from the
// newest snapshot, so a log that contradicts it can be discarded now.
func (o *overtakenLog) StoreLogs(l []*raft.Log) error {
	if err := o.discardIfOvertaken(); err != nil {
		return err
	}
	return o.Store.StoreLogs(l)
}

// discardIfOvertaken discards the log if it contradicts a snapshot that it was not
// compared with. The lock is not held while the disk works: a snapshot that is finished
// meanwhile would wait.
func (o *overtakenLog) discardIfOvertaken() error {
	for {
		o.mu.Lock()
		unchecked, newest := o.unchecked, o.newest.Load()
		o.mu.Unlock()
		if !unchecked {
			return nil
		}
		if err := discardUnless(o.Store, *newest, o.log); err != nil {
			return err
		}
		o.mu.Lock()
		if o.newest.Load() == newest {
			o.unchecked = false
		}
		o.mu.Unlock()
	}
}

// DeleteRange implements raft.LogStore. It does not compact a log that is to be
// discarded: without its beginning a start could not see that it contradicts the
// snapshot.
func (o *overtakenLog) DeleteRange(lo, hi uint64) error {
	if newest := o.newest.Load(); newest != nil && hi <= newest.index {
		last, err := o.LastIndex()
		if err != nil {
			return err
		}
		lacking, err := lacks(o.Store, *newest)
		if err != nil {
			return err
		}
		if lacking && hi < last {
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
		s.log.unchecked = true
	}
	return nil
}

// inbound is raft's transport with the leader's messages changed as overtakenLog needs
// them.
type inbound struct {
	raft.Transport
	raft.WithPreVote
	raft.WithClose
	prepared chan raft.RPC
}

// newInbound wraps t for raft. Raft receives messages only while passMessages runs.
func newInbound(t raft.Transport) *inbound {
	return &inbound{t, t.(raft.WithPreVote), t.(raft.WithClose), make(chan raft.RPC)}
}

// Consumer implements raft.Transport.
func (h *inbound) Consumer() <-chan raft.RPC { return h.prepared }

// passMessages passes the member's messages on to raft, until the replica ends.
func (r *Replica) passMessages(h *inbound) {
	for {
		select {
		case rpc := <-h.Transport.Consumer():
			if err := r.prepare(&rpc); err != nil {
				rpc.Respond(nil, err)
				continue
			}
			select {
			case h.prepared <- rpc:
			case <-r.ctx.Done():
				return
			}
		case <-r.ctx.Done():
			return
		}
	}
}

// prepare changes a message so that raft can receive it. Before a message of another leader
// is passed on, the entries that still wait from this member's own leadership are written;
// see writeBehind.
func (r *Replica) prepare(rpc *raft.RPC) error {
	switch a := rpc.Command.(type) {
	case *raft.AppendEntriesRequest:
		rpc.Command = asWritten(*a, r.endsSnapshot(place{a.PrevLogEntry, a.PrevLogTerm}))
	case *raft.InstallSnapshotRequest:
	default:
		return nil
	}
	return r.behind.flush(r.ctx)
}

// endsSnapshot reports whether the newest snapshot ends at p and is this member's state.
// By log matching any log that contains p agrees with ours up to p.
func (r *Replica) endsSnapshot(p place) bool {
	newest := r.overtaken.newest.Load()
	return newest != nil && *newest == p && r.raft.AppliedIndex() >= p.index
}

// asWritten returns a message that makes raft act as the paper says. Raft treats every
// entry of its log up to the leader's commit index as committed; only entries that this
// message has shown to be the leader's are (figure 2, AppendEntries, step 5).
func asWritten(a raft.AppendEntriesRequest, known bool) *raft.AppendEntriesRequest {
	a.LeaderCommitIndex = min(a.LeaderCommitIndex, a.PrevLogEntry+uint64(len(a.Entries)))
	if known {
		a.PrevLogEntry, a.PrevLogTerm = 0, 0 // raft then has no entry to check
	}
	return &a
}
