package scale

import (
	"slices"
	"time"

	"voted/bench/closedloop"
	"voted/bench/machine"
)

// Report is the result of a measurement.
type Report struct {
	Machine machine.Description `json:"machine"`
	Polls   uint64              `json:"polls"`
	Voters  uint64              `json:"voters_a_poll"`
	Empty   []Node              `json:"empty"` // the nodes before anything was done
	Steps   []Step              `json:"steps"`
	// Bulk is the filling as a whole.
	Bulk Bulk `json:"bulk"`
	// AtRest are the nodes once they have nothing to do.
	AtRest []Node `json:"at_rest"`
	// BytesABallot is the anonymous memory at rest, above that of empty nodes, by
	// ballot: of the node that takes most.
	BytesABallot float64 `json:"bytes_a_ballot,omitempty"`
	// BytesAPoll is the same of polls without ballots.
	BytesAPoll float64 `json:"bytes_an_empty_poll,omitempty"`
	Singles    Singles `json:"single_ballots"`
	// Results is how long the tally takes to read.
	Results  Reading   `json:"results"`
	Listing  *Reading  `json:"listing,omitempty"`
	Snapshot Snapshots `json:"snapshots"`
	Restarts []Restart `json:"restarts"`
	Proofs   *Proofs   `json:"proofs,omitempty"` // nil without --proofs
	Final    Final     `json:"final"`
}

// Node is what one node takes.
type Node struct {
	ID        string `json:"id"`
	Anonymous uint64 `json:"anonymous_bytes"` // RssAnon
	Disk      uint64 `json:"disk_bytes"`
}

// Step is one stretch of bulk work.
type Step struct {
	What   string  `json:"what"`  // ballots, or polls created
	Total  uint64  `json:"total"` // of them, so far
	Rate   float64 `json:"per_second"`
	Nodes  []Node  `json:"nodes"`
	PerOne float64 `json:"anonymous_bytes_each"` // so far, of the node that takes most; garbage included
}

// Bulk is what casting all ballots in bulk came to.
type Bulk struct {
	Ballots uint64 `json:"ballots"`
	// Rate is the mean over all of them; Slowest and Fastest are steps.
	Rate    float64 `json:"per_second"`
	Slowest float64 `json:"slowest_step_per_second"`
	Fastest float64 `json:"fastest_step_per_second"`
	// Written is how many bytes went to the disk meanwhile, for each ballot and node:
	// snapshots and what other programs wrote count.
	Written float64 `json:"written_bytes_a_ballot"`
	// Snapshots is how many were completed meanwhile, on all nodes.
	Snapshots int `json:"snapshots"`

	seconds float64
}

// add enters a step.
func (b *Bulk) add(ballots uint64, seconds float64) {
	b.seconds += seconds
	b.Ballots += ballots
	b.Rate = ratio(float64(b.Ballots), b.seconds)
	rate := ratio(float64(ballots), seconds)
	if b.Slowest == 0 || rate < b.Slowest {
		b.Slowest = rate
	}
	b.Fastest = max(b.Fastest, rate)
}

// Single is one phase of single ballots.
type Single struct {
	Rate float64 `json:"per_second"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
}

// Singles compares single ballots at the beginning and at full size.
type Singles struct {
	Empty     Single  `json:"empty"`
	Full      Single  `json:"full"`
	RateRatio float64 `json:"per_second_ratio"` // full over empty
	P99Ratio  float64 `json:"p99_ratio"`
	// OnePoll is, where there are many polls, the load on one of them.
	OnePoll      *Single `json:"one_poll,omitempty"`
	OnePollRatio float64 `json:"many_over_one_poll,omitempty"`
}

// Reading is how long something takes to read.
type Reading struct {
	Median float64 `json:"median_ms"`
	Max    float64 `json:"max_ms"`
	// Stale is the median without asking the leader.
	Stale float64 `json:"stale_median_ms,omitempty"`
}

// Snapshots is what snapshots take, and how they slow requests.
type Snapshots struct {
	Seen    int     `json:"seen"` // on all nodes
	Median  float64 `json:"median_seconds"`
	Max     float64 `json:"max_seconds"`
	Bytes   uint64  `json:"bytes"`
	During  Latency `json:"during"`
	Without Latency `json:"without"`
	// P99Ratio is during over without; 0 where one of them has no requests.
	P99Ratio float64 `json:"p99_ratio"`
	// DiskBefore and DiskAfter are those of the largest node: snapshots let old
	// log entries go.
	DiskBefore uint64 `json:"disk_bytes_before"`
	DiskAfter  uint64 `json:"disk_bytes_after"`
}

// Latency is the latency of some requests.
type Latency struct {
	Requests int     `json:"requests"`
	P99      float64 `json:"p99_ms"`
}

// Restart is one return of a node.
type Restart struct {
	Node  string  `json:"node"`
	How   string  `json:"how"`
	Ready float64 `json:"ready_seconds"`     // from the start of the process
	Equal float64 `json:"caught_up_seconds"` // until it has applied what the leader had then
	// Missed ballots were acknowledged while it was away; Served is the rate of
	// the cluster while it caught up.
	Missed uint64  `json:"missed_ballots,omitempty"`
	Served float64 `json:"served_per_second,omitempty"`
	Before float64 `json:"served_before_per_second,omitempty"`
}

// Final is what was counted in the end.
type Final struct {
	Acknowledged uint64 `json:"acknowledged"`
	Replayed     uint64 `json:"replayed"`
	Unknown      uint64 `json:"unknown"`
	Refused      uint64 `json:"refused"`
	Problem      string `json:"problem,omitempty"`
	Tallied      uint64 `json:"tallied"`
	Digest       string `json:"digest"`
	Index        uint64 `json:"index"`
	DigestsEqual bool   `json:"digests_equal"`
	Exact        bool   `json:"exact"`
}

func single(r closedloop.Result) Single {
	return Single{Rate: r.PerSecond(), P50: millis(r.Quantile(0.50)), P99: millis(r.Quantile(0.99))}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// largest returns the largest value of all nodes.
func largest(all []Node, of func(Node) uint64) uint64 {
	var most uint64
	for _, n := range all {
		most = max(most, of(n))
	}
	return most
}

// growthEach returns by how many bytes the anonymous memory of a node has grown for each of
// n things. It is that of the node that has grown most.
func growthEach(before, after []Node, n uint64) float64 {
	if n == 0 {
		return 0
	}
	var most float64
	for i := range after {
		most = max(most, (float64(after[i].Anonymous)-float64(before[i].Anonymous))/float64(n))
	}
	return most
}

// readiness summarises how many seconds nodes took from their start to ready. There is at
// least one restart.
func readiness(all []Restart) (median, fastest, slowest float64) {
	seconds := make([]float64, len(all))
	for i, r := range all {
		seconds[i] = r.Ready
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2], seconds[0], seconds[len(seconds)-1]
}

func anonymous(n Node) uint64 { return n.Anonymous }
func disk(n Node) uint64      { return n.Disk }
