package prover

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a prover measures of itself.
type metrics struct {
	heads      prometheus.Counter
	signatures *prometheus.CounterVec // by member
	refusals   map[Verdict]prometheus.Counter

	witnessed *prometheus.CounterVec // by witness
	failures  *prometheus.CounterVec // by witness and reason
}

// reasons are why a witness does not cosign.
var reasons = []string{"garbage", "inconsistent", "other_size", "refused", "unreachable"}

func newMetrics(p *Prover) *metrics {
	m := &metrics{refusals: map[Verdict]prometheus.Counter{}}
	m.heads = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "voted_proof_heads_total", Help: "Heads of logs that this node collected the signatures of a majority for.",
	})
	m.signatures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_proof_signatures_total", Help: "Signatures of members in the heads that this node collected, by member. One that signs none is missing or refuses.",
	}, []string{"member"})
	m.signatures.WithLabelValues(p.opts.Member) // which is measured from the start
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_proof_refusals_total", Help: "Heads that this node was asked to sign and did not, by reason: behind, differs, forked, unknown.",
	}, []string{"reason"})
	for _, v := range []Verdict{Unknown, Behind, Differs, Forked} {
		m.refusals[v] = refusals.WithLabelValues(v.String())
	}
	m.witnessed = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_proof_witness_cosignatures_total", Help: "Heads that a witness cosigned for this node, by witness.",
	}, []string{"witness"})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_proof_witness_failures_total", Help: "Heads that a witness did not cosign, by witness and reason: garbage, inconsistent, other_size, refused, unreachable.",
	}, []string{"witness", "reason"})
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "voted_proof_" + name, Help: help}, f)
	}
	if to := p.opts.Metrics; to != nil {
		m.registerWitnesses(to, p.feeders)
		to.MustRegister(m.heads, m.signatures, refusals,
			gauge("behind_leaves", "Records that no signed head covers yet, as this node knows.", func() float64 {
				leaves, _ := p.behind()
				return float64(leaves)
			}),
			gauge("waiting_seconds", "For how long the oldest of these records has been waiting for a head; 0: none is.", func() float64 {
				_, oldest := p.behind()
				if oldest.IsZero() {
					return 0
				}
				return time.Since(oldest).Seconds()
			}),
			gauge("forked_logs", "Logs that this node never signs again, because it had signed what they do not continue.", func() float64 {
				return float64(p.forks())
			}))
	}
	return m
}

// registerWitnesses adds what is measured of each witness; nothing without witnesses.
func (m *metrics) registerWitnesses(to prometheus.Registerer, feeders []*feeder) {
	if len(feeders) == 0 {
		return
	}
	to.MustRegister(m.witnessed, m.failures)
	for _, f := range feeders {
		m.witnessed.WithLabelValues(f.w.Name())
		for _, reason := range reasons {
			m.failures.WithLabelValues(f.w.Name(), reason)
		}
		to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "voted_proof_witness_waiting_seconds", Help: "For how long the oldest head has been waiting for this witness, on the leader; 0: none is.",
			ConstLabels: prometheus.Labels{"witness": f.w.Name()},
		}, func() float64 {
			if since := f.waits(); !since.IsZero() {
				return time.Since(since).Seconds()
			}
			return 0
		}))
	}
}

func (m *metrics) witnessFailed(witness, reason string) {
	m.failures.WithLabelValues(witness, reason).Inc()
}

func (m *metrics) cosignatures(witness string, n int) {
	m.witnessed.WithLabelValues(witness).Add(float64(n))
}

func (p *Prover) behind() (leaves uint64, oldest time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.behind()
}

// judged counts a verdict.
func (m *metrics) judged(v Verdict) {
	if c := m.refusals[v]; c != nil {
		c.Inc()
	}
}

// measure counts the signatures in the heads that were assembled.
func (b *ballotOfHeads) measure() {
	for _, signed := range b.signed {
		if len(signed) < b.need {
			continue
		}
		for member := range signed {
			b.p.metrics.signatures.WithLabelValues(member).Inc()
		}
	}
}
