package simtest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// dice is a seeded source of random numbers that goroutines share.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand // guarded by mu
}

func newDice(seed uint64, of string) *dice {
	stream := uint64(14695981039346656037) // FNV-1a: each part of the simulation has a stream of its own
	for i := range len(of) {
		stream = (stream ^ uint64(of[i])) * 1099511628211
	}
	return &dice{rng: rand.New(rand.NewPCG(seed, stream))}
}

// n draws a number below n.
func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool {
	if p <= 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64() < p
}

// between draws a duration; short ones are more likely than long ones.
func (d *dice) between(lo, hi time.Duration) time.Duration {
	d.mu.Lock()
	f := d.rng.Float64()
	d.mu.Unlock()
	return lo + time.Duration(f*f*f*float64(hi-lo))
}
