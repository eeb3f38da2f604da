package strangers

import (
	"encoding/binary"
	"iter"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	ours "voted/proof"
)

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

// theirs is the same log in x/mod's tlog, which stores all hashes.
type theirs []tlog.Hash

func (h theirs) ReadHashes(at []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(at))
	for i, n := range at {
		found[i] = h[n]
	}
	return found, nil
}

func stored(t testing.TB, size uint64) theirs {
	t.Helper()
	var h theirs
	n := int64(0)
	for e := range numbered(0, size) {
		more, err := tlog.StoredHashes(n, e, h)
		must(t, err)
		h = append(h, more...)
		n++
	}
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func grown(t testing.TB, size uint64) ours.Tree {
	t.Helper()
	var tree ours.Tree
	must(t, tree.Grow(size, numbered))
	return tree
}

func slicesOf[H ~[32]byte](path []H) [][]byte {
	list := make([][]byte, len(path))
	for i := range path {
		list[i] = path[i][:]
	}
	return list
}

// fataler is what a test and a property check have in common.
type fataler interface{ Fatalf(string, ...any) }

// agree compares everything about one tree, one entry and one older size.
func agree(t fataler, tree ours.Tree, hashes theirs, size, index, old uint64) {
	v, err := tree.At(size, numbered)
	if err != nil {
		t.Fatalf("size %d: %v", size, err)
	}
	root, err := v.Root()
	their, err2 := tlog.TreeHash(int64(size), hashes)
	if err != nil || err2 != nil || tlog.Hash(root) != their {
		t.Fatalf("the root of %d entries is %s here and %s there: %v, %v", size, root, their, err, err2)
	}
	path, err := v.Inclusion(index)
	theirPath, err2 := tlog.ProveRecord(int64(size), int64(index), hashes)
	if err != nil || err2 != nil || !slices.EqualFunc(path, theirPath, func(a ours.Hash, b tlog.Hash) bool { return tlog.Hash(a) == b }) {
		t.Fatalf("the proof of entry %d of %d differs: %v, %v", index, size, err, err2)
	}
	var entry [8]byte
	binary.BigEndian.PutUint64(entry[:], index)
	leaf := ours.LeafHash(entry[:])
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], slicesOf(path), root[:]); err != nil {
		t.Fatalf("merkle refuses the proof of entry %d of %d: %v", index, size, err)
	}
	if err := ours.CheckInclusion(root, size, index, leaf, path); err != nil {
		t.Fatalf("the proof of entry %d of %d is refused here: %v", index, size, err)
	}
	agreeOnGrowth(t, tree, hashes, v, root, size, old)
}

