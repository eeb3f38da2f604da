package strangers

import (
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// fsckWorkers is how many files Tessera's checker compares at a time. It blocks where more files wait to be compared
// than there are workers, and each has ended with a fault; so with many of them a small log that is wrong is refused,
// and not waited for.
const fsckWorkers = 16

// Fsck lets Tessera's checker walk a whole log: its head, which must be signed by a key of the log, its entries, and
// all tiles of hashes. The checker panics on some logs that are wrong, and never ends on some others, so it belongs into a
// process of its own with a time limit.
func Fsck(ctx context.Context, log fsck.Fetcher, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("the key of the log: %w", err)
	}
	return fsck.New(verifier.Name(), verifier, log, leavesOf, fsck.Opts{N: fsckWorkers}).Check(ctx)
}

// leavesOf hashes the entries of a bundle (c2sp.org/tlog-tiles).
func leavesOf(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var leaves [][]byte
	for _, e := range b.Entries {
		leaves = append(leaves, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return leaves, nil
}
