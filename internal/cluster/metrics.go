package cluster

import (
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/trace"
)

// metrics are what a member measures of itself.
type metrics struct {
	to            prometheus.Registerer
	queued        prometheus.Gauge
	forwards      prometheus.Counter
	resubmissions prometheus.Counter
	successions   prometheus.Counter
	elected       prometheus.Counter
	batch         prometheus.Histogram
	entryBytes    prometheus.Histogram
	commit        prometheus.Histogram
	apply         prometheus.Histogram
	elections     prometheus.Counter
	snapshots     prometheus.Histogram
	restores      prometheus.Counter
	failures      prometheus.Counter
	mismatches    prometheus.Counter
}

func newMetrics(to prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "voted_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "voted_" + name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(0.00025, 2, 16) // 0.25 ms to 8 s
	m := &metrics{
		to:            to,
		queued:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "voted_queued_ballots", Help: "Single ballots that wait or are under way on this node."}),
		forwards:      counter("forwards_total", "Batches and commands sent on to the leader."),
		resubmissions: counter("resubmissions_total", "Further attempts for batches and commands, after one that failed or whose outcome is unknown."),
		successions:   counter("early_elections_total", "Elections brought forward because the leader's process was gone."),
		elected:       counter("leaderships_total", "Times this node became a leader that is ready to serve."),
		elections:     counter("elections_total", "Times this node stood for election, or asked whether it could win one."),
		snapshots:     histogram("snapshot_seconds", "Writing one snapshot of the state, pauses included.", prometheus.ExponentialBuckets(0.001, 4, 10)),
		restores:      counter("snapshot_restores_total", "Times this node's state was read from a snapshot: at a start, or because it was too far behind for the log."),
		batch:         histogram("entry_ballots", "Ballots in one log entry, as the leader packed it.", prometheus.ExponentialBuckets(1, 2, 16)),
		entryBytes:    histogram("entry_bytes", "Size of one log entry.", prometheus.ExponentialBuckets(64, 4, 10)),
		commit:        histogram("commit_seconds", "From proposing an entry until it is durable on a majority and applied.", seconds),
		apply:         histogram("apply_seconds", "Applying one log entry to the state.", prometheus.ExponentialBuckets(0.000001, 4, 12)),
		mismatches:    counter("digest_mismatches_total", "Times that this node found members whose states differ, itself among them or not."),
		failures:      counter("proposals_failed_total", "Entries proposed whose outcome was not known or that were not appended."),
	}
	if to != nil {
		to.MustRegister(m.queued, m.forwards, m.resubmissions, m.successions, m.elected, m.batch, m.entryBytes, m.commit, m.apply, m.failures, m.mismatches, m.elections, m.snapshots, m.restores)
	}
	return m
}

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

// applied notes that an entry was applied on this member.
func (m *metrics) applied(_ int, took time.Duration) { m.apply.Observe(took.Seconds()) }

// observe registers what is read off the node when it is asked for.
func (m *metrics) observe(n *Node) {
	if m.to == nil {
		return
	}
	gauge := func(name, help string, f func() float64) {
		m.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "voted_" + name, Help: help}, f))
	}
	gauge("leader", "1 while this node leads.", func() float64 {
		if n.leaders.now().self {
			return 1
		}
		return 0
	})
	gauge("has_leader", "1 while this node knows a leader.", func() float64 {
		if n.Leader() != "" {
			return 1
		}
		return 0
	})
	gauge("digest_disputed", "1 while members differ and no majority can tell which are right.", func() float64 {
		if n.disputed.Load() != nil {
			return 1
		}
		return 0
	})
	gauge("storage_full", "1 while this node leads and refuses ballots because too few members have space on their disks.", func() float64 {
		if n.short.Load() != nil {
			return 1
		}
		return 0
	})
	gauge("leader_contact_seconds", "For how long this node has not heard from the leader; 0 on the leader.", func() float64 {
		if n.leaders.now().self {
			return 0
		}
		return n.unheard().Seconds()
	})
	gauge("format_level", "Format level that the cluster uses, as this node knows it.", func() float64 { return float64(n.level()) })
	gauge("term", "Raft term.", func() float64 { return float64(n.raft.CurrentTerm()) })
	gauge("commit_index", "Log index known to be committed.", func() float64 { return float64(n.raft.CommitIndex()) })
	gauge("applied_index", "Log index of the last command applied here.", func() float64 { return float64(n.fsm.Index()) })
	gauge("last_index", "Log index of the last entry on this node's disk.", func() float64 { return float64(n.raft.LastIndex()) })
	for role, is := range map[string]func(raft.ServerSuffrage) bool{
		"voter":    func(s raft.ServerSuffrage) bool { return s == raft.Voter },
		"nonvoter": func(s raft.ServerSuffrage) bool { return s != raft.Voter },
	} {
		m.to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "voted_members", Help: "Members in the newest configuration that this node knows, by role.",
			ConstLabels: prometheus.Labels{"role": role},
		}, func() (count float64) {
			for _, s := range n.raft.GetConfiguration().Configuration().Servers {
				if is(s.Suffrage) {
					count++
				}
			}
			return count
		}))
	}
	gauge("clock_skew_seconds", "Largest deviation of a voter's clock from the median, as the leader measured it.", func() float64 { return n.clock.skew().Seconds() })
}
