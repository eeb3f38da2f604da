package replica

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a replica measures of itself.
type metrics struct {
	to        prometheus.Registerer
	elected   prometheus.Counter
	elections prometheus.Counter
	snapshots prometheus.Histogram
	restores  prometheus.Counter
}

func newMetrics(to prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_" + name, Help: help})
	}
	m := &metrics{
		to:        to,
		elected:   counter("leaderships_total", "Times this node became a leader that is ready to serve."),
		elections: counter("elections_total", "Times this node stood for election, or asked whether it could win one."),
		snapshots: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "voted_snapshot_seconds", Help: "Writing one snapshot of the state, pauses included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}),
		restores: counter("snapshot_restores_total", "Times this node's state was read from a snapshot: at a start, or because it was too far behind for the log."),
	}
	if to != nil {
		to.MustRegister(m.elected, m.elections, m.snapshots, m.restores)
	}
	return m
}

// observe registers the figures that are read from the replica at each scrape.
func (m *metrics) observe(r *Replica) {
	if m.to == nil {
		return
	}
	gauge := func(name, help string, f func() float64) {
		m.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "voted_" + name, Help: help}, f))
	}
	flag := func(name, help string, f func() bool) {
		gauge(name, help, func() float64 {
			if f() {
				return 1
			}
			return 0
		})
	}
	flag("leader", "1 while this node leads.", func() bool { return r.leaders.Now().Self })
	flag("has_leader", "1 while this node knows a leader.", func() bool { return r.leaders.Now().ID != "" })
	gauge("leader_contact_seconds", "For how long this node has not heard from the leader; 0 on the leader.", func() float64 { return r.Unheard().Seconds() })
	gauge("term", "Raft term.", func() float64 { return float64(r.Term()) })
	gauge("commit_index", "Log index known to be committed.", func() float64 { return float64(r.raft.CommitIndex()) })
	gauge("last_index", "Log index of the last entry of this node's log.", func() float64 { return float64(r.raft.LastIndex()) })
	gauge("log_waiting_entries", "Log entries that this node, as the leader, has sent to the others while its own disk still writes them.", func() float64 { return float64(r.behind.count()) })
	for role, votes := range map[string]bool{"voter": true, "nonvoter": false} {
		m.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "voted_members", Help: "Members in the newest configuration that this node knows, by role.",
			ConstLabels: prometheus.Labels{"role": role},
		}, func() (count float64) {
			for _, s := range r.Members() {
				if s.Votes == votes {
					count++
				}
			}
			return count
		}))
	}
}
