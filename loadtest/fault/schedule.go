package fault

import (
	"math/rand/v2"
	"time"
)

// Planned is a fault to come.
type Planned struct {
	Kind Kind
	At   time.Duration // since the start of the load
	// Draw decides what the kind leaves open: which follower, which direction.
	Draw uint64
}

// firstAfter is how long the cluster is left alone at the start, to show what is
// usual; lastBefore is left at the end, so that the last fault heals under load.
const (
	firstAfter = 3 * time.Second
	lastBefore = 5 * time.Second
)

// Schedule plans the faults of a run: one every so often, the kinds drawn from a
// bag that holds each as often as it weighs and is filled again when it is empty.
// The same seed plans the same faults.
func Schedule(seed uint64, mix []Weighted, every, duration time.Duration) []Planned {
	var bag []Kind
	for _, w := range mix {
		for range w.Weight {
			bag = append(bag, w.Kind)
		}
	}
	if len(bag) == 0 || every <= 0 {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 0x6661756c74)) // a stream of its own
	var all []Planned
	var left []Kind
	for at := firstAfter; at <= duration-lastBefore; at += every {
		if len(left) == 0 {
			left = append(left, bag...)
			r.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		}
		all = append(all, Planned{Kind: left[0], At: at, Draw: r.Uint64()})
		left = left[1:]
	}
	return all
}
