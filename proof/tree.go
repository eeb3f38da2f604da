package proof

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// TileWidth is how many hashes a whole tile has, and TileHeight the levels of the tree
// that one covers (c2sp.org/tlog-tiles).
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// MaxSize is the largest tree: one of 2^62 leaves, so that no sum of sizes overflows.
const MaxSize = 1 << 62

// Entries gives the entries from, from+1, …, to-1 of a log again. What it yields may be
// overwritten after the yield.
type Entries func(from, to uint64) iter.Seq[[]byte]

// Tree holds what is worth keeping of the hash tree of a log (RFC 6962, section 2.1): the
// hashes of the complete subtrees of 256, 256², 256³ … leaves, which are the tiles of level
// 1 and above. That is 0.126 bytes a leaf. Everything else is made of the entries again
// when it is asked for; at most two tiles of 256 entries are needed for a proof.
//
//	level 16     ┌──────────── kept ────────────┐
//	level  8   kept  kept  kept … kept (256)   kept  kept
//	level  0   256   256   256     256         256   256   37   leaves: asked for again
//
// The zero Tree is empty. A copy of a Tree is a Tree of its own that later calls of Grow
// do not change, and may be read while the original grows: what was appended is never
// written again. So whoever grows it guards the Tree with a lock, hands out copies, and
// nobody waits for a proof that somebody else computes.
type Tree struct {
	kept [][]Hash // [k][n] is the root of leaves n·256^(k+1) up to (n+1)·256^(k+1)
}

// Whole returns how many leaves the tree has taken in: a multiple of 256. At proves for
// sizes up to 255 above it.
func (t *Tree) Whole() uint64 {
	if len(t.kept) == 0 {
		return 0
	}
	return uint64(len(t.kept[0])) * TileWidth
}

// Grow takes in the complete tiles of the first size leaves, and asks only for the entries
// that it has not seen. A caller that wants to do something else in between grows in
// steps. It fails only if entries are missing; what came before the gap is taken in.
func (t *Tree) Grow(size uint64, entries Entries) error {
	from, to := t.Whole(), size&^(TileWidth-1)
	if from >= to {
		return nil
	}
	var tile [TileWidth]Hash
	n := 0
	for e := range entries(from, to) {
		tile[n] = LeafHash(e)
		if n++; n == TileWidth {
			t.keep(fold(tile[:]))
			n = 0
		}
	}
	if next := t.Whole() + uint64(n); next != to {
		return fmt.Errorf("%w: entries up to %d were asked for, and entry %d did not come", ErrMissing, to, next)
	}
	return nil
}

// keep appends the root of a complete tile of leaves, and of the tiles that it completes.
func (t *Tree) keep(h Hash) {
	for k := 0; ; k++ {
		if k == len(t.kept) {
			// The copies of a Tree share the hashes, but must not share this list of lists.
			t.kept = append(t.kept[:k:k], nil)
		} else if k == 0 {
			t.kept = slices.Clone(t.kept)
		}
		t.kept[k] = append(t.kept[k], h)
		n := len(t.kept[k])
		if n%TileWidth != 0 {
			return
		}
		var tile [TileWidth]Hash
		copy(tile[:], t.kept[k][n-TileWidth:])
		h = fold(tile[:])
	}
}

// fold returns the root of a power of two of hashes, and uses their room.
func fold(hashes []Hash) Hash {
	for n := len(hashes); n > 1; n /= 2 {
		for i := range n / 2 {
			hashes[i] = NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0]
}

// View is a tree at one size. It remembers the tiles that it hashed last, so proofs of
// neighbours cost little. It is for one goroutine at a time.
type View struct {
	tree    Tree
	size    uint64
	entries Entries
	read    func(Tile) ([]Hash, error) // of a published log, instead of tree and entries; else nil
	tiles   map[tileNumber]*pyramid
}

// At returns the tree of the first size leaves. It must have grown before, so far that
// size < Whole() + 256; smaller sizes are as good.
func (t Tree) At(size uint64, entries Entries) (*View, error) {
	if size > MaxSize || size >= t.Whole()+TileWidth {
		return nil, fmt.Errorf("%w: the tree has taken in %d leaves, %d were asked for; let it grow first", ErrMissing, t.Whole(), size)
	}
	return &View{tree: t, size: size, entries: entries, tiles: map[tileNumber]*pyramid{}}, nil
}

// Published returns the tree of the first size leaves of a published log. read gives a tile of
// hashes; it is asked for the few that a proof is made of. They are believed: check the proof.
func Published(size uint64, read func(Tile) ([]Hash, error)) (*View, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("%w: no log has %d entries", ErrMalformed, size)
	}
	return &View{size: size, read: read, tiles: map[tileNumber]*pyramid{}}, nil
}

// Size returns how many leaves the tree has.
func (v *View) Size() uint64 { return v.size }

// Root returns the root of the tree (RFC 6962, section 2.1).
func (v *View) Root() (Hash, error) {
	if v.size == 0 {
		return EmptyRoot, nil
	}
	return v.subtree(0, v.size)
}

