package cluster

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Backup is the state at one log index, to be written out. The caller must close it.
type Backup struct {
	Info fsm.BackupInfo

	node *Node
	view *poll.View
	lock sync.Locker
	once sync.Once
}

// Backup captures everything that was acknowledged before the call. It costs the same
// however much there is, and commands are applied while it is written.
func (n *Node) Backup(ctx context.Context) (*Backup, error) {
	if !n.isStarted() {
		return nil, outside()
	}
	if err := n.Sync(ctx); err != nil {
		return nil, err
	}
	b := &Backup{node: n}
	b.view, b.lock = n.fsm.View()
	digest := b.view.Digest()
	b.Info = fsm.BackupInfo{
		Cluster: n.ClusterID(), Node: n.opts.ID, Version: n.opts.Version, Time: n.clock.now().UTC().Truncate(time.Millisecond),
		Index: b.view.Index(), Digest: hex.EncodeToString(digest[:]),
	}
	for _, s := range n.replica.Members() {
		b.Info.Members = append(b.Info.Members, string(s.ID))
	}
	return b, nil
}

// outside refuses what needs a cluster on a member that is in none yet.
func outside() error {
	return refusal.New(refusal.Unavailable, "This node waits to enter its cluster; its log says for whom.")
}

// Write writes the backup.
func (b *Backup) Write(w io.Writer) error { return fsm.WriteBackup(w, b.Info, b.view, b.lock) }

// Close releases the captured state. It may be called more than once.
func (b *Backup) Close() { b.once.Do(func() { b.node.fsm.Release(b.view) }) }

// Restore replaces the state by a backup of size bytes, through the log: in pieces, and
// then at one index on every member. The caller has checked the backup. sum is the
// SHA-256 of the whole; confirm goes to poll.State.MayDrop; since is the log index that
// the sender of the request has seen, for poll.State.Restored. If a member's disk has no
// room, Restore refuses before anything begins. A failover only delays it. Errors are
// those of Execute; only after one with refusal.OutcomeUnknown may the state have
// changed.
func (n *Node) Restore(ctx context.Context, backup io.ReaderAt, size int64, sum poll.Digest, confirm string, since uint64) (poll.Result, error) {
	step := func(c fsm.RestoreStep) (poll.Result, error) {
		c.Backup = sum
		ctx, cancel := context.WithTimeout(ctx, restoreStepTimeout)
		defer cancel()
		r, err := n.Execute(ctx, c)
		if err == nil && r.Err != nil {
			err = r.Err
		}
		return r, err
	}
	if !n.isStarted() {
		return poll.Result{}, outside()
	}
	if err := n.roomForRestore(ctx, size); err != nil {
		return poll.Result{}, err
	}
	n.settleLevel(ctx) // the backup may use what this cluster is about to use
	if _, err := step(fsm.RestoreStep{Step: fsm.RestoreBegin}); err != nil {
		return poll.Result{}, nothingChanged(err)
	}
	piece := make([]byte, fsm.PieceBytes)
	for at := int64(0); at < size; at += fsm.PieceBytes {
		data := piece[:min(fsm.PieceBytes, size-at)]
		_, err := backup.ReadAt(data, at)
		if errors.Is(err, io.EOF) {
			err = nil // of the last piece; what is missing would not fit the checksum
		}
		if err == nil {
			_, err = step(fsm.RestoreStep{Step: fsm.RestorePiece, Piece: uint64(at / fsm.PieceBytes), Data: data})
		}
		if err != nil {
			n.abandon(sum)
			return poll.Result{}, nothingChanged(err)
		}
	}
	r, err := step(fsm.RestoreStep{Step: fsm.RestoreCommit, Confirm: confirm, Since: since})
	var refused *refusal.Error
	if errors.As(err, &refused) && refused.Code != refusal.OutcomeUnknown {
		n.abandon(sum)
	}
	return r, err
}

// restoreStepTimeout covers several elections.
const restoreStepTimeout = 30 * time.Second

// abandon makes the members drop the pieces. If it does not arrive, the pieces expire.
func (n *Node) abandon(sum poll.Digest) {
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if _, err := n.Execute(ctx, fsm.RestoreStep{Step: fsm.RestoreAbandon, Backup: sum}); err != nil {
		n.log.Debug("the pieces of a restore were not dropped; they expire", "error", err)
	}
}

// nothingChanged is the error of a step before the commit: even if its outcome is
// unknown, the state has not changed.
func nothingChanged(err error) error {
	var refused *refusal.Error
	if errors.As(err, &refused) && refused.Code == refusal.OutcomeUnknown {
		return &refusal.Error{Code: refusal.Unavailable, Detail: "The cluster did not take the whole backup in time; nothing was changed. Send it again.", Cause: err}
	}
	return err
}
