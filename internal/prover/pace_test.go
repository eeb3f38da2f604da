package prover

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"voted/proof"
)

// slowBox is a box of which each tile takes a millisecond of a processor to read.
func slowBox(poll string, tiles uint64) Box {
	return Box{Poll: poll, Lineage: "1", State: 1, Size: tiles * proof.TileWidth, Leaves: func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for i := from; i < to; i++ {
				if i%proof.TileWidth == 0 {
					time.Sleep(time.Millisecond)
				}
				if !yield([]byte{byte(i)}) {
					return
				}
			}
		}
	}}
}

func TestWhileBallotsComeInBulkTreesGrowWithAPartOfTheProcessors(t *testing.T) {
	t.Parallel()
	const slices = 10 // of each tree
	const work = slices * sliceLeaves / proof.TileWidth * time.Millisecond
	for _, c := range []struct {
		bulk       bool
		processors int
		trees      int // that grow at the same time
		want       time.Duration
	}{
		{bulk: true, processors: 1, trees: 1, want: 32 * work},
		{bulk: true, processors: 2, trees: 1, want: 16 * work},
		{bulk: true, processors: 2, trees: 3, want: 3 * 16 * work},
		{bulk: true, processors: 8, trees: 1, want: 4 * work},
		{bulk: true, processors: 64, trees: 1, want: work}, // a tree grows on one processor
		{bulk: false, processors: 2, trees: 1, want: work},
		{bulk: false, processors: 2, trees: 3, want: work},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// given trees that have not grown yet
				f := newForest(c.processors)
				f.bulk.Store(c.bulk)
				began := time.Now()
				var growing sync.WaitGroup
				// when they all grow
				for i := range c.trees {
					growing.Go(func() {
						b := slowBox(fmt.Sprint(i), slices*sliceLeaves/proof.TileWidth)
						if _, err := f.view(context.Background(), b, b.Size); err != nil {
							t.Error(err)
						}
					})
				}
				growing.Wait()
				// then that takes so long, but for the rest after the last slice, which no one waits for
				took := time.Since(began)
				if rest := c.want / (slices * time.Duration(c.trees)); took > c.want || took < c.want-rest {
					t.Errorf("growing took %v, not %v", took, c.want)
				}
			})
		})
	}
}

func TestWhoeverWaitsForATreeInBulkWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// given a tree that grows, with long rests
		f := newForest(1)
		f.bulk.Store(true)
		long, stop := context.WithCancel(t.Context())
		var growing sync.WaitGroup
		growing.Go(func() {
			b := slowBox("large", 1_000_000)
			if _, err := f.view(long, b, b.Size); err == nil {
				t.Error("it grew to its end")
			}
		})
		synctest.Wait()
		// when another one waits for its own
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		b := slowBox("small", 1000)
		_, err := f.view(ctx, b, b.Size)
		// then it ends in time
		if took := time.Since(began); err == nil || took > 100*time.Millisecond+sliceLeaves/proof.TileWidth*time.Millisecond {
			t.Errorf("after %v: %v", took, err)
		}
		stop()
		growing.Wait()
	})
}

func TestBallotsCountAsBulkWhileManyCome(t *testing.T) {
	t.Parallel()
	const tick = 50 * time.Millisecond
	for name, c := range map[string]struct {
		leaves []uint64 // that come with each tick
		want   []bool
	}{
		"single ballots":       {[]uint64{0, 2500, 2500, 2500, 2500, 2500}, []bool{false, false, false, false, false, false}},
		"many":                 {[]uint64{0, 5000, 5000, 5000, 5000, 0}, []bool{false, false, false, false, true, true}},
		"many that end":        {[]uint64{0, 20000, 0, 0, 0, 0, 0, 0, 0}, []bool{false, true, true, true, true, true, true, true, false}},
		"all that were before": {[]uint64{1e7, 0, 0, 0, 0}, []bool{false, false, false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l load
			now := time.Unix(1, 0)
			for i, n := range c.leaves {
				if got := l.add(n, now); got != c.want[i] {
					t.Errorf("tick %d: bulk is %v", i, got)
				}
				now = now.Add(tick)
			}
		})
	}
}
