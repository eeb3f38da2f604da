package simtest

import (
	"bytes"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/prover"
	"voted/internal/prover/provertest"
)

// altered is a box in which one leaf is another one.
func altered(b prover.Box) prover.Box {
	const leaf = 1
	honest := b.Leaves
	b.Leaves = func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			n := from
			for e := range honest(from, to) {
				if n == leaf {
					e = bytes.Clone(e)
					e[len(e)-1] ^= 1
				}
				if n++; !yield(e) {
					return
				}
			}
		}
	}
	return b
}

func proving(seed uint64, options ...Option) Scenario {
	w := Standard(6 * time.Second)
	w.Think = 20 * time.Millisecond
	return Scenario{Options: append([]Option{Seed(seed), Provers()}, options...), Workload: w}
}

func TestNoTwoHeadsOfALogExcludeEachOtherWhateverBreaks(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	if *simSeeds > 0 {
		seeds = uint64(*simSeeds)
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		s := proving(seed)
		s.Faults = Failovers(seed, s.Workload.For)
		if *simSeeds > 0 {
			s = Random(seed, *simLong)
			s.Options = append(s.Options, Provers())
		}
		if o := Play(t, s); len(o.Violations) > 0 {
			complain(t, s, seed, o)
			return
		}
	}
}

// What one member of three does wrong holds up no head and makes no false one.
func TestOneMemberOfThreeMayLieOrForgetWhatItSigned(t *testing.T) {
	crashes := []Fault{
		{Kind: FaultCrash, At: 1500 * time.Millisecond, For: 500 * time.Millisecond, Who: 1},
		{Kind: FaultCrash, At: 3500 * time.Millisecond, For: 500 * time.Millisecond, Who: 1},
	}
	forgets := func(c *Cluster) {
		c.settings.markBug = func(member string, d *provertest.Disk) *provertest.Disk {
			if member == "n2" {
				return provertest.NewDisk()
			}
			return d
		}
	}
	lies := func(c *Cluster) {
		c.settings.leafBug = func(member string, b prover.Box) prover.Box {
			if member == "n2" {
				return altered(b)
			}
			return b
		}
	}
	for name, wrong := range map[string][]Option{
		"its leaves are altered":                    {lies},
		"its disk is set back":                      {forgets},
		"its disk is set back and leaves are other": {forgets, lies},
	} {
		t.Run(name, func(t *testing.T) {
			s := proving(1, wrong...)
			s.Faults = crashes
			o := Play(t, s)
			for _, v := range o.Violations {
				// Of its own marks a liar may say what it likes.
				if !strings.Contains(v, "n2's mark") {
					t.Error(v)
				}
			}
		})
	}
}

// Each bug is planted in what provers see or keep, and must be found from outside.
func TestBugsPlantedInProversAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("three clusters; the long tests run them")
	}
	majorityLies := func(c *Cluster) {
		c.settings.leafBug = func(member string, b prover.Box) prover.Box {
			if member != "n3" {
				return altered(b)
			}
			return b
		}
	}
	// All machines go back to a copy of before, where other ballots were cast then: nothing
	// inside can notice, whoever keeps heads does.
	allSetBack := func(c *Cluster) {
		var mu sync.Mutex
		starts := map[string]int{}
		c.settings.markBug = func(member string, _ *provertest.Disk) *provertest.Disk {
			mu.Lock()
			defer mu.Unlock()
			starts[member]++
			return provertest.NewDisk()
		}
		c.settings.leafBug = func(member string, b prover.Box) prover.Box {
			mu.Lock()
			defer mu.Unlock()
			if starts[member] > 1 {
				return altered(b)
			}
			return b
		}
	}
	lastLeafLost := func(c *Cluster) {
		c.settings.leafBug = func(_ string, b prover.Box) prover.Box {
			if b.Size > 1 {
				b.Size, b.Closed = b.Size-1, false
			}
			return b
		}
	}
	for _, bug := range []struct {
		name   string
		shows  string
		plant  Option
		faults []Fault
	}{
		{"a majority signs altered leaves", "O10", majorityLies, nil},
		{"all machines are set back together", "exclude each other", allSetBack, []Fault{{Kind: FaultCrashAll, At: 3 * time.Second, For: 500 * time.Millisecond}}},
		{"the newest ballot of each poll is never signed", "O11", lastLeafLost, nil},
	} {
		t.Run(bug.name, func(t *testing.T) {
			for seed := uint64(1); seed <= 6; seed++ {
				s := proving(seed, bug.plant)
				s.Faults = bug.faults
				o := Play(t, s)
				for _, v := range o.Violations {
					if strings.Contains(v, bug.shows) {
						t.Logf("found with seed %d, %d violations: %.200s", seed, len(o.Violations), v)
						return
					}
				}
			}
			t.Error("it was not found")
		})
	}
}
