package prover

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"voted/proof"
)

// sealedBox is a box whose leaves are made like those of polls: from records, with a seal.
func sealedBox(n uint64) Box {
	key := proof.SealKey([16]byte{1}, "bench")
	return Box{Poll: "bench", Lineage: "1", State: 1, Size: n, Leaves: func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			entry := make([]byte, 0, 64)
			for i := from; i < to; i++ {
				o := proof.Opening{Nonce: proof.SealNonce(key, uint32(i)), Version: 1, Index: i, CastAt: i, Selections: []byte{1}}
				e := proof.BallotEntry{Seal: o.Seal()}
				binary.BigEndian.PutUint64(e.Key[:], i)
				if entry = e.Append(entry[:0]); !yield(entry) {
					return
				}
			}
		}
	}}
}

// BenchmarkTree measures a leaf, sealed and hashed, with its share of the nodes, and the
// memory that the tree keeps for it.
func BenchmarkTree(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := newForest(1)
	box := sealedBox(uint64(b.N) + proof.TileWidth)
	b.ResetTimer()
	if _, err := f.view(context.Background(), box, box.Size); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(b.N), "kept-B/leaf")
	runtime.KeepAlive(f)
}

// BenchmarkProof measures one inclusion proof, nothing of which is remembered, and a root,
// out of ten million leaves.
func BenchmarkProof(b *testing.B) {
	const leaves = 10_000_000
	f := newForest(1)
	box := sealedBox(leaves)
	if _, err := f.view(context.Background(), box, leaves); err != nil {
		b.Fatal(err)
	}
	for _, of := range []string{"inclusion", "root"} {
		b.Run(fmt.Sprintf("%s of %d", of, leaves), func(b *testing.B) {
			for i := range b.N {
				v, err := f.view(context.Background(), box, leaves)
				if err != nil {
					b.Fatal(err)
				}
				if of == "root" {
					_, err = v.Root()
				} else {
					_, err = v.Inclusion(uint64(i) * 7919 % leaves)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
