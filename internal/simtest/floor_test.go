package simtest

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// randomShare is the part of the runs under a floor that are Random, as one in so many:
// those cost more and have fewer losses of the leader.
const randomShare = 12

// What a run under a floor must reach; make sim-floor sets it.
func TestTheFloorsOfTheSimulationAreReached(t *testing.T) {
	if *simFloor == "" {
		t.Skip("only with -sim.floor: make sim-floor")
	}
	var failovers, acknowledged int
	if n, err := fmt.Sscanf(*simFloor, "%d,%d", &failovers, &acknowledged); n != 2 || err != nil {
		t.Fatalf("-sim.floor is the failovers and the acknowledged ballots, such as 20000,2000000, not %q", *simFloor)
	}
	seed := *simSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("the first seed is %d", seed)
	began := time.Now()
	var mu sync.Mutex
	var total Report
	var broken []string // a line for each run with violations; guarded by mu
	var number atomic.Uint64
	reached := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return total.Failovers >= failovers && total.Acknowledged >= acknowledged
	}
	t.Run("runs", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
				t.Parallel()
				for !reached() && time.Since(began) < *simLimit && !t.Failed() {
					n := number.Add(1) - 1
					s := Dense(seed+n, *simLong)
					if n%randomShare == 0 {
						s = Random(seed+n, *simLong)
					}
					o := Play(t, s)
					mu.Lock()
					total.Add(o.Report)
					if len(o.Violations) > 0 {
						broken = append(broken, fmt.Sprintf("seed %d: %s", seed+n, o.Violations[0]))
					}
					mu.Unlock()
					if len(o.Violations) > 0 {
						complain(t, s, seed+n, o)
					}
				}
			})
		}
	})
	t.Logf("in %v: %v", time.Since(began).Round(time.Second), total)
	for _, run := range broken { // last, where a log that was cut short still shows it
		t.Errorf("%s", run)
	}
	if *simJSON != "" {
		report, err := json.MarshalIndent(total, "", "  ")
		if err == nil {
			err = os.WriteFile(*simJSON, report, 0o600)
		}
		if err != nil {
			t.Errorf("the report cannot be written: %v", err)
		}
	}
	if total.Runs >= 100 && total.Heads == 0 {
		t.Errorf("no head was signed in %d runs, of which about %d should have members that sign", total.Runs, total.Runs/8)
	}
	if !t.Failed() && !reached() {
		t.Errorf("%d of %d failovers and %d of %d acknowledged ballots within %v: below the floor", total.Failovers, failovers, total.Acknowledged, acknowledged, *simLimit)
	}
}
