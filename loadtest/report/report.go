// Package report says what a run has shown: as JSON for machines, as lines for a
// terminal and as one HTML page that needs nothing else.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"voted/harness/ledger"
	"voted/loadtest/fault"
	"voted/loadtest/latency"
)

// Verdict is what a run has shown, in a word or two.
type Verdict string

// The verdicts.
const (
	Exact        Verdict = "EXACT"
	NotExact     Verdict = "NOT EXACT"
	Inconclusive Verdict = "INCONCLUSIVE"
)

// Report is everything that is known about a run. Its JSON is report.json.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Reasons say why the verdict is not EXACT; empty if it is.
	Reasons []string `json:"reasons,omitempty"`
	Seed    uint64   `json:"seed"`
	Ledger  Ledger   `json:"ledger"`
	Proofs  *Proofs  `json:"proofs,omitempty"` // nil: none were taken
	// Latency of the scheduled requests, from the time at which they were to be sent.
	Latency        Latency        `json:"latency_ms"`
	Rate           Rate           `json:"rate"`
	Hedges         Hedges         `json:"hedges"`
	Faults         []Fault        `json:"faults"`
	Unavailability Unavailability `json:"unavailability_ms"`
	Thresholds     []Threshold    `json:"thresholds,omitempty"`
	Errors         uint64         `json:"errors"`
	Requests       uint64         `json:"requests"`
	Setup          Setup          `json:"setup"`
	Findings       []string       `json:"findings,omitempty"` // the first of them

	Timeline []latency.Point `json:"-"`
	Leaders  []Reign         `json:"leaders"`
}

// Ledger holds the totals of the books.
type Ledger struct {
	Unique        uint64            `json:"unique"`
	Attempts      uint64            `json:"attempts"`
	Retries       uint64            `json:"retries"`
	Duplicates    uint64            `json:"duplicates"`
	ByKind        map[string]uint64 `json:"requests_by_kind"`
	Counted       uint64            `json:"counted"`
	CountedOf     map[string]uint64 `json:"counted_by_node"`
	Replayed      uint64            `json:"replayed"`
	Conflicts     uint64            `json:"conflicts"`
	Unknown       uint64            `json:"unknown"`
	Acknowledged  uint64            `json:"acknowledged"`
	Lost          uint64            `json:"lost"`
	DoubleCounted uint64            `json:"double_counted"`
	Balanced      bool              `json:"balanced"`
	TalliesEqual  bool              `json:"tallies_equal"`
	DigestsEqual  bool              `json:"digests_equal"`
	// Judged is false if the nodes were never read.
	Judged bool `json:"judged"`
	// Violations counts what was found, by kind of fault.
	Violations map[ledger.Fault]uint64 `json:"violations,omitempty"`
}

