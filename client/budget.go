package client

import (
	"sync/atomic"
	"time"
)

// budget is a token bucket of retries. Every call puts a share of a token in
// and every second a few more; every retry takes one out. So retries are
// bounded by the calls, however many of these fail. In thousandths of a token.
type budget struct {
	perCall   int64 // thousandths a call adds
	perSecond int64 // thousandths a second adds
	limit     int64 // thousandths it can hold
	unlimited bool

	tokens atomic.Int64
	filled atomic.Int64 // Unix nanoseconds of the last time-based filling
}

const budgetUnit = 1000

func newBudget(p RetryPolicy) *budget {
	b := &budget{
		perCall:   int64(p.BudgetRatio * budgetUnit),
		perSecond: int64(p.BudgetPerSecond * budgetUnit),
		limit:     int64(p.BudgetBurst) * budgetUnit,
		unlimited: p.BudgetRatio < 0,
	}
	// A new client may be the answer to a failover: it starts with ten seconds' worth.
	b.tokens.Store(min(b.limit, 10*b.perSecond))
	b.filled.Store(time.Now().UnixNano())
	return b
}

// called adds a call's share.
func (b *budget) called() {
	if !b.unlimited {
		b.add(b.perCall)
	}
}

// withdraw takes a token for a retry, and tells whether there was one.
func (b *budget) withdraw() bool {
	if b.unlimited {
		return true
	}
	b.fill()
	for {
		have := b.tokens.Load()
		if have < budgetUnit {
			return false
		}
		if b.tokens.CompareAndSwap(have, have-budgetUnit) {
			return true
		}
	}
}

// fill adds what time has added since the last filling.
func (b *budget) fill() {
	now, last := time.Now().UnixNano(), b.filled.Load()
	// Beyond the time that fills it from empty there is nothing to gain; the
	// bound also keeps the product below within 64 bits.
	elapsed := min(now-last, int64(time.Hour))
	add := elapsed / int64(time.Microsecond) * b.perSecond / int64(time.Second/time.Microsecond)
	if add <= 0 || !b.filled.CompareAndSwap(last, now) {
		return
	}
	b.add(add)
}

func (b *budget) add(n int64) {
	for {
		have := b.tokens.Load()
		next := min(b.limit, have+n)
		if next <= have || b.tokens.CompareAndSwap(have, next) {
			return
		}
	}
}
