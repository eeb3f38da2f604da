package feed

import "github.com/prometheus/client_golang/prometheus"

// Metrics are those of all feeds of a process.
type Metrics struct {
	published, conflicts *prometheus.CounterVec
	behind               *prometheus.GaugeVec
}

// NewMetrics registers the metrics of feeds.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"feed"}
	m := &Metrics{
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "voted_bridge_feed_events_total",
			Help: "Events, or ballots, that this bridge published.",
		}, labels),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "voted_bridge_feed_conflicts_total",
			Help: "Times that the stream did not end where this bridge thought: another one was faster.",
		}, labels),
		behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "voted_bridge_feed_behind",
			Help: "Events of the cluster that are not in the broker's stream yet.",
		}, labels),
	}
	r.MustRegister(m.published, m.conflicts, m.behind)
	return m
}

// series are the metrics of one feed.
type series struct {
	published, conflicts prometheus.Counter
	behind               prometheus.Gauge
}

func (m *Metrics) of(feed string) series {
	return series{m.published.WithLabelValues(feed), m.conflicts.WithLabelValues(feed), m.behind.WithLabelValues(feed)}
}
