package backup

import (
	"context"
	"io"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// Member is what a restore needs of the member that received the backup.
type Member interface {
	// Read runs f under the read lock of the state.
	Read(f func(s *poll.State))
	// Restore makes the backup the state of the cluster, if confirm fits what that drops.
	Restore(ctx context.Context, backup io.ReaderAt, size int64, sum poll.Digest, confirm string, since uint64) (poll.Result, error)
}

// Order is what a restore is given besides the backup.
type Order struct {
	Confirm string      // see poll.State.MayDrop
	Sum     poll.Digest // SHA-256 of the backup, as its sender knows it; zero: not said
	Since   uint64      // log index that its sender has seen, see poll.State.Restored; 0: not said
}

// Restored is what became of a restore.
type Restored struct {
	Upload   *Upload // closed
	Index    uint64  // log index of the restore
	Replayed bool    // it had been restored before
}

// Restore receives a backup into a file in dir, checks all of it, and makes it the state
// of the cluster. Nothing changes before all of it has been received and checked.
func Restore(ctx context.Context, m Member, dir string, r io.Reader, o Order) (done Restored, err error) {
	u, err := Receive(dir, r)
	if err != nil {
		return done, err
	}
	defer u.Close()
	done.Upload = u
	if o.Sum != (poll.Digest{}) && o.Sum != u.Sum {
		return done, refusal.New(refusal.InvalidBackup, "What arrived has the SHA-256 %x, not %x; nothing was changed. Send it again.", u.Sum, o.Sum)
	}
	m.Read(func(s *poll.State) {
		if done.Replayed = s.Untouched(u.Sum) || s.Restored(u.Sum, o.Since); done.Replayed {
			done.Index = s.Origin().Index
		}
	})
	if done.Replayed {
		return done, nil
	}
	result, err := m.Restore(ctx, u, u.Size, u.Sum, o.Confirm, o.Since)
	done.Index, done.Replayed = result.Index, result.Replayed
	return done, err
}
