package client

import (
	"sync/atomic"
	"time"
)

// HedgePolicy says when a call that has no answer yet is also sent to a second endpoint.
// The first answer counts. The zero value of each field stands for its default.
//
// (J. Dean and L. A. Barroso, "The Tail at Scale", Communications of the ACM 56(2),
// 2013, section "Within-request short-term adaptations".)
type HedgePolicy struct {
	// Off sends no hedges.
	Off bool
	// Quantile of the endpoint's recent latencies (0.95) is how long a call waits for its
	// first endpoint, but at least MinDelay (50 ms). Reads and writes are measured
	// separately. While too few latencies are known, it is at least 250 ms.
	Quantile float64
	MinDelay time.Duration
	// BudgetRatio is the share of calls that may be hedged (0.05). Unused hedges are
	// saved up to BudgetBurst (20); a negative one allows none. A hedge that this budget
	// does not cover is paid from the budget of retries, if the first endpoint has been
	// silent while another one answered later calls: the call would be tried again
	// anyway.
	BudgetRatio float64
	BudgetBurst int
}

// withDefaults fills in what was left out.
func (p HedgePolicy) withDefaults() HedgePolicy {
	p.Quantile = orDefault(p.Quantile, defaultHedgeQuantile)
	p.MinDelay = orDefault(p.MinDelay, defaultHedgeDelay)
	p.BudgetRatio = orDefault(p.BudgetRatio, defaultHedgeRatio)
	p.BudgetBurst = max(0, orDefault(p.BudgetBurst, defaultHedgeBurst))
	return p
}

// HedgeCounts count the hedges of a client since it was made, as a metric.
type HedgeCounts struct {
	Sent   uint64 // calls that were sent to a second endpoint
	Won    uint64 // of these, calls whose answer came from there
	Denied uint64 // calls that were not, because the budget was used up
}

// hedging is what a client knows about its hedges.
type hedging struct {
	policy HedgePolicy
	budget *budget
	epoch  time.Time // the times below, and those of endpoints, are since this one

	sent, won, denied atomic.Uint64
}

func newHedging(p HedgePolicy) *hedging {
	p = p.withDefaults()
	b := newBudget(p.BudgetRatio, 0, p.BudgetBurst)
	b.tokens.Store(b.limit) // full at the start: a program may make one call only
	return &hedging{policy: p, budget: b, epoch: time.Now()}
}

// Hedges returns how many calls were hedged so far.
func (c *Client) Hedges() HedgeCounts {
	h := c.hedging
	return HedgeCounts{Sent: h.sent.Load(), Won: h.won.Load(), Denied: h.denied.Load()}
}

// hedged reports whether a call may be sent to a second endpoint while the first has
// not answered: it must be harmless if both carry it out, in any order and however
// late. Streams and batches are too large to send twice on suspicion.
func (c *Client) hedged(k *call) bool {
	return !c.hedging.policy.Off && !k.once && !k.stream && !k.batch && k.pinned == nil && len(c.nodes.all) > 1
}

// delay returns how long a call waits for an endpoint before it is hedged.
func (h *hedging) delay(ep *endpoint, k *call) time.Duration {
	d, answers := ep.served(k).latencies.quantile(time.Since(h.epoch), h.policy.Quantile)
	if answers < hedgeSamples {
		d = hedgeColdDelay
	}
	return max(d, h.policy.MinDelay)
}

// answered notes that an endpoint answered a try that was sent at start. final: the
// answer decides the call.
func (h *hedging) answered(ep *endpoint, k *call, start time.Time, final bool) {
	now, sent := time.Since(h.epoch), start.Sub(h.epoch)
	raise(&ep.lastAnswer, now)
	if final {
		raise(&ep.served(k).newest, sent)
		ep.served(k).latencies.record(now, now-sent)
	}
}

// raise sets v to d if d is more.
func raise(v *atomic.Int64, d time.Duration) {
	for {
		have := v.Load()
		if have >= int64(d) || v.CompareAndSwap(have, int64(d)) {
			return
		}
	}
}

// silent reports whether an endpoint has answered nothing since start.
func (h *hedging) silent(ep *endpoint, start time.Time) bool {
	return ep.lastAnswer.Load() < int64(start.Sub(h.epoch))
}

// overtaken reports whether an endpoint has answered nothing since start, while another
// one has answered a call such as k that was sent later. In an election no endpoint is
// overtaken: all of them hold their calls.
func (h *hedging) overtaken(e *endpoints, ep *endpoint, k *call, start time.Time) bool {
	if !h.silent(ep, start) {
		return false
	}
	for _, other := range e.all {
		if other != ep && other.served(k).newest.Load() >= int64(start.Sub(h.epoch)) {
			return true
		}
	}
	return false
}

// lasting reports whether a refusal with this code holds for every other try of the same
// request too, however late a node carries that out. Any other refusal of a write decides
// nothing while another try is under way, which may still count: the poll may open, or the
// voter be put on the roll, before a node carries it out.
func (c Code) lasting() bool {
	switch c {
	case CodeAlreadyVoted, CodeSuperseded, CodePollClosed, CodePollFull, CodePollExists, CodeInvalidBallot,
		CodeInvalidPoll, CodeInvalidVoter, CodeMalformedRequest, CodeIdempotencyKeyReused, CodePayloadTooLarge,
		CodeUnsupportedMediaType, CodeLotDrawn:
		return true
	}
	return false
}
