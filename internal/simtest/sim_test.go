package simtest

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeeds = flag.Int("sim.seeds", 0, "how many seeds to run; 0: a handful")
	simTime  = flag.Duration("sim.time", 0, "run one seed after the other for this long instead")
	simSeed  = flag.Uint64("sim.seed", 0, "the first seed; 0: 1, or by the clock with -sim.time")
	simLong  = flag.Duration("sim.length", 20*time.Second, "virtual time of one run, without healing and checks")
	simOut   = flag.String("sim.out", "", "where histories of failures are saved; empty: the system's directory for temporary files")
	simJSON  = flag.String("sim.report", "", "also write the report as JSON to this file")
	simFloor = flag.String("sim.floor", "", "run one seed after the other until there are this many failovers and acknowledged ballots, such as 20000,2000000; too few by -sim.within fail")
	simLimit = flag.Duration("sim.within", 15*time.Minute, "how long -sim.floor may take")
	simLog   = flag.Bool("sim.log", false, "show what the members log")
)

func TestEveryAcknowledgedBallotCountsOnceWhateverBreaks(t *testing.T) {
	seeds, first := 8, uint64(1)
	if testing.Short() {
		seeds = 2
	}
	if *simSeeds > 0 {
		seeds = *simSeeds
	}
	if *simSeed > 0 {
		first = *simSeed
	} else if *simTime > 0 {
		first = uint64(time.Now().UnixNano())
	}
	began := time.Now()
	var total Report
	for n := 0; ; n++ {
		if *simTime > 0 && time.Since(began) >= *simTime || *simTime == 0 && n >= seeds {
			break
		}
		seed := first + uint64(n)
		s := Random(seed, *simLong)
		if *simLog {
			s.Options = append(s.Options, Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
		}
		o := Play(t, s)
		total.Add(o.Report)
		if o.Leaked != "" {
			t.Logf("seed %d left goroutines behind:\n%s", seed, o.Leaked)
		}
		if len(o.Violations) > 0 {
			complain(t, s, seed, o)
			break
		}
	}
	t.Logf("in %v: %v", time.Since(began).Round(time.Millisecond), total)
	if *simJSON != "" {
		report, err := json.MarshalIndent(total, "", "  ")
		if err == nil {
			err = os.WriteFile(*simJSON, report, 0o600)
		}
		if err != nil {
			t.Errorf("the report cannot be written: %v", err)
		}
	}
}

func TestLosingTheLeaderLosesNoBallot(t *testing.T) {
	for name, fault := range map[string]Fault{
		"the leader is cut off": IsolateLeader(3 * time.Second),
		"the leader is killed":  CrashLeader(2 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(Members(5), Seed(7))
				defer c.Close()
				c.Run(Standard(5*time.Second), fault)
				c.Heal()
				c.WaitConverged()
				c.CheckExactlyOnce()
				c.CheckLinearizable()
				c.CheckDigestsEqual()
				c.CheckEvents()
				c.Require(t)
				if c.reader.after() == 0 {
					t.Error("no event was read")
				}
			})
		})
	}
}

// complain saves a failing history, tries to find a smaller one, and logs where both
// are.
func complain(t *testing.T, s Scenario, seed uint64, o Outcome) {
	t.Helper()
	file, err := o.Cluster.Save(*simOut)
	t.Errorf("seed %d, %d faults: %d violations; history in %s (%v)", seed, len(s.Faults), len(o.Violations), file, err)
	for _, v := range o.Violations[:min(8, len(o.Violations))] {
		t.Errorf("  %s", v)
	}
	if smaller, again := Shrink(t, s, o); len(smaller.Faults) < len(s.Faults) {
		file, err := again.Cluster.Save(*simOut)
		t.Errorf("with %d faults (%+v) it still fails: %s; history in %s (%v)", len(smaller.Faults), smaller.Faults, again.Violations[0], file, err)
	}
}
