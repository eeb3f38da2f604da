package simtest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Scenario is one whole run: a cluster, a workload, faults, and all checks.
type Scenario struct {
	Options  []Option
	Workload Workload
	Faults   []Fault
	// Clocks also checks that one wrong clock never closes a poll early.
	Clocks bool
}

// Outcome is the result of a scenario.
type Outcome struct {
	Violations []string
	Report     Report
	Cluster    *Cluster // closed; its history can be saved
	// Leaked are the stacks of goroutines that did not leave the bubble, if any.
	Leaked string
}

// leaked returns the stacks of all goroutines that wait in a bubble forever.
func leaked() string {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for each := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(each, "synctest bubble") {
			left = append(left, each)
		}
	}
	return strings.Join(left, "\n\n")
}

// Play runs a scenario in a bubble of its own.
func Play(t *testing.T, s Scenario) (out Outcome) {
	t.Helper()
	finished := false
	defer func() {
		// raft may keep a goroutine that waits for a future that raft forgot (#498).
		// Everything is checked and closed by then, so the run counts, and so does the
		// leak.
		p := recover()
		if p == nil {
			return
		}
		if !finished || !strings.Contains(fmt.Sprint(p), "blocked goroutines remain") {
			panic(p)
		}
		out.Report.Leaks++
		out.Leaked = leaked()
	}()
	synctest.Test(t, func(*testing.T) {
		c := New(s.Options...)
		c.Run(s.Workload, s.Faults...)
		c.Heal()
		c.WaitConverged()
		c.CheckAddresses()
		c.CheckDigestsEqual()
		c.CheckExactlyOnce()
		c.CheckLinearizable()
		c.CheckHeads()
		c.CheckEvents()
		c.CheckWebhooks()
		if s.Clocks {
			c.CheckClocks()
		}
		c.Close()
		out = Outcome{Violations: c.Violations(), Report: c.Report(), Cluster: c}
		finished = true
	})
	return out
}

// Random is the scenario of a seed: three members or five, and faults of every kind.
func Random(seed uint64, length time.Duration) Scenario {
	draw := newDice(seed, "scenario")
	members := 3
	if draw.chance(0.35) {
		members = 5
	}
	every := 400*time.Millisecond + draw.between(0, 2500*time.Millisecond)
	faults := Schedule(seed, length, every)
	if draw.chance(0.3) {
		faults = Failovers(seed, length)
	}
	return Scenario{
		Options:  append(maybeProvers(seed, 0.5), Members(members), Seed(seed), SnapshotEvery(uint64(40+draw.n(400)), kept(draw)), Rehearsed()),
		Workload: Standard(length),
		Faults:   faults,
	}
}

// maybeProvers has the members of some seeds sign heads: all of them would cost half as much time
// again. It has dice of its own, so that a seed stays what it was otherwise.
func maybeProvers(seed uint64, share float64) []Option {
	if newDice(seed, "provers").chance(share) {
		return []Option{Provers()}
	}
	return nil
}

// kept draws how many entries stay before a snapshot: often hardly any, so that a
// member that was away, or whose log differs, needs the snapshot.
func kept(draw *dice) uint64 {
	if draw.chance(0.5) {
		return uint64(1 + draw.n(4))
	}
	return uint64(1 + draw.n(40))
}

// Dense is a scenario of what matters most here: one loss of the leader after another,
// while many ballots are under way in few calls. It is the cheapest way to many
// failovers; Random finds what was not thought of.
func Dense(seed uint64, length time.Duration) Scenario {
	draw := newDice(seed, "dense")
	members := 3
	if draw.chance(0.2) {
		members = 5
	}
	return Scenario{
		Options:  append(maybeProvers(seed, 0.1), Members(members), Seed(seed), SnapshotEvery(uint64(40+draw.n(200)), kept(draw))),
		Workload: Workload{For: length, Clients: 4, Think: 120 * time.Millisecond, Bulk: 240},
		Faults:   Losses(seed, length),
	}
}

// shrinkRounds bounds how often a failing scenario is run again: each run costs as much
// as the first.
const shrinkRounds = 12

// Shrink looks for fewer faults with which the scenario still fails. raft is not
// deterministic, so this finds a smaller schedule, not the smallest.
func Shrink(t *testing.T, s Scenario, failing Outcome) (Scenario, Outcome) {
	t.Helper()
	size := (len(s.Faults) + 1) / 2
	for round := 0; round < shrinkRounds && size > 0; {
		smaller := false
		for at := 0; at < len(s.Faults) && round < shrinkRounds; at += size {
			round++
			try := s
			try.Faults = slices.Delete(slices.Clone(s.Faults), at, min(at+size, len(s.Faults)))
			if o := Play(t, try); len(o.Violations) > 0 {
				s, failing, smaller = try, o, true
				break
			}
		}
		if !smaller {
			size /= 2
		}
	}
	return s, failing
}