func agreeOnGrowth(t fataler, tree ours.Tree, hashes theirs, v *ours.View, root ours.Hash, size, old uint64) {
	before, err := tree.At(old, numbered)
	if err != nil {
		t.Fatalf("size %d: %v", old, err)
	}
	oldRoot, err := before.Root()
	if err != nil {
		t.Fatalf("size %d: %v", old, err)
	}
	path, err := v.Consistency(old)
	if err != nil {
		t.Fatalf("from %d to %d: %v", old, size, err)
	}
	if old > 0 { // neither of them proves anything about an empty log
		theirPath, err := tlog.ProveTree(int64(size), int64(old), hashes)
		if err != nil || !slices.EqualFunc(path, theirPath, func(a ours.Hash, b tlog.Hash) bool { return tlog.Hash(a) == b }) {
			t.Fatalf("the proof of growth from %d to %d differs: %v", old, size, err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, slicesOf(path), oldRoot[:], root[:]); err != nil {
			t.Fatalf("merkle refuses the proof of growth from %d to %d: %v", old, size, err)
		}
	}
	if err := ours.CheckConsistency(old, size, oldRoot, root, path); err != nil {
		t.Fatalf("the proof of growth from %d to %d is refused here: %v", old, size, err)
	}
}

func TestEveryPairOfSmallSizesAgrees(t *testing.T) {
	t.Parallel()
	const largest = 300
	tree, hashes := grown(t, largest), stored(t, largest)
	for size := uint64(1); size <= largest; size++ {
		for n := range size {
			agree(t, tree, hashes, size, n, n+1)
		}
		agree(t, tree, hashes, size, 0, 0)
	}
}

func TestSizesAroundTilesAgree(t *testing.T) {
	t.Parallel()
	const largest = 1<<16 + 1<<9
	tree, hashes := grown(t, largest), stored(t, largest)
	rapid.Check(t, func(t *rapid.T) {
		power := rapid.Uint64Range(0, 16).Draw(t, "power")
		near := uint64(1)<<power + rapid.Uint64Range(0, 2).Draw(t, "near") - 1
		size := rapid.OneOf(rapid.Just(max(near, 1)), rapid.Uint64Range(1, largest)).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		old := rapid.Uint64Range(0, size).Draw(t, "old")
		agree(t, tree, hashes, size, index, old)
	})
}

// A proof that is changed is refused by both, or taken by both.
func TestBothRefuseTheSameProofs(t *testing.T) {
	t.Parallel()
	tree := grown(t, 5000)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, 5000).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		old := rapid.Uint64Range(1, size).Draw(t, "old")
		v, err := tree.At(size, numbered)
		if err != nil {
			t.Fatal(err)
		}
		root, _ := v.Root()
		before, _ := tree.At(old, numbered)
		oldRoot, _ := before.Root()
		path, _ := v.Inclusion(index)
		growth, _ := v.Consistency(old)
		leaf := ours.LeafHash(binary.BigEndian.AppendUint64(nil, index))

		path, growth = changed(t, path), changed(t, growth)
		wrongSize := size + rapid.SampledFrom([]uint64{0, 0, 1, ^uint64(0)}).Draw(t, "size off by")
		wrongIndex := index + rapid.SampledFrom([]uint64{0, 0, 1, ^uint64(0)}).Draw(t, "index off by")
		here := ours.CheckInclusion(root, wrongSize, wrongIndex, leaf, path)
		there := proof.VerifyInclusion(rfc6962.DefaultHasher, wrongIndex, wrongSize, leaf[:], slicesOf(path), root[:])
		if (here == nil) != (there == nil) {
			t.Fatalf("inclusion: %v here, %v there", here, there)
		}
		here = ours.CheckConsistency(old, wrongSize, oldRoot, root, growth)
		there = proof.VerifyConsistency(rfc6962.DefaultHasher, old, wrongSize, slicesOf(growth), oldRoot[:], root[:])
		if (here == nil) != (there == nil) {
			t.Fatalf("consistency: %v here, %v there", here, there)
		}
	})
}

func changed(t *rapid.T, path []ours.Hash) []ours.Hash {
	path = slices.Clone(path)
	switch rapid.SampledFrom([]string{"nothing", "a bit", "shorter", "longer", "swapped"}).Draw(t, "change") {
	case "a bit":
		if len(path) > 0 {
			path[rapid.IntRange(0, len(path)-1).Draw(t, "hash")][5] ^= 1
		}
	case "shorter":
		path = path[:max(0, len(path)-1)]
	case "longer":
		path = append(path, ours.Hash{})
	case "swapped":
		slices.Reverse(path)
	}
	return path
}

func TestTilePathsAndTilesAgree(t *testing.T) {
	t.Parallel()
	const size = 70_001
	tree, hashes := grown(t, size), stored(t, size)
	v, err := tree.At(size, numbered)
	must(t, err)
	for tile := range ours.Tiles(0, size) {
		if tile.Level == ours.EntryBundle {
			continue
		}
		there := tlog.Tile{H: ours.TileHeight, L: tile.Level, N: int64(tile.Number), W: tile.Width}
		// tlog's own paths name the height, those of c2sp.org/tlog-tiles do not.
		if want := "tile/8/" + tile.Path()[len("tile/"):]; there.Path() != want {
			t.Errorf("%s is %s there", want, there.Path())
		}
		data, err := tlog.ReadTileData(there, hashes)
		must(t, err)
		own, err := v.Tile(tile)
		must(t, err)
		if string(data) != string(ours.AppendHashes(nil, own)) {
			t.Errorf("%s has other hashes there", tile.Path())
		}
	}
}
