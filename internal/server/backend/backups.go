package backend

import (
	"context"
	"encoding/hex"
	"io"

	"voted/internal/api"
	"voted/internal/backup"
	"voted/internal/cluster"
)

// indexed adapts a backup to the API.
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

// Restore implements api.Backups.
func (m Member) Restore(ctx context.Context, r io.Reader, o api.RestoreOrder) (api.Restored, error) {
	done, err := backup.Restore(ctx, m.Node, m.Dir, r, backup.Order(o))
	if err != nil {
		return api.Restored{}, err
	}
	u := done.Upload
	return api.Restored{
		Index: done.Index, Replayed: done.Replayed,
		Polls: u.Polls.Polls, Ballots: u.Polls.Ballots, BackupIndex: u.Info.Index, SHA256: hex.EncodeToString(u.Sum[:]),
		ClusterID: m.ClusterID(), BackupOf: u.Info.Cluster,
	}, nil
}
