package server

import (
	"errors"
	"os"
	"path/filepath"

	"voted/internal/cluster/replica"
	"voted/internal/cluster/storage"
	"voted/internal/usage"
)

// Recovery is the data directory of a stopped member, from which a cluster is recovered
// that has lost its quorum for good. The caller must close it.
type Recovery struct {
	replica.Survivor
	store *storage.Store
}

// OpenRecovery opens the directory and checks all of the log and the newest snapshot. It
// changes nothing. An error for which usage.Is is true is cured by another command line.
func OpenRecovery(dir, id string) (*Recovery, error) {
	if _, err := os.Stat(filepath.Join(dir, "raft.db")); err != nil {
		return nil, usage.Errorf("%s is not the data directory of a member: %w", dir, err)
	}
	store, err := storage.Open(dir, storage.Options{})
	if errors.Is(err, storage.ErrInUse) {
		return nil, usage.Errorf("member %s is running on %s; stop it first", id, dir)
	}
	if err != nil {
		return nil, err
	}
	r := &Recovery{store: store}
	if err = store.Verify(nil); err == nil {
		r.Survivor, err = replica.Examine(store, id)
	}
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

// CheckPeer refuses a string that cannot be the address under which members reach one
// another.
func CheckPeer(addr string) error {
	if err := checkMemberAddress(addr); err != nil {
		return usage.Errorf("--peer: %w; give the HOST:PORT under which the others reach it", err)
	}
	return nil
}

// Recover makes the member the only one of a new cluster, at a peer address, and returns
// the id of the new cluster.
func (r *Recovery) Recover(peer string) (id string, err error) {
	if err := CheckPeer(peer); err != nil {
		return "", err
	}
	return replica.Recover(r.store, r.Survivor, peer)
}

// Close closes the directory.
func (r *Recovery) Close() error { return r.store.Close() }
