package backend

import (
	"context"
	"encoding/hex"
	"io"

	"voted/internal/api"
	"voted/internal/backup"
	"voted/internal/cluster"
	"voted/internal/poll"
)

// indexed shows a backup to the API.
type indexed struct{ *cluster.Backup }

// Index implements api.Backup.
func (b indexed) Index() uint64 { return b.Info.Index }

// Backup implements api.Backups.
func (m Member) Backup(ctx context.Context) (api.Backup, error) {
	b, err := m.Node.Backup(ctx)
	if err != nil {
		return nil, err
	}
	return indexed{b}, nil
}

// Restore implements api.Backups. Nothing changes before all of the backup has been
// received and checked.
func (m Member) Restore(ctx context.Context, r io.Reader, o api.RestoreOrder) (api.Restored, error) {
	u, err := backup.Receive(m.Dir, r)
	if err != nil {
		return api.Restored{}, err
	}
	defer u.Close()
	if o.Sum != (poll.Digest{}) && o.Sum != u.Sum {
		return api.Restored{}, poll.Refuse(poll.CodeInvalidBackup, "What arrived has the SHA-256 %x, not %x; nothing was changed. Send it again.", u.Sum, o.Sum)
	}
	done := api.Restored{
		Polls: u.Polls.Polls, Ballots: u.Polls.Ballots, BackupIndex: u.Info.Index, SHA256: hex.EncodeToString(u.Sum[:]),
	}
	m.Read(func(s *poll.State) {
		if done.Replayed = s.Untouched(u.Sum); done.Replayed {
			done.Index = s.Origin().Index
		}
	})
	if done.Replayed {
		return done, nil
	}
	result, err := m.Node.Restore(ctx, u, u.Size, u.Sum, o.Confirm)
	done.Index = result.Index
	return done, err
}
