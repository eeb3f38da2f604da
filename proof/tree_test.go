package proof

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// The reference: RFC 6962, section 2.1, word for word, and slow.

func rfcSplit(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func rfcRoot(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return EmptyRoot
	case 1:
		return leaves[0]
	}
	k := rfcSplit(len(leaves))
	return NodeHash(rfcRoot(leaves[:k]), rfcRoot(leaves[k:]))
}

func rfcPath(m int, leaves []Hash) []Hash {
	if len(leaves) == 1 {
		return []Hash{}
	}
	k := rfcSplit(len(leaves))
	if m < k {
		return append(rfcPath(m, leaves[:k]), rfcRoot(leaves[k:]))
	}
	return append(rfcPath(m-k, leaves[k:]), rfcRoot(leaves[:k]))
}

func rfcSubproof(m int, leaves []Hash, whole bool) []Hash {
	if m == len(leaves) {
		if whole {
			return []Hash{}
		}
		return []Hash{rfcRoot(leaves)}
	}
	k := rfcSplit(len(leaves))
	if m <= k {
		return append(rfcSubproof(m, leaves[:k], whole), rfcRoot(leaves[k:]))
	}
	return append(rfcSubproof(m-k, leaves[k:], false), rfcRoot(leaves[:k]))
}

// numbered is a log whose entry n is n in eight bytes.
func numbered(from, to uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var b [8]byte
		for n := from; n < to; n++ {
			binary.BigEndian.PutUint64(b[:], n)
			if !yield(b[:]) {
				return
			}
		}
	}
}

func leavesOf(size int) []Hash {
	leaves := make([]Hash, 0, size)
	for e := range numbered(0, uint64(size)) {
		leaves = append(leaves, LeafHash(e))
	}
	return leaves
}

func grown(t testing.TB, size uint64) Tree {
	t.Helper()
	var tree Tree
	must(t, tree.Grow(size, numbered))
	return tree
}

func at(t testing.TB, tree Tree, size uint64) *View {
	t.Helper()
	return ok(tree.At(size, numbered))(t)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ok returns a value that must come without an error.
func ok[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func same(t testing.TB, what string, got, want []Hash) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %d hashes, want %d, or others", what, len(got), len(want))
	}
}

func TestTheTreeIsTheOneOfTheStandardsExamples(t *testing.T) {
	t.Parallel()
	var entries [][]byte
	for _, s := range []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"} {
		entries = append(entries, ok(hex.DecodeString(s))(t))
	}
	source := func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for _, e := range entries[from:to] {
				if !yield(e) {
					return
				}
			}
		}
	}
	for size, want := range map[uint64]string{ // RFC 6962's reference implementation uses these
		0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	} {
		v := ok(Tree{}.At(size, source))(t)
		if got := ok(v.Root())(t); hex.EncodeToString(got[:]) != want {
			t.Errorf("the root of %d entries is %x, want %s", size, got, want)
		}
	}
}

func TestEveryProofOfSmallTreesIsTheStandardsAndIsAccepted(t *testing.T) {
	t.Parallel()
	largest := 300
	if testing.Short() {
		largest = 130 // the rest is left to TestProofsAroundPowersOfTheTileWidth
	}
	leaves, tree := leavesOf(largest), grown(t, uint64(largest))
	roots := make([]Hash, largest+1)
	for size := range roots {
		roots[size] = rfcRoot(leaves[:size])
	}
	for size := range largest + 1 {
		v := at(t, tree, uint64(size))
		if got := ok(v.Root())(t); got != roots[size] {
			t.Fatalf("the root of %d entries is %s, want %s", size, got, roots[size])
		}
		// The reference is slow: of the larger sizes those where the shape changes.
		compared := size <= 34 || slices.Contains([]int{63, 64, 65, 127, 128, 129, 255, 256, 257, 300}, size)
		for n := 0; n < size; n++ {
			path := ok(v.Inclusion(uint64(n)))(t)
			must(t, CheckInclusion(roots[size], uint64(size), uint64(n), leaves[n], path))
			old := n + 1
			grown := ok(v.Consistency(uint64(old)))(t)
			must(t, CheckConsistency(uint64(old), uint64(size), roots[old], roots[size], grown))
			if !compared {
				continue
			}
			same(t, "inclusion", path, rfcPath(n, leaves[:size]))
			same(t, "consistency", grown, rfcSubproof(old, leaves[:size], true))
		}
	}
}

