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

// onFollower reports whether the fault is made on a member that does not lead. Every other
// move, on average, is the leader's.
func (p *Planned) onFollower() bool {
	switch p.Kind {
	case FollowerKill, Minority, Foreign:
		return true
	case Move:
		return p.Draw>>63 == 0
	}
	return false
}

// firstAfter is the time without faults at the start, which shows what is usual. lastBefore
// is the time without new faults at the end, so that the last one is mended under load.
const (
	firstAfter = 3 * time.Second
	lastBefore = 5 * time.Second
)

// Schedule plans the faults of a run, one at each interval of every. The kinds are drawn
// from a bag that holds each kind as often as its weight says. An empty bag is filled again.
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
