package ingest

import (
	"github.com/prometheus/client_golang/prometheus"

	"voted/client"
)

// Outcomes of messages in the metrics, beside those of ballots that count.
const (
	labelSuperseded = "superseded"
	labelDead       = "dead"
	labelWaiting    = "waiting"
	labelReturned   = "returned"
)

// outcomes are all of them: a counter that is there from the start has no first step that a rate misses.
var outcomes = []string{
	string(client.Counted), string(client.Replaced), string(client.Replayed), labelSuperseded, labelDead, labelWaiting, labelReturned,
}

// metrics are what a bridge tells Prometheus.
type metrics struct {
	messages    *prometheus.CounterVec
	dead        *prometheus.CounterVec
	redelivered prometheus.Counter
	lag         prometheus.Gauge
	inFlight    prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		messages:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voted_bridge_messages_total", Help: "Messages by what became of them."}, []string{"outcome"}),
		dead:        prometheus.NewCounterVec(prometheus.CounterOpts{Name: "voted_bridge_dead_total", Help: "Dead letters stored, by the code of the refusal."}, []string{"code"}),
		redelivered: prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_bridge_redelivered_total", Help: "Messages that had been delivered before."}),
		lag:         prometheus.NewGauge(prometheus.GaugeOpts{Name: "voted_bridge_lag", Help: "Messages in the stream that are not settled yet."}),
		inFlight:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "voted_bridge_in_flight", Help: "Messages that the bridge works on now."}),
	}
	for _, o := range outcomes {
		m.messages.WithLabelValues(o)
	}
	r.MustRegister(m.messages, m.dead, m.redelivered, m.lag, m.inFlight)
	return m
}