func TestProofsAroundPowersOfTheTileWidth(t *testing.T) {
	t.Parallel()
	const largest = 1<<16 + 700
	leaves, tree := leavesOf(largest), grown(t, largest)
	rapid.Check(t, func(t *rapid.T) {
		near := rapid.SampledFrom([]int{255, 256, 257, 511, 512, 65279, 65535, 65536, 65537, 65536 + 256, largest})
		size := rapid.OneOf(near, rapid.IntRange(1, largest)).Draw(t, "size")
		n := rapid.IntRange(0, size-1).Draw(t, "index")
		old := rapid.OneOf(rapid.IntRange(0, size), rapid.Map(near, func(n int) int { return min(n, size) })).Draw(t, "old")
		v, err := tree.At(uint64(size), numbered)
		if err != nil {
			t.Fatal(err)
		}
		root, _ := v.Root()
		path, _ := v.Inclusion(uint64(n))
		if err := CheckInclusion(root, uint64(size), uint64(n), leaves[n], path); err != nil {
			t.Fatal(err)
		}
		o, err := tree.At(uint64(old), numbered)
		if err != nil {
			t.Fatal(err)
		}
		oldRoot, _ := o.Root()
		proof, _ := v.Consistency(uint64(old))
		if err := CheckConsistency(uint64(old), uint64(size), oldRoot, root, proof); err != nil {
			t.Fatal(err)
		}
	})
	if got := ok(at(t, tree, largest).Root())(t); got != rfcRoot(leaves) {
		t.Errorf("the root is %s, want %s", got, rfcRoot(leaves))
	}
}

func TestATreeGrownInStepsIsTheTreeGrownAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.Uint64Range(0, 900), 1, 20).Draw(t, "steps")
		var tree Tree
		size := uint64(0)
		for _, n := range steps {
			size += n
			if err := tree.Grow(size, numbered); err != nil {
				t.Fatal(err)
			}
		}
		v, err := tree.At(size, numbered)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := v.Root(); got != rfcRoot(leavesOf(int(size))) {
			t.Fatalf("after %v the root of %d entries is another one", steps, size)
		}
	})
}

func TestACopyOfATreeIsReadWhileTheOriginalGrows(t *testing.T) {
	t.Parallel()
	tree := grown(t, 1000)
	want := rfcRoot(leavesOf(1000))
	var readers sync.WaitGroup
	for size := uint64(1000); size < 140_000; size += 7000 {
		frozen := tree
		readers.Go(func() {
			v, err := frozen.At(1000, numbered)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := v.Root(); err != nil || got != want {
				t.Errorf("a copy made at %d entries has another root of 1000: %v", size, err)
			}
		})
		must(t, tree.Grow(size+7000, numbered))
	}
	readers.Wait()
}

func TestATreeSaysWhatItCannotProve(t *testing.T) {
	t.Parallel()
	tree := grown(t, 600)
	short := func(from, to uint64) iter.Seq[[]byte] { return numbered(from, to-1) }
	v := at(t, tree, 600)
	broken := ok(tree.At(600, short))(t)
	for name, err := range map[string]error{
		"a size that it has not grown to":       second(tree.At(768, numbered)),
		"a leaf that is not there":              second(v.Inclusion(600)),
		"an older tree that is larger":          second(v.Consistency(601)),
		"a root without all entries":            second(broken.Root()),
		"a proof without all entries":           second(broken.Inclusion(599)),
		"a growth proof without all entries":    second(broken.Consistency(599)),
		"a tile that is not there":              second(v.Tile(Tile{0, 2, 89})),
		"a tile of a level that is not there":   second(v.Tile(Tile{2, 0, 1})),
		"a tile of width 0":                     second(v.Tile(Tile{0, 0, 0})),
		"a tile wider than tiles are":           second(v.Tile(Tile{0, 0, 257})),
		"to grow without all entries":           tree.Grow(2000, short),
		"a tile of a number that overflows":     second(v.Tile(Tile{0, 1 << 62, 1})),
		"a tile of entries beyond the last one": Tile{EntryBundle, 2, 89}.check(600),
	} {
		if !is(err, ErrMissing) {
			t.Errorf("%s: got %v, want ErrMissing", name, err)
		}
	}
}

func TestWhatIsKeptIsAnEighthOfAByteALeaf(t *testing.T) {
	t.Parallel()
	const size = 1 << 17
	tree := grown(t, size)
	n := 0
	for _, row := range tree.kept {
		n += len(row)
	}
	if perLeaf := float64(n*len(Hash{})) / size; perLeaf > 0.1256 {
		t.Errorf("%.4f bytes a leaf are kept", perLeaf)
	}
}

func BenchmarkGrow(b *testing.B) {
	entry := BallotEntry{}.Append(nil)
	entries := func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for n := from; n < to && yield(entry); n++ {
			}
		}
	}
	var tree Tree
	if err := tree.Grow(uint64(b.N)+TileWidth, entries); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkInclusion(b *testing.B) {
	const size = 1 << 20
	tree := grown(b, size)
	b.ResetTimer()
	for i := range b.N {
		v := at(b, tree, size-1)
		ok(v.Inclusion(uint64(i*7919) % (size - 1)))(b)
	}
}
