package strangers

import (
	"context"
	"testing"
	"time"

	ours "voted/proof"
)

// published is a log as tlog-tiles serves it, in memory.
type published struct {
	checkpoint []byte
	view       *ours.View
}

func (p *published) ReadCheckpoint(context.Context) ([]byte, error) { return p.checkpoint, nil }

func (p *published) ReadTile(_ context.Context, level, number uint64, width uint8) ([]byte, error) {
	hashes, err := p.view.Tile(ours.Tile{Level: int(level), Number: number, Width: widthOf(width)})
	return ours.AppendHashes(nil, hashes), err
}

func (p *published) ReadEntryBundle(_ context.Context, number uint64, width uint8) ([]byte, error) {
	var b []byte
	first := number * ours.TileWidth
	for e := range numbered(first, first+uint64(widthOf(width))) {
		var err error
		if b, err = ours.AppendBundle(b, e); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// widthOf is the width of a tile: theirs is 0 for a whole one.
func widthOf(width uint8) int {
	if width == 0 {
		return ours.TileWidth
	}
	return int(width)
}

// Tessera's checker walks a whole log of ours: head, entries, tiles. It hangs on some logs
// that are wrong, so it is asked about a good one alone, within a time limit; the end-to-end
// tests ask it about the logs of real nodes, and about ones that are wrong.
func TestTesseraChecksALogOfOurs(t *testing.T) {
	t.Parallel()
	const origin, size = "votes.example/acme/board-2026/1", 70_001
	var seed [ours.SeedBytes]byte
	signer, err := ours.NewLogSigner(seed, origin)
	must(t, err)
	tree := grown(t, size)
	view, err := tree.At(size, numbered)
	must(t, err)
	root, err := view.Root()
	must(t, err)
	n := ours.Note{Text: ours.Checkpoint{Origin: origin, Size: size, Root: root}.String()}
	n.Signatures = append(n.Signatures, signer.Sign(n.Text, 0))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { // ends with the check, or with the test's process if that hangs
		done <- Fsck(ctx, &published{n.Append(nil), view}, signer.Verifier.String())
	}()
	select {
	case err := <-done:
		must(t, err)
	case <-ctx.Done():
		t.Fatal("the checker has not ended within a minute")
	}
}
