package prover

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"voted/internal/pause"
	"voted/proof"
)

// Box is a poll's ballots as they were at one log index. It is immutable.
type Box struct {
	Poll    string
	Lineage string
	// State numbers the states of this member: it is another one, and higher, where a
	// snapshot or a restore replaced the state. A tree belongs to one state. What Changes
	// returns need not have it.
	State   uint64
	Size    uint64 // leaves
	Closed  bool   // its last leaf is the closing, and no other one follows
	Deleted bool   // there is nothing left of it
	Hidden  bool   // how many have voted is not to be told yet
	Leaves  proof.Entries
}

// errStale: the box is of a state that was replaced.
var errStale = errors.New("the state of this member was replaced meanwhile")

// tree is the tree of one poll in one state. What it holds is derived from the box.
type tree struct {
	state uint64

	mu    sync.Mutex
	grown proof.Tree // guarded by mu

	once    sync.Once
	closing []byte // the last leaf of a closed poll, which costs a pass over the box
}

// sliceLeaves is how many leaves are hashed between two looks at whether to go on: about
// 2 ms. It is a multiple of a tile.
const sliceLeaves = 16 * proof.TileWidth

// entries are the leaves of a box, with the closing made only once.
func (t *tree) entries(b Box) proof.Entries {
	if !b.Closed {
		return b.Leaves
	}
	last := b.Size - 1
	return func(from, to uint64) iter.Seq[[]byte] {
		if to <= last {
			return b.Leaves(from, to)
		}
		return func(yield func([]byte) bool) {
			for e := range b.Leaves(from, last) {
				if !yield(e) {
					return
				}
			}
			t.once.Do(func() {
				for e := range b.Leaves(last, b.Size) {
					t.closing = append([]byte(nil), e...)
				}
			})
			if from <= last {
				yield(t.closing)
			}
		}
	}
}

// whole returns how many leaves the tree has taken in.
func (t *tree) whole() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grown.Whole()
}

// reach returns the largest size at which the tree can be seen without growing.
func (t *tree) reach(b Box) uint64 { return min(b.Size, t.whole()+proof.TileWidth-1) }

// grow takes in one slice of the box, and reports whether the tree reaches size then.
func (t *tree) grow(b Box, size uint64) (done bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	step := min(size, t.grown.Whole()+sliceLeaves)
	if err := t.grown.Grow(step, t.entries(b)); err != nil {
		return false, err
	}
	return step == size, nil
}

// at returns the tree at a size that it reaches.
func (t *tree) at(b Box, size uint64) (*proof.View, error) {
	t.mu.Lock()
	grown := t.grown // later growth does not change the copy
	t.mu.Unlock()
	return grown.At(size, t.entries(b))
}

// forest has the trees of this member. Small polls have none: their trees are made when
// somebody asks, in microseconds. Its methods may be called from any goroutine.
type forest struct {
	mu    sync.Mutex
	trees map[string]*tree // by poll; guarded by mu
	// bulk is whether ballots come in such numbers that growing must leave the processors
	// to them; set by the prover's goroutine.
	bulk       atomic.Bool
	processors int           // of this process
	turn       chan struct{} // holds whoever grows a tree while bulk ballots come
	next       time.Time     // when the next one may grow; guarded by turn
}

func newForest(processors int) *forest {
	return &forest{trees: map[string]*tree{}, processors: processors, turn: make(chan struct{}, 1)}
}

// of returns the tree of a box. It fails with errStale where the box's state was replaced.
func (f *forest) of(b Box) (*tree, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.trees[b.Poll]
	switch {
	case t != nil && t.state > b.State:
		return nil, errStale
	case t == nil || t.state < b.State:
		t = &tree{state: b.State}
		if b.Size >= proof.TileWidth {
			f.trees[b.Poll] = t
		}
	}
	return t, nil
}

// drop forgets the tree of a poll that was deleted.
func (f *forest) drop(poll string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.trees, poll)
}

// view returns the tree of a box at a size, after it has grown so far, or the error of ctx.
func (f *forest) view(ctx context.Context, b Box, size uint64) (*proof.View, error) {
	t, err := f.of(b)
	if err != nil {
		return nil, err
	}
	for done := t.whole()+proof.TileWidth > size; !done; {
		if done, err = f.slice(ctx, t, b, size); err != nil {
			return nil, err
		}
	}
	return t.at(b, size)
}

// bulkShare is what growing takes of this process's processors while bulk ballots come: one part
// in so many. Counting has the others.
const bulkShare = 32

// slice grows a tree by one slice. While bulk ballots come, slices wait for each other, and each
// rests so long before the next one that all together take no more than their share.
func (f *forest) slice(ctx context.Context, t *tree, b Box, size uint64) (done bool, err error) {
	if !f.bulk.Load() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		return t.grow(b, size)
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if err := pause.For(ctx, time.Until(f.next)); err != nil {
		return false, err
	}
	began := time.Now()
	done, err = t.grow(b, size)
	f.next = time.Now().Add(f.rest(time.Since(began)))
	return done, err
}

// rest returns how long nothing grows after a slice that took so long.
func (f *forest) rest(took time.Duration) time.Duration {
	return max(0, took*bulkShare/time.Duration(f.processors)-took)
}

// rootOf returns the root at a size, after the tree has grown so far.
func (f *forest) rootOf(ctx context.Context, b Box, size uint64) (proof.Hash, error) {
	v, err := f.view(ctx, b, size)
	if err != nil {
		return proof.Hash{}, err
	}
	return v.Root()
}
