package prover_test

import (
	"testing"
	"time"
)

func TestProvingLeavesTheProcessorsToBulkBallotsAndIsDoneSoonAfter(t *testing.T) {
	bubble(t, 1, func(r *rig) {
		// given a member with two processors, on which proving all that comes would take most of one
		m := r.members["n1"]
		m.boxes.cost = time.Millisecond
		const ticks, tick, each = 300, 10 * time.Millisecond, 2000
		// when ballots come in bulk
		for i := range ticks {
			r.cast("p", upTo(each)...)
			if i == ticks/2 {
				m.boxes.busy.Store(0) // from here on it is known to be bulk
			}
			time.Sleep(tick)
		}
		// then proving takes a thirty-second of both, but goes on
		busy, most := time.Duration(m.boxes.busy.Load()), ticks/2*tick*2/32
		if busy > most+16*time.Millisecond || busy < most/2 { // a slice may have begun just before
			t.Errorf("proving took %v of a processor, and should take %v at most", busy, most)
		}
		// and after them it takes what it needs
		const work = ticks * each / 256 * time.Millisecond
		m.await("p", ticks*each, work+2*time.Second)
	})
}
