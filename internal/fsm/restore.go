package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"voted/internal/poll"
)

// A restore goes through the log like everything else: the backup in pieces, then the
// step that makes it the state. So it happens at one log index on all members, a
// failover in the middle only delays it, and what was acknowledged before or after
// stays so. raft's own Restore changes the leader alone before anybody else knows: were
// the leader to die then, it would come back with another state than the others
// (docs/adr/0014-restore-through-the-log.md).

// PieceBytes is the size of all pieces but the last: little enough that ballots do not
// wait behind one for long.
const PieceBytes = 256 << 10

// restoreIdle is for how long the members keep a restore whose next piece does not
// come, in milliseconds of the replicated clock.
const restoreIdle int64 = 2 * 60 * 1000

// The steps of a restore. The numbers stand in the log.
const (
	RestoreBegin   = 1
	RestorePiece   = 2
	RestoreCommit  = 3
	RestoreAbandon = 4
)

// RestoreStep is one step of a restore. Each may be proposed again when its outcome is
// unknown. To the state itself all but the commit only let time pass.
type RestoreStep struct {
	poll.Tick
	Step    byte
	Backup  poll.Digest // SHA-256 of the whole file: what the steps belong to
	Piece   uint64      // number of the piece, from 0
	Data    []byte      // of the piece
	Confirm string      // of the commit, see poll.State.MayDrop
}

func encodeRestore(c RestoreStep) []byte {
	b := append([]byte{c.Step}, c.Backup[:]...)
	b = binary.AppendUvarint(b, c.Piece)
	b = binary.AppendUvarint(b, uint64(len(c.Data)))
	b = append(b, c.Data...)
	return appendString(b, c.Confirm)
}

func decodeRestore(c *poll.Cursor) RestoreStep {
	r := RestoreStep{Step: c.Byte()}
	copy(r.Backup[:], c.Bytes(len(r.Backup)))
	r.Piece = c.Uvarint()
	r.Data = c.Blob()
	r.Confirm = c.String()
	return r
}

// loading is a backup that arrives in pieces and is rebuilt as it comes. Only raft's
// FSM goroutine uses it.
type loading struct {
	backup poll.Digest
	next   uint64 // piece
	last   int64  // replicated time of the last step
	feed   []byte // the piece that is to be read once the lock is given back
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
	go func() { // ends with the backup, or when it is abandoned
		_, state, err := ReadBackup(r)
		_ = r.CloseWithError(errors.Join(errBroken, err)) // never fails; pieces that still come go nowhere
		l.done <- loaded{state, err}
	}()
	return l
}

var errBroken = errors.New("the backup ended")

// abandonRestore forgets the pieces of a restore, and returns when nothing is left of it.
func (f *FSM) abandonRestore() {
	if l := f.loading; l != nil {
		_ = l.pieces.CloseWithError(errBroken) // never fails
		<-l.done
		f.loading = nil
	}
}

// restore carries out a step, between Begin and End of the state. It returns the state
// that takes this one's place, nil where it stays.
func (f *FSM) restore(position uint64, c RestoreStep) (poll.Result, *poll.State) {
	now := f.state.Clock()
	done := poll.Result{Index: f.state.Index()}
	l := f.loading
	mine := l != nil && l.backup == c.Backup
	switch {
	case c.Step == RestoreBegin && !mine:
		f.abandonRestore() // the last one to begin is the one that somebody waits for
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
		done.Err = poll.Refuse(poll.CodeUnavailable, "Another restore began meanwhile, or this one paused for too long; nothing was changed. Start it again.")
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

// feedRestore has the piece of this entry read; readers of the state need not wait
// for it. A backup that cannot be read says so at the commit.
func (f *FSM) feedRestore() {
	if l := f.loading; l != nil && l.feed != nil {
		_, _ = l.pieces.Write(l.feed)
		l.feed = nil
	}
}

func (f *FSM) commitRestore(position uint64, c RestoreStep, done poll.Result) (poll.Result, *poll.State) {
	// Before the pieces are used up: a confirmation that has become stale can be given again.
	if done.Err = f.state.MayDrop(c.Confirm); done.Err != nil {
		return done, nil
	}
	l := f.loading
	_ = l.pieces.Close() // never fails
	x := <-l.done
	f.loading = nil
	if x.err != nil {
		done.Err = poll.Refuse(poll.CodeInvalidBackup, "The backup cannot be restored: %v.", x.err)
		return done, nil
	}
	if x.state.Level() > f.state.Level() {
		done.Err = poll.Refuse(poll.CodeInvalidBackup, "The backup's format level is %d and this cluster's is %d; upgrade all members first.", x.state.Level(), f.state.Level())
		return done, nil
	}
	if done.Err = x.state.Succeed(f.state, poll.Succession{Backup: c.Backup, Position: position, Confirm: c.Confirm}); done.Err != nil {
		return done, nil
	}
	done.Index = x.state.Index()
	return done, x.state
}

// expireRestore forgets a restore that nobody goes on with.
func (f *FSM) expireRestore() {
	if l := f.loading; l != nil && f.state.Clock() > l.last+restoreIdle {
		f.abandonRestore()
	}
}

// Close ends what the FSM has running. It must not be used by raft any more.
func (f *FSM) Close() { f.abandonRestore() }

// Restoring tells whether a restore is under way, which no snapshot can be taken of. It is
// for the goroutine that applies entries.
func (f *FSM) Restoring() bool { return f.loading != nil }

// errLoading keeps raft from taking snapshots that would lack the pieces.
var errLoading = fmt.Errorf("a restore is under way; the log stays until it ends")
