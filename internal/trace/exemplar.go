package trace

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Observe adds a duration to a histogram in seconds, with the trace, if there is one,
// as its exemplar.
func Observe(to prometheus.Observer, took time.Duration, s *Span) {
	if s != nil {
		if e, ok := to.(prometheus.ExemplarObserver); ok {
			e.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": s.context.Trace.String()})
			return
		}
	}
	to.Observe(took.Seconds())
}
