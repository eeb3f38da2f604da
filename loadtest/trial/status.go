package trial

import (
	"time"

	"voted/loadtest/fault"
	"voted/loadtest/latency"
)

// Status is the state of the load.
type Status struct {
	Elapsed, Duration time.Duration
	// Rate, P50, P99 and Max are of the time since the last look.
	Rate          float64
	P50, P99, Max time.Duration
	Acknowledged  uint64 // ballots, by a commit
	Errors        uint64
	Waiting       int
	Leader        string
	Faults, Plan  int          // faults so far, and planned
	Kills         int          // of the faults so far, those that kill the leader
	UnderWay      *fault.Event // the fault that is not over
	Last          *fault.Event // the last one that is
	Violations    uint64       // found so far in the answers alone
}

// status looks at everything, and begins a new window for the rate.
func (t *Trial) status() Status {
	events := t.meter.Events()
	s := Status{
		Elapsed: time.Since(t.began), Duration: t.Duration, Waiting: t.driver.Statistics().Waiting,
		Leader: t.leaders.now(), Faults: len(events), Plan: len(t.planned), Kills: killed(events),
	}
	if e, open := t.meter.UnderWay(); open {
		s.UnderWay = &e
		events = events[:len(events)-1]
	}
	if n := len(events); n > 0 {
		s.Last = &events[n-1]
	}
	b := t.books
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Rate = float64(b.window.Count()) / max((s.Elapsed-t.last).Seconds(), 1e-3)
	s.P50, s.P99, s.Max = b.window.Quantile(.5), b.window.Quantile(.99), b.window.Max()
	s.Acknowledged, s.Errors, s.Violations = b.committed, b.loadErrors, b.ledger.Findings()
	b.window, t.last = latency.New(), s.Elapsed
	return s
}
