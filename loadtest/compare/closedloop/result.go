package closedloop

import (
	"slices"
	"time"
)

// Result is what came of a load.
type Result struct {
	// Acknowledged ballots were answered as counted or replayed, InWindow of them
	// before the window closed; the rest had been sent before it closed.
	Acknowledged, InWindow uint64
	// Replayed are those that a node had submitted again by itself.
	Replayed uint64
	// Refused ballots had another answer. Unknown ones had none: the connection
	// broke, and it was not used any further.
	Refused, Unknown uint64
	// Problem describes the first that was refused or unknown.
	Problem string
	// Window is the time measured.
	Window time.Duration

	latencies []uint32 // microseconds; sorted once the load is over
}

// PerSecond is the rate of the acknowledged ballots in the window.
func (r *Result) PerSecond() float64 {
	if r.Window <= 0 {
		return 0
	}
	return float64(r.InWindow) / r.Window.Seconds()
}

// Quantile returns the latency below which a share q, 0 to 1, of the single
// requests lie; 0 where there were none.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	i := min(int(q*float64(len(r.latencies))), len(r.latencies)-1)
	return time.Duration(r.latencies[i]) * time.Microsecond
}

func (r *Result) add(o *Result) {
	r.Acknowledged += o.Acknowledged
	r.InWindow += o.InWindow
	r.Replayed += o.Replayed
	r.Refused += o.Refused
	r.Unknown += o.Unknown
	if r.Problem == "" {
		r.Problem = o.Problem
	}
	r.latencies = append(r.latencies, o.latencies...)
}

// Join sums the results of loads that ran at the same time, in windows of about
// one length.
func Join(results ...Result) Result {
	var sum Result
	for i := range results {
		sum.add(&results[i])
		sum.Window = max(sum.Window, results[i].Window)
	}
	slices.Sort(sum.latencies)
	return sum
}

// noteRefusal counts an answer that is not the one asked for.
func (r *Result) noteRefusal(problem string) {
	r.Refused++
	if r.Problem == "" {
		r.Problem = problem
	}
}

// noteUnknown counts n ballots that were sent and not answered.
func (r *Result) noteUnknown(n uint64, err error) {
	r.Unknown += n
	if r.Problem == "" {
		r.Problem = err.Error()
	}
}
