// Package threshold reads and checks the limits that a run is held to, such as
// p99<250ms.
package threshold

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Metric is what can be limited.
type Metric string

// The metrics. Latencies and unavailability are durations, rate is requests a
// second, errors a share of the requests (errors<1%) or their number (errors<=5).
const (
	P50            Metric = "p50"
	P90            Metric = "p90"
	P99            Metric = "p99"
	P999           Metric = "p999"
	Rate           Metric = "rate"
	Unavailability Metric = "unavailability"
	Errors         Metric = "errors"
)

// Threshold is one limit.
type Threshold struct {
	Metric  Metric
	Op      string // <, <=, >, >=
	Limit   float64
	Percent bool
	text    string
}

// Measured are the values that thresholds are checked against.
type Measured struct {
	P50, P90, P99, P999, Unavailability time.Duration
	// Faults is how many faults the unavailability was measured on; with none it
	// cannot be checked.
	Faults   int
	Rate     float64
	Requests uint64
	Errors   uint64
}

// String returns the threshold as it was written.
func (t Threshold) String() string { return t.text }

// Parse reads METRIC OP VALUE, without regard to spaces.
func Parse(s string) (Threshold, error) {
	t := Threshold{text: strings.TrimSpace(s)}
	i := strings.IndexAny(s, "<>")
	if i < 0 {
		return t, fmt.Errorf("threshold %q is not METRIC<VALUE, for example p99<250ms", s)
	}
	t.Metric, t.Op = Metric(strings.TrimSpace(s[:i])), s[i:i+1]
	value := s[i+1:]
	if strings.HasPrefix(value, "=") {
		t.Op, value = t.Op+"=", value[1:]
	}
	value = strings.TrimSpace(value)
	switch t.Metric {
	case P50, P90, P99, P999, Unavailability:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return t, fmt.Errorf("threshold %q: %q is not a duration such as 250ms", s, value)
		}
		t.Limit = float64(d)
	case Rate, Errors:
		if t.Metric == Errors {
			value, t.Percent = strings.CutSuffix(value, "%")
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= 0) {
			return t, fmt.Errorf("threshold %q: %q is not a number", s, value)
		}
		t.Limit = n
	default:
		return t, fmt.Errorf("threshold %q: there is no metric %q; there are p50, p90, p99, p999, rate, unavailability and errors", s, t.Metric)
	}
	return t, nil
}

// Check reports whether the threshold held, and returns the value that decides, as text.
func (t Threshold) Check(m Measured) (held bool, value string) {
	var v float64
	switch t.Metric {
	case Rate:
		v, value = m.Rate, fmt.Sprintf("%.1f", m.Rate)
	case Errors:
		v, value = float64(m.Errors), strconv.FormatUint(m.Errors, 10)
		if t.Percent {
			v = 100 * float64(m.Errors) / float64(max(m.Requests, 1))
			value = fmt.Sprintf("%.4g%%", v)
		}
	default:
		if t.Metric == Unavailability && m.Faults == 0 {
			return false, "not measured: there was no fault"
		}
		d := map[Metric]time.Duration{P50: m.P50, P90: m.P90, P99: m.P99, P999: m.P999, Unavailability: m.Unavailability}[t.Metric]
		v, value = float64(d), d.String()
	}
	switch t.Op {
	case "<":
		return v < t.Limit, value
	case "<=":
		return v <= t.Limit, value
	case ">":
		return v > t.Limit, value
	default:
		return v >= t.Limit, value
	}
}