// Inclusion returns the hashes that lead from a leaf to the root, the leaf's sibling first
// (RFC 6962, section 2.1.1): at most 64.
func (v *View) Inclusion(index uint64) ([]Hash, error) {
	if index >= v.size {
		return nil, fmt.Errorf("%w: there is no leaf %d in a tree of %d", ErrMissing, index, v.size)
	}
	path := make([]Hash, 0, bits.Len64(v.size))
	// The way down from the root: each step leaves one half of a subtree aside.
	lo, hi := uint64(0), v.size
	for hi-lo > 1 {
		middle := lo + split(hi-lo)
		aside := [2]uint64{middle, hi}
		if index >= middle {
			aside = [2]uint64{lo, middle}
			lo = middle
		} else {
			hi = middle
		}
		h, err := v.subtree(aside[0], aside[1])
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	slices.Reverse(path)
	return path, nil
}

// Consistency returns the hashes that show that the tree begins with all leaves of the one
// that had the given size (RFC 6962, section 2.1.2). There are none if the older one is
// empty or has the same size.
func (v *View) Consistency(old uint64) ([]Hash, error) {
	if old > v.size {
		return nil, fmt.Errorf("%w: a tree of %d leaves does not begin with %d", ErrMissing, v.size, old)
	}
	if old == 0 || old == v.size {
		return nil, nil
	}
	path := make([]Hash, 0, bits.Len64(v.size)+1)
	take := func(lo, hi uint64) error {
		h, err := v.subtree(lo, hi)
		path = append(path, h)
		return err
	}
	lo, hi := uint64(0), v.size
	for old != hi {
		middle := lo + split(hi-lo)
		var err error
		if old <= middle {
			err = take(middle, hi)
			hi = middle
		} else {
			err = take(lo, middle)
			lo = middle
		}
		if err != nil {
			return nil, err
		}
	}
	if lo > 0 { // otherwise the checker has this subtree: it is the older tree
		if err := take(lo, hi); err != nil {
			return nil, err
		}
	}
	slices.Reverse(path)
	return path, nil
}

// Tile returns the hashes of a tile (c2sp.org/tlog-tiles); only those that the tree has.
func (v *View) Tile(t Tile) ([]Hash, error) {
	if err := t.check(v.size); err != nil {
		return nil, err
	}
	p, err := v.tile(tileNumber{t.Level, t.Number})
	if err != nil {
		return nil, err
	}
	return slices.Clone(p.rows[0][:t.Width]), nil
}

// split returns the largest power of two below n, which is at least 2.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// subtree returns the root of the leaves lo up to hi, as the recursion of RFC 6962 meets
// them: lo is a multiple of a power of two that is no smaller than hi - lo.
func (v *View) subtree(lo, hi uint64) (Hash, error) {
	n := hi - lo
	if n&(n-1) == 0 {
		return v.complete(bits.TrailingZeros64(n), lo/n)
	}
	middle := lo + split(n)
	left, err := v.subtree(lo, middle)
	if err != nil {
		return Hash{}, err
	}
	right, err := v.subtree(middle, hi)
	if err != nil {
		return Hash{}, err
	}
	return NodeHash(left, right), nil
}

// complete returns the n-th node of a level, whose subtree is complete.
func (v *View) complete(level int, n uint64) (Hash, error) {
	row := level % TileHeight
	p, err := v.tile(tileNumber{level / TileHeight, n >> (TileHeight - row)})
	if err != nil {
		return Hash{}, err
	}
	return p.rows[row][n&(1<<(TileHeight-row)-1)], nil
}

// tileNumber is the place of a tile: its level, and its number within the level.
type tileNumber struct {
	level  int
	number uint64
}

// pyramid holds the hashes of a tile and the nodes above them whose subtrees are complete.
// The node above a whole tile is in the tile of the next level.
type pyramid struct {
	rows [TileHeight][]Hash
}

// mostTiles is how many pyramids a view remembers: those of one proof, and of the right
// edge of a tree of 2^32 leaves.
const mostTiles = 16

func (v *View) tile(at tileNumber) (*pyramid, error) {
	if p, ok := v.tiles[at]; ok {
		return p, nil
	}
	first, err := v.hashes(at)
	if err != nil {
		return nil, err
	}
	p := &pyramid{}
	p.rows[0] = first
	for row := 1; row < TileHeight; row++ {
		below := p.rows[row-1]
		nodes := make([]Hash, len(below)/2)
		for i := range nodes {
			nodes[i] = NodeHash(below[2*i], below[2*i+1])
		}
		p.rows[row] = nodes
	}
	if len(v.tiles) == mostTiles {
		clear(v.tiles)
	}
	v.tiles[at] = p
	return p, nil
}

// hashes returns the lowest row of a tile.
func (v *View) hashes(at tileNumber) ([]Hash, error) {
	from := at.number * TileWidth
	to := min(from+TileWidth, v.size>>(TileHeight*at.level))
	if v.read != nil {
		t := Tile{Level: at.level, Number: at.number, Width: int(to - from)}
		hashes, err := v.read(t)
		if err == nil && len(hashes) != t.Width {
			err = fmt.Errorf("%w: the tile %s came with %d hashes", ErrMissing, t.Path(), len(hashes))
		}
		return hashes, err
	}
	if at.level > 0 {
		return v.tree.kept[at.level-1][from:to], nil
	}
	leaves := make([]Hash, 0, TileWidth)
	for e := range v.entries(from, to) {
		leaves = append(leaves, LeafHash(e))
	}
	if uint64(len(leaves)) != to-from {
		return nil, fmt.Errorf("%w: entries %d up to %d were asked for, and %d came", ErrMissing, from, to, len(leaves))
	}
	return leaves, nil
}
