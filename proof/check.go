package proof

import (
	"fmt"
	"math/bits"
)

// CheckInclusion checks that a leaf is number index of the tree that has this root and
// size, by the hashes that View.Inclusion returned (RFC 9162, section 2.1.3.2). It fails
// with ErrNotInTree.
func CheckInclusion(root Hash, size, index uint64, leaf Hash, path []Hash) error {
	if size > MaxSize {
		return fmt.Errorf("%w: no log has %d entries", ErrMalformed, size)
	}
	if index >= size {
		return fmt.Errorf("%w: entry %d is not among %d entries, which are numbered from 0", ErrNotInTree, index, size)
	}
	// The lowest levels have a sibling each; above them only the left siblings of the
	// right edge are there.
	inner := bits.Len64(index ^ (size - 1))
	border := bits.OnesCount64(index >> inner)
	if len(path) != inner+border {
		return fmt.Errorf("%w: from entry %d of %d up it is %d steps, and there are %d", ErrNotInTree, index, size, inner+border, len(path))
	}
	h := leaf
	for i, sibling := range path[:inner] {
		if index>>i&1 == 0 {
			h = NodeHash(h, sibling)
		} else {
			h = NodeHash(sibling, h)
		}
	}
	for _, left := range path[inner:] {
		h = NodeHash(left, h)
	}
	if h != root {
		return fmt.Errorf("%w: entry %d is not what it is said to be", ErrNotInTree, index)
	}
	return nil
}

// CheckConsistency checks that the tree of the newer root and size begins with all leaves
// of the older one, unchanged, by the hashes that View.Consistency returned (RFC 9162,
// section 2.1.4.2). It fails with ErrInconsistent.
func CheckConsistency(old, size uint64, oldRoot, root Hash, path []Hash) error {
	switch {
	case size > MaxSize:
		return fmt.Errorf("%w: no log has %d entries", ErrMalformed, size)
	case old > size:
		return fmt.Errorf("%w: the newer log has %d entries, and the older one %d", ErrInconsistent, size, old)
	case old == size, old == 0:
		return checkTrivial(old, size, oldRoot, root, path)
	case len(path) == 0:
		return fmt.Errorf("%w: there are no steps between them", ErrInconsistent)
	}
	// The largest complete subtree that ends the older tree. Where it is the whole older
	// tree its root is known, and not sent.
	shift := bits.TrailingZeros64(old)
	inner := bits.Len64((old-1)^(size-1)) - shift
	border := bits.OnesCount64((old - 1) >> (inner + shift))
	seed, rest := oldRoot, path
	if old != 1<<shift {
		seed, rest = path[0], path[1:]
	}
	if len(rest) != inner+border {
		return fmt.Errorf("%w: from %d to %d entries it is %d steps, and there are %d", ErrInconsistent, old, size, inner+border+len(path)-len(rest), len(path))
	}
	older, newer := seed, seed
	last := (old - 1) >> shift
	for i, h := range rest[:inner] {
		if last>>i&1 == 0 { // a right sibling, that the older tree does not have
			newer = NodeHash(newer, h)
		} else {
			older, newer = NodeHash(h, older), NodeHash(h, newer)
		}
	}
	for _, h := range rest[inner:] {
		older, newer = NodeHash(h, older), NodeHash(h, newer)
	}
	if older != oldRoot || newer != root {
		return fmt.Errorf("%w: the steps between them do not lead to both", ErrInconsistent)
	}
	return nil
}

// checkTrivial is CheckConsistency where no hash is needed.
func checkTrivial(old, size uint64, oldRoot, root Hash, path []Hash) error {
	switch {
	case len(path) != 0:
		return fmt.Errorf("%w: from %d to %d entries there are no steps, and here are %d", ErrInconsistent, old, size, len(path))
	case old == 0 && oldRoot != EmptyRoot, size == 0 && root != EmptyRoot:
		return fmt.Errorf("%w: the hash of no entries is %s", ErrInconsistent, EmptyRoot)
	case old == size && oldRoot != root:
		return fmt.Errorf("%w: both have %d entries, and not the same ones", ErrInconsistent, size)
	}
	return nil
}
