package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// A restore goes through the log like everything else: the backup in pieces, then the
// step that makes it the state. So it happens at the same log index on all members, a
// failover in the middle only delays it, and what was acknowledged before or after
// stays so. raft's own Restore changes the leader first, before the other members know:
// if the leader died then, it would come back with another state than theirs
// (docs/adr/0014-restore-through-the-log.md).

// PieceBytes is the size of all pieces but the last. It is small, so that ballots do
// not wait long behind a piece.
const PieceBytes = 256 << 10

// restoreIdle is how long the members keep a restore without a next piece, in
// milliseconds of the replicated clock.
const restoreIdle int64 = 2 * 60 * 1000

// The steps of a restore. The numbers are in the log.
const (
	RestoreBegin   = 1
	RestorePiece   = 2
	RestoreCommit  = 3
	RestoreAbandon = 4
)

// RestoreStep is one step of a restore. Each may be proposed again if its outcome is
// unknown. For the state itself, all steps except the commit only advance the time.
type RestoreStep struct {
	poll.Tick
	Step    byte
	Backup  poll.Digest // SHA-256 of the whole file, which identifies the restore
	Piece   uint64      // number of the piece, from 0
	Data    []byte      // of the piece
	Confirm string      // of the commit, see poll.State.MayDrop
	Since   uint64      // of the commit, see poll.State.Restored
}

func encodeRestore(c RestoreStep) []byte {
	b := append([]byte{c.Step}, c.Backup[:]...)
	b = binary.AppendUvarint(b, c.Piece)
	b = binary.AppendUvarint(b, uint64(len(c.Data)))
	b = append(b, c.Data...)
	return binary.AppendUvarint(appendString(b, c.Confirm), c.Since)
}

func decodeRestore(c *poll.Cursor) RestoreStep {
	r := RestoreStep{Step: c.Byte()}
	copy(r.Backup[:], c.Bytes(len(r.Backup)))
	r.Piece = c.Uvarint()
	r.Data = c.Blob()
	r.Confirm, r.Since = c.String(), c.Uvarint()
	return r
}

// loading is a backup that arrives in pieces and is rebuilt as they come. Only raft's
// FSM goroutine uses it.
type loading struct {
	backup poll.Digest
	next   uint64 // piece
	last   int64  // replicated time of the last step
	feed   []byte // the piece to read after the lock is released
	pieces *io.PipeWriter
	done   chan loaded // buffered
}

type loaded struct {
	state *poll.State
	err   error
}

func newLoading(backup poll.Digest) *loading {
	r, w := io.Pipe()
	l := &loading{backup: backup, pieces: w, done: make(chan loaded, 1)}
	go func() { // ends with the backup, or when the restore is abandoned
		_, state, err := ReadBackup(r)
		_ = r.CloseWithError(errors.Join(errBroken, err)) // never fails; later pieces are dropped
		l.done <- loaded{state, err}
	}()
	return l
}

var errBroken = errors.New("the backup ended")

// abandonRestore drops a restore under way, and returns when its goroutine has ended.
func (f *FSM) abandonRestore() {
	if l := f.loading; l != nil {
		_ = l.pieces.CloseWithError(errBroken) // never fails
		<-l.done
		f.loading = nil
	}
}

// restore carries out a step, between Begin and End of the state. It returns the state
// that replaces this one, nil if this one stays.
func (f *FSM) restore(position uint64, c RestoreStep) (poll.Result, *poll.State) {
	now := f.state.Clock()
	done := poll.Result{Index: f.state.Index()}
	l := f.loading
	mine := l != nil && l.backup == c.Backup
	switch {
	case c.Step == RestoreBegin && !mine:
		f.abandonRestore() // a caller waits only for the restore that began last
		f.loading = newLoading(c.Backup)
		l = f.loading
	case c.Step == RestoreBegin:
	case c.Step == RestoreAbandon && mine:
		f.abandonRestore()
		return done, nil
	case c.Step == RestoreAbandon:
		return done, nil
	case c.Step == RestoreCommit && !mine && f.state.Origin().Backup == c.Backup && f.state.Origin().Index != 0:
		done.Index = f.state.Origin().Index // a retry of the commit
		return done, nil
	case !mine, c.Step == RestorePiece && c.Piece > l.next:
		done.Err = refusal.For(refusal.RestoreInterrupted)
		return done, nil
	case c.Step == RestorePiece && c.Piece == l.next:
		l.feed = c.Data
		l.next++
	case c.Step == RestoreCommit:
		return f.commitRestore(position, c, done)
	}
	l.last = now
	return done, nil
}

// feedRestore reads the piece of this entry, without the lock, so that readers of the
// state do not wait for it. If the backup cannot be read, the commit reports it.
func (f *FSM) feedRestore() {
	if l := f.loading; l != nil && l.feed != nil {
		_, _ = l.pieces.Write(l.feed)
		l.feed = nil
	}
}

func (f *FSM) commitRestore(position uint64, c RestoreStep, done poll.Result) (poll.Result, *poll.State) {
	if f.state.Restored(c.Backup, c.Since) {
		f.abandonRestore()
		done.Index, done.Replayed = f.state.Origin().Index, true
		return done, nil
	}
	// This comes before the pieces are used up, so that a commit with an outdated
	// confirmation can be tried again.
	if done.Err = f.state.MayDrop(c.Confirm); done.Err != nil {
		return done, nil
	}
	l := f.loading
	_ = l.pieces.Close() // never fails
	x := <-l.done
	f.loading = nil
	if x.err != nil {
		done.Err = refusal.New(refusal.InvalidBackup, "The backup cannot be restored: %v.", x.err)
		return done, nil
	}
	if x.state.Level() > f.state.Level() {
		done.Err = refusal.For(refusal.BackupTooNew)
		return done, nil
	}
	if done.Err = x.state.Succeed(f.state, poll.Succession{Backup: c.Backup, Position: position, Confirm: c.Confirm}); done.Err != nil {
		return done, nil
	}
	done.Index = x.state.Index()
	return done, x.state
}

// expireRestore drops a restore that is no longer continued.
func (f *FSM) expireRestore() {
	if l := f.loading; l != nil && f.state.Clock() > l.last+restoreIdle {
		f.abandonRestore()
	}
}

// Close ends what the FSM runs. Call it only after raft has stopped using the FSM.
func (f *FSM) Close() { f.abandonRestore() }

// Restoring reports whether a restore is under way; while one is, no snapshot can be
// taken. Only the goroutine that applies entries may call it.
func (f *FSM) Restoring() bool { return f.loading != nil }

// errLoading prevents snapshots, which would lack the pieces.
var errLoading = fmt.Errorf("a restore is under way; no snapshot is taken until it ends")
