package proof

import (
	"errors"
	"slices"
	"testing"
)

func second[T any](_ T, err error) error { return err }

func is(err, target error) bool { return errors.Is(err, target) }

func flipped(h Hash) Hash {
	h[7] ^= 0x10
	return h
}

func TestAChangedInclusionProofIsRefused(t *testing.T) {
	t.Parallel()
	leaves, tree := leavesOf(600), grown(t, 600)
	for _, size := range []uint64{2, 3, 7, 8, 255, 256, 257, 600} {
		v := at(t, tree, size)
		root := ok(v.Root())(t)
		for _, n := range []uint64{0, 1, size / 2, size - 1} {
			path, leaf := ok(v.Inclusion(n))(t), leaves[n]
			refused := func(what string, err error) {
				t.Helper()
				if !is(err, ErrNotInTree) {
					t.Errorf("%s of entry %d of %d: got %v, want ErrNotInTree", what, n, size, err)
				}
			}
			for i := range path {
				changed := slices.Clone(path)
				changed[i] = flipped(changed[i])
				refused("a bit of hash", CheckInclusion(root, size, n, leaf, changed))
			}
			refused("a bit of the leaf", CheckInclusion(root, size, n, flipped(leaf), path))
			refused("a bit of the root", CheckInclusion(flipped(root), size, n, leaf, path))
			refused("a shorter path", CheckInclusion(root, size, n, leaf, path[:len(path)-1]))
			refused("a longer path", CheckInclusion(root, size, n, leaf, append(slices.Clone(path), Hash{})))
			refused("another index", CheckInclusion(root, size, n^1, leaf, path))
			refused("an index that is the size", CheckInclusion(root, size, size, leaf, path))
			refused("a size of 0", CheckInclusion(root, 0, n, leaf, path))
			refused("an index of 2^63", CheckInclusion(root, size, 1<<63, leaf, path))
		}
	}
	if err := CheckInclusion(Hash{}, 1<<63, 0, Hash{}, nil); !is(err, ErrMalformed) {
		t.Errorf("a size of 2^63: got %v, want ErrMalformed", err)
	}
}

func TestAChangedGrowthProofIsRefused(t *testing.T) {
	t.Parallel()
	tree := grown(t, 600)
	root := func(size uint64) Hash { return ok(at(t, tree, size).Root())(t) }
	for _, sizes := range [][2]uint64{{1, 2}, {2, 3}, {3, 7}, {4, 8}, {255, 256}, {256, 600}, {257, 600}, {599, 600}} {
		old, size := sizes[0], sizes[1]
		path, before, after := ok(at(t, tree, size).Consistency(old))(t), root(old), root(size)
		refused := func(what string, err error) {
			t.Helper()
			if !is(err, ErrInconsistent) {
				t.Errorf("%s from %d to %d: got %v, want ErrInconsistent", what, old, size, err)
			}
		}
		for i := range path {
			changed := slices.Clone(path)
			changed[i] = flipped(changed[i])
			refused("a bit of a hash", CheckConsistency(old, size, before, after, changed))
		}
		refused("another old root", CheckConsistency(old, size, flipped(before), after, path))
		refused("another new root", CheckConsistency(old, size, before, flipped(after), path))
		refused("a shorter proof", CheckConsistency(old, size, before, after, path[:len(path)-1]))
		refused("a longer proof", CheckConsistency(old, size, before, after, append(slices.Clone(path), Hash{})))
		refused("the sizes exchanged", CheckConsistency(size, old, after, before, path))
		refused("the same size with another root", CheckConsistency(size, size, before, after, nil))
		refused("no hashes", CheckConsistency(old, size, before, after, nil))
		refused("hashes where none are needed", CheckConsistency(size, size, after, after, path))
	}
	if err := CheckConsistency(0, 5, Hash{}, root(5), nil); !is(err, ErrInconsistent) {
		t.Errorf("a log of nothing with a wrong hash: got %v, want ErrInconsistent", err)
	}
	if err := CheckConsistency(0, 0, EmptyRoot, Hash{}, nil); !is(err, ErrInconsistent) {
		t.Errorf("a log of nothing with a wrong hash: got %v, want ErrInconsistent", err)
	}
	must(t, CheckConsistency(0, 5, EmptyRoot, root(5), nil))
	if err := CheckConsistency(5, 1<<63, root(5), root(6), nil); !is(err, ErrMalformed) {
		t.Errorf("a size of 2^63: got %v, want ErrMalformed", err)
	}
}