// Proofs are of a sample of the ballots. Each was checked, with the members' keys.
type Proofs struct {
	Sampled int `json:"sampled"`
	During  int `json:"during"` // good ones that were taken during the load
	After   int `json:"after"`  // good ones that were taken when all was over
	// How many milliseconds after the answer proofs were there, during the load.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Latency are percentiles in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Rate is requests a second.
type Rate struct {
	Offered  float64 `json:"offered"`  // scheduled
	Achieved float64 `json:"achieved"` // of these answered, over the time of the load
	Total    float64 `json:"total"`    // with duplicates that followed an answer
	Dropped  uint64  `json:"dropped"`  // scheduled and never sent
	Late     uint64  `json:"late"`     // handed over late by the generator itself
	Waited   uint64  `json:"waited"`   // sent late, mostly because no connection was free
	Skipped  uint64  `json:"skipped"`  // duplicates left out
}

// Hedges counts the requests that the client sent to a second node because the first was
// slow, from the first poll to the last ballot.
type Hedges struct {
	Sent   uint64 `json:"sent"`
	Won    uint64 `json:"won"`    // of these, answered by the second node
	Denied uint64 `json:"denied"` // not sent: the client's budget was spent
}

// Fault is a fault and what it cost.
type Fault struct {
	Kind          fault.Kind  `json:"kind"`
	Target        string      `json:"target"`
	Detail        string      `json:"detail,omitempty"`
	AtMS          float64     `json:"at_ms"`
	HealedMS      float64     `json:"healed_ms"`
	SteadyMS      float64     `json:"steady_ms"`
	ElectedMS     float64     `json:"elected_after_ms,omitempty"`
	CommittedMS   float64     `json:"first_commit_after_ms,omitempty"`
	UnavailableMS float64     `json:"unavailable_ms"`
	Errors        int         `json:"errors"`
	Failed        string      `json:"failed,omitempty"`
	Event         fault.Event `json:"-"`
}

// Unavailability is the distribution over all faults that were measured, in milliseconds.
type Unavailability struct {
	Median float64               `json:"median"`
	Max    float64               `json:"max"`
	ByKind map[fault.Kind]Spread `json:"by_kind"`
	// Outside is the longest time without an acknowledgement while no fault was
	// under way, OutsideAt when it began.
	Outside   float64 `json:"outside_faults"`
	OutsideAt float64 `json:"outside_faults_at"`
}

// Spread is a distribution in milliseconds.
type Spread struct {
	Count  int     `json:"count"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// Threshold is a limit and whether it held.
type Threshold struct {
	Threshold string `json:"threshold"`
	Value     string `json:"value"`
	Held      bool   `json:"held"`
}

// Reign is a stretch of time in which one node led.
type Reign struct {
	Leader string  `json:"leader"` // empty: none was known
	FromMS float64 `json:"from_ms"`
	ToMS   float64 `json:"to_ms"`
}

// Setup is what is needed to run it again.
type Setup struct {
	Command     string    `json:"command"`
	Started     time.Time `json:"started"`
	Load        float64   `json:"load_seconds"`
	Nodes       int       `json:"nodes"`
	TLS         bool      `json:"tls"` // of the nodes that were asked
	Version     string    `json:"version"`
	Go          string    `json:"go"`
	System      string    `json:"system"`
	CPUs        int       `json:"cpus"`
	Mode        string    `json:"mode"`
	Polls       int       `json:"polls"`
	Connections int       `json:"connections"`
	Rate        float64   `json:"rate"`
	Partitions  string    `json:"partitions"` // how members were cut off from each other
	Kept        string    `json:"kept,omitempty"`
}

// Milliseconds returns a duration as JSON has it, to the microsecond.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// FaultsOf returns measured faults in the units of the report.
func FaultsOf(events []fault.Event) []Fault {
	all := make([]Fault, 0, len(events))
	for _, e := range events {
		f := Fault{
			Kind: e.Kind, Target: e.Target, Detail: e.Detail, AtMS: Milliseconds(e.At), HealedMS: Milliseconds(e.Healed),
			SteadyMS: Milliseconds(e.Steady), UnavailableMS: Milliseconds(e.Unavailable), Errors: e.Errors, Failed: e.Failed, Event: e,
		}
		if e.Elected > 0 {
			f.ElectedMS = Milliseconds(e.Elected - e.At)
		}
		if e.Committed > 0 {
			f.CommittedMS = Milliseconds(e.Committed - e.At)
		}
		all = append(all, f)
	}
	return all
}

// UnavailabilityOf sums up faults that are over.
func UnavailabilityOf(faults []Fault) Unavailability {
	by := map[fault.Kind][]float64{}
	var all []float64
	for _, f := range faults {
		if f.SteadyMS > 0 {
			by[f.Kind] = append(by[f.Kind], f.UnavailableMS)
			all = append(all, f.UnavailableMS)
		}
	}
	total := spread(all)
	u := Unavailability{Median: total.Median, Max: total.Max, ByKind: map[fault.Kind]Spread{}}
	for k, values := range by {
		u.ByKind[k] = spread(values)
	}
	return u
}

// spread returns the distribution of values.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	n := len(v)
	return Spread{Count: n, Min: v[0], Median: (v[(n-1)/2] + v[n/2]) / 2, Max: v[n-1]}
}

// WriteJSON writes report.json.
func (r *Report) WriteJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	return nil
}

// ReadJSON reads report.json.
func ReadJSON(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the report cannot be read: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s is not a report: %w", path, err)
	}
	return &r, nil
}
