package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"voted/internal/cluster"
	"voted/internal/cluster/storage"
)

// Recovery is the data directory of a stopped member from which a cluster is to be
// recovered that has lost its quorum for good. It must be closed.
type Recovery struct {
	cluster.Survivor
	store *storage.Store
}

// OpenRecovery opens and checks the directory: all of the log and the newest snapshot.
// Nothing is changed. An error that wraps ErrUsage is cured by another command line.
func OpenRecovery(dir, id string) (*Recovery, error) {
	if _, err := os.Stat(filepath.Join(dir, "raft.db")); err != nil {
		return nil, fmt.Errorf("%w: %s is not the data directory of a member: %w", ErrUsage, dir, err)
	}
	store, err := storage.Open(dir, storage.Options{})
	if errors.Is(err, storage.ErrInUse) {
		return nil, fmt.Errorf("%w: member %s is running on %s; stop it first", ErrUsage, id, dir)
	}
	if err != nil {
		return nil, err
	}
	r := &Recovery{store: store}
	if err = store.Verify(nil); err == nil {
		r.Survivor, err = cluster.Examine(store, id)
	}
	if err == nil {
		err = r.Check()
	}
	if errors.Is(err, cluster.ErrUsage) {
		err = fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

// Recover makes the member the only one of its cluster, at a peer address.
func (r *Recovery) Recover(peer string) error {
	if err := checkAddress(peer); err != nil {
		return fmt.Errorf("%w: --peer: %w", ErrUsage, err)
	}
	return cluster.Recover(r.store, r.Survivor, peer)
}

// Close closes the directory.
func (r *Recovery) Close() error { return r.store.Close() }
