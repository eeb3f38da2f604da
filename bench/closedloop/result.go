package closedloop

import (
	"cmp"
	"slices"
	"time"
)

// Result is what a load measured.
type Result struct {
	// Acknowledged ballots were answered as counted or replayed, InWindow of them
	// before the window closed; the rest had been sent before it closed.
	Acknowledged, InWindow uint64
	// Replayed are those that had been counted before: the node submitted them again, or
	// Again sent them again.
	Replayed uint64
	// Refused ballots had another answer. Unknown ones had none: the connection
	// broke, and it was not used any further.
	Refused, Unknown uint64
	// Problem describes the first that was refused or unknown.
	Problem string
	// Window is the time measured.
	Window time.Duration

	samples []sample // sorted by latency once the load is over
}

// sample is one single request.
type sample struct {
	sent   int64 // Unix time in microseconds
	micros uint32
}

// Interval is a stretch of time.
type Interval struct{ From, To time.Time }

// PerSecond is the rate of the acknowledged ballots in the window.
func (r *Result) PerSecond() float64 {
	if r.Window <= 0 {
		return 0
	}
	return float64(r.InWindow) / r.Window.Seconds()
}

// Quantile returns the latency below which a share q, 0 to 1, of the single
// requests lie; 0 where there were none.
func (r *Result) Quantile(q float64) time.Duration { return quantile(r.samples, q) }

func quantile(sorted []sample, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return time.Duration(sorted[i].micros) * time.Microsecond
}

// QuantileSplit returns the same of the requests that were under way in any of the
// stretches of time, and of the others, and how many each are.
func (r *Result) QuantileSplit(q float64, stretches []Interval) (within, outside time.Duration, withinN, outsideN int) {
	var in, out []sample
	for _, s := range r.samples {
		end := s.sent + int64(s.micros)
		if slices.ContainsFunc(stretches, func(i Interval) bool {
			return s.sent < i.To.UnixMicro() && end > i.From.UnixMicro()
		}) {
			in = append(in, s)
		} else {
			out = append(out, s)
		}
	}
	return quantile(in, q), quantile(out, q), len(in), len(out)
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
	r.samples = append(r.samples, o.samples...)
}

// Join sums the results of loads that ran at the same time. The window is that of
// the longest.
func Join(results ...Result) Result {
	var sum Result
	for i := range results {
		sum.add(&results[i])
		sum.Window = max(sum.Window, results[i].Window)
	}
	slices.SortFunc(sum.samples, func(a, b sample) int { return cmp.Compare(a.micros, b.micros) })
	return sum
}

// answered is how many ballots are accounted for.
func (r *Result) answered() uint64 { return r.Acknowledged + r.Refused + r.Unknown }

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
