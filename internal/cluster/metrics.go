package cluster

import (
	"voted/internal/fsm"
	"voted/internal/poll"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a member measures of itself.
type metrics struct {
	to          prometheus.Registerer
	successions prometheus.Counter
	apply       prometheus.Histogram
	mismatches  prometheus.Counter
	closeDelay  prometheus.Histogram
	known       uint64 // the last entry of the log at the start; those up to it are applied again
}

func newMetrics(to prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "voted_" + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		to:          to,
		successions: counter("early_elections_total", "Elections brought forward because the leader's process was gone."),
		apply:       histogram("apply_seconds", "Applying one log entry to the state.", prometheus.ExponentialBuckets(0.000001, 4, 12)),
		mismatches:  counter("digest_mismatches_total", "Times that this node found members whose states differ, itself among them or not."),
		closeDelay:  histogram("close_delay_seconds", "How long after its closing time a poll was closed, by the replicated clock; each member counts each closing once.", closeDelays),
	}
	if to != nil {
		to.MustRegister(m.successions, m.apply, m.mismatches, m.closeDelay)
	}
	return m
}

// closeDelays go from a tick to a cluster that stood still for days.
var closeDelays = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400}

// applied notes that an entry was applied on this member. A closing that a start applies
// again was counted before.
func (m *metrics) applied(s fsm.Step) {
	m.apply.Observe(s.Took.Seconds())
	if s.Position <= m.known {
		return
	}
	for _, ms := range s.Late {
		m.closeDelay.Observe(float64(ms) / 1000)
	}
}

// observe registers the figures that are read from the node at each scrape.
func (m *metrics) observe(n *Node) {
	if m.to == nil {
		return
	}
	gauge := func(name, help string, f func() float64) {
		m.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "voted_" + name, Help: help}, f))
	}
	gauge("digest_disputed", "1 while members differ and no majority can tell which are right.", func() float64 {
		if n.dispute.Load() != nil {
			return 1
		}
		return 0
	})
	gauge("storage_full", "1 while this node leads and refuses ballots because too few members have space on their disks.", func() float64 {
		if n.shortage.Load() != nil {
			return 1
		}
		return 0
	})
	gauge("format_level", "Format level that the cluster uses, as this node knows it.", func() float64 { return float64(n.level()) })
	gauge("events_kept", "Events that the journal holds.", func() float64 { kept, _ := n.journal(); return kept })
	gauge("events_newest", "Number of the newest event; events are numbered from 1.", func() float64 { _, newest := n.journal(); return newest })
	gauge("applied_index", "Log index of the last command applied here.", func() float64 { return float64(n.fsm.Index()) })
	gauge("clock_skew_seconds", "Largest deviation of a voting member's clock from the median, as the leader measured it.", func() float64 { return n.clock.skew().Seconds() })
}

// journal returns how many events the state here keeps, and the number of the newest.
func (n *Node) journal() (kept, newest float64) {
	n.fsm.Read(func(s *poll.State) {
		oldest, last := s.EventSpan()
		kept, newest = float64(last-oldest+1), float64(last)
	})
	return kept, newest
}
