package hooks

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"voted/bench/machine"
)

// Report is the result of a measurement.
type Report struct {
	Machine machine.Description `json:"machine"`
	Hanging int                 `json:"receivers_that_hang"`
	Healthy int                 `json:"receivers_that_are_well"`
	Rate    int                 `json:"events_a_second"`
	Events  int                 `json:"events"`
	// First and Later are how long receivers that are well waited for an event, from the
	// answer to what made it: of the first second, when all are called at once, and after it.
	First Waits  `json:"first_second_ms"`
	Later Waits  `json:"later_ms"`
	Calls int    `json:"calls_of_those_that_hang"`
	Idle  uint64 `json:"idle_bytes"` // anonymous memory of the leader before the first event
	Peak  uint64 `json:"peak_bytes"` // and at most
	// Repeated are events that came again, Wrong those that came after a later one. Terms is how
	// many elections there were: the next leader may repeat what the one before sent last.
	Repeated int    `json:"repeated"`
	Wrong    int    `json:"wrong"`
	Terms    uint64 `json:"elections"`
	Exact    bool   `json:"exact"`
}

// Waits is a distribution in milliseconds.
type Waits struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

func waitsOf(all []time.Duration) Waits {
	if len(all) == 0 {
		return Waits{}
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[min(len(all)-1, int(share*float64(len(all))))].Microseconds()) / 1000
	}
	return Waits{len(all), at(0.5), at(0.99), at(1)}
}

// WriteTable prints the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\n\n%d receivers hang and %d are well, under TLS; %d events, %d a second\n\n", r.Machine, r.Hanging, r.Healthy, r.Events, r.Rate)
	fmt.Fprintf(t, "those that are well waited\tdeliveries\tp50 ms\tp99 ms\tmost ms\n")
	for _, w := range []struct {
		name string
		Waits
	}{{"in the first second", r.First}, {"after it", r.Later}} {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%.0f\n", w.name, w.Samples, w.P50, w.P99, w.Max)
	}
	fmt.Fprintf(t, "\nthose that hang were called\t%d times\n", r.Calls)
	fmt.Fprintf(t, "memory of the leader\t%d MiB idle\t%d MiB at most\n\n", r.Idle>>20, r.Peak>>20)
	fmt.Fprintln(t, r.verdict())
	return t.Flush()
}

func (r *Report) verdict() string {
	switch {
	case !r.Exact:
		return fmt.Sprintf("NOT EXACT: %d events came again, and %d after a later one; there were %d elections", r.Repeated, r.Wrong, r.Terms)
	case r.Terms > 0:
		return fmt.Sprintf("EXACT but for failovers: %d elections, after which %d events came again; those after them waited", r.Terms, r.Repeated)
	}
	return "EXACT: each of those that are well got each event once, in order"
}
