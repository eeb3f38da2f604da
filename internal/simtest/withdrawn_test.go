package simtest

import (
	"testing"
	"time"
)

// What a client is told is not counted must not be, also where the member that tells
// it has tried more than once: the answer to the first attempt was lost, the second
// met a member that leads no more, and then the client's time was up.
func TestABallotCalledUnavailableIsNeverCounted(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		faults := append(Failovers(seed, 20*time.Second), Fault{Kind: FaultStorm, At: 100 * time.Millisecond, For: 20 * time.Second})
		s := Scenario{Options: []Option{Seed(seed)}, Workload: Standard(20 * time.Second), Faults: faults}
		o := Play(t, s)
		if len(o.Violations) > 0 {
			complain(t, s, seed, o)
			return
		}
		t.Logf("%v", o.Report)
	}
}
