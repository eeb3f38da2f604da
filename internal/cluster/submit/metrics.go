package submit

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/history"
	"voted/internal/trace"
)

// metrics are what a Submitter measures.
type metrics struct {
	queued        prometheus.Gauge
	forwards      prometheus.Counter
	resubmissions prometheus.Counter
	batch         prometheus.Histogram
	entryBytes    prometheus.Histogram
	commit        prometheus.Histogram
	failures      prometheus.Counter
}

func newMetrics(to prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "voted_" + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		queued:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "voted_queued_ballots", Help: "Single ballots that wait or are under way on this node."}),
		forwards:      counter("forwards_total", "Batches and commands sent on to the leader."),
		resubmissions: counter("resubmissions_total", "Further attempts for batches and commands, after one that failed or whose outcome is unknown."),
		batch:         histogram("entry_ballots", "Ballots in one log entry, as the leader packed it.", prometheus.ExponentialBuckets(1, 2, 16)),
		entryBytes:    histogram("entry_bytes", "Size of one log entry.", prometheus.ExponentialBuckets(64, 4, 10)),
		commit:        histogram("commit_seconds", "From proposing an entry until it is durable on a majority and applied.", prometheus.ExponentialBuckets(0.00025, 2, 16)), // to 8 s
		failures:      counter("proposals_failed_total", "Entries proposed whose outcome was not known or that were not appended."),
	}
	if to != nil {
		to.MustRegister(m.queued, m.forwards, m.resubmissions, m.batch, m.entryBytes, m.commit, m.failures)
	}
	return m
}

// Commits is how long the entries took that this member proposed.
func (s *Submitter) Commits() history.Distribution { return history.DistributionOf(s.metrics.commit) }

// entry notes the fate of one proposed entry.
func (m *metrics) entry(ballots, bytes int, took time.Duration, err error, span *trace.Span) {
	if err != nil {
		m.failures.Inc()
		return
	}
	m.batch.Observe(float64(ballots))
	m.entryBytes.Observe(float64(bytes))
	trace.Observe(m.commit, took, span)
}
