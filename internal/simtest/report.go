package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Report counts what happened in runs.
type Report struct {
	Runs          int            `json:"runs"`
	Faults        map[string]int `json:"faults"` // by kind
	Failovers     int            `json:"failovers"`
	Acknowledged  int            `json:"acknowledged"` // ballots, each once
	Replays       int            `json:"replays"`
	Attempts      int            `json:"attempts"`
	Unknown       int            `json:"unknown"`
	Unavailable   int            `json:"unavailable"`
	Reads         int            `json:"reads"`
	Snapshots     int            `json:"snapshots"` // installed on members that were behind
	Duplicated    int            `json:"duplicated_calls"`
	Late          int            `json:"late_calls"`
	Broken        int            `json:"broken_exchanges"`
	Requests      int            `json:"http_requests"` // served by the API's handlers
	Proving       int            `json:"proving_runs"`  // in which members sign heads
	Heads         int            `json:"heads"`         // that were signed in these, each once
	Virtual       time.Duration  `json:"virtual_ns"`
	SlowestResume time.Duration  `json:"slowest_resume_ns"`
	Leaks         int            `json:"forgotten_futures"` // bubbles with a goroutine of raft left over, see #498
}

// Add adds another report.
func (r *Report) Add(o Report) {
	if r.Faults == nil {
		r.Faults = map[string]int{}
	}
	for kind, n := range o.Faults {
		r.Faults[kind] += n
	}
	r.Runs += o.Runs
	r.Failovers += o.Failovers
	r.Acknowledged += o.Acknowledged
	r.Replays += o.Replays
	r.Attempts += o.Attempts
	r.Unknown += o.Unknown
	r.Unavailable += o.Unavailable
	r.Reads += o.Reads
	r.Snapshots += o.Snapshots
	r.Duplicated += o.Duplicated
	r.Late += o.Late
	r.Broken += o.Broken
	r.Requests += o.Requests
	r.Proving += o.Proving
	r.Heads += o.Heads
	r.Virtual += o.Virtual
	r.SlowestResume = max(r.SlowestResume, o.SlowestResume)
	r.Leaks += o.Leaks
}

// String returns the report as text.
func (r Report) String() string {
	var b strings.Builder
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(r.Faults)) {
		total += r.Faults[kind]
		fmt.Fprintf(&b, "\n  %-18s %8d", kind, r.Faults[kind])
	}
	return fmt.Sprintf("%d runs, %v of virtual time, %d faults, %d failovers\n"+
		"%d ballots acknowledged in %d attempts: %d replayed, %d with an unknown outcome, %d unavailable; %d reads; %d requests over HTTP\n"+
		"%d calls duplicated, %d late, %d exchanges broken, %d snapshots installed; slowest resume after healing %v; %d bubbles left with a goroutine that raft forgot\n"+
		"%d heads signed in %d of the runs%s",
		r.Runs, r.Virtual.Round(time.Second), total, r.Failovers,
		r.Acknowledged, r.Attempts, r.Replays, r.Unknown, r.Unavailable, r.Reads, r.Requests,
		r.Duplicated, r.Late, r.Broken, r.Snapshots, r.SlowestResume.Round(time.Millisecond), r.Leaks, r.Heads, r.Proving, b.String())
}

// counts are what a run counts besides its history.
type counts struct {
	resume   atomic.Int64 // slowest, nanoseconds
	requests atomic.Int64 // that the API's handlers have served

	mu      sync.Mutex
	faults  map[string]int // guarded by mu
	elected int            // guarded by mu
}

func (c *counts) fault(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == nil {
		c.faults = map[string]int{}
	}
	c.faults[kind]++
}

// measure adds the metrics of a process.
func (c *counts) measure(from *prometheus.Registry) {
	families, err := from.Gather()
	if err != nil {
		return
	}
	for _, f := range families {
		if f.GetName() == "voted_leaderships_total" {
			c.mu.Lock()
			c.elected += int(f.GetMetric()[0].GetCounter().GetValue())
			c.mu.Unlock()
		}
	}
}

// Report returns the report of this run. It is complete after Close.
func (c *Cluster) Report() Report {
	r := Report{
		Runs: 1, Faults: map[string]int{}, Virtual: c.history.lasted(),
		Duplicated: int(c.net.duplicates.Load()), Late: int(c.net.late.Load()), Broken: int(c.net.lost.Load()),
		Requests:  int(c.counts.requests.Load()),
		Snapshots: int(c.net.installs.Load()), SlowestResume: time.Duration(c.counts.resume.Load()),
	}
	if c.settings.provers {
		r.Proving = 1
	}
	for _, heads := range c.promises.heads {
		r.Heads += len(heads)
	}
	c.counts.mu.Lock()
	defer c.counts.mu.Unlock()
	maps.Copy(r.Faults, c.counts.faults)
	r.Failovers = max(0, c.counts.elected-1)
	acknowledged := map[ballotKey]bool{}
	for _, o := range c.history.all() {
		if o.Kind != opCast {
			r.Reads++
			continue
		}
		r.Attempts++
		switch o.Outcome {
		case counted, replaced, replayed:
			acknowledged[ballotKey{o.Poll, o.Voter, o.Version}] = true
			if o.Outcome == replayed {
				r.Replays++
			}
		case unknown:
			r.Unknown++
		case unavailable:
			r.Unavailable++
		}
	}
	r.Acknowledged = len(acknowledged)
	return r
}

// ballotKey names one version of one voter's ballot.
type ballotKey struct {
	poll, voter string
	version     uint32
}
