package client

import (
	"sync/atomic"
	"time"
)

// budget is a token bucket of retries, or of hedges. Every call adds a share of a token,
// every second adds a few tokens, and every retry takes one. So the number of calls bounds
// the retries, even if all calls fail. It counts in thousandths of a token.
type budget struct {
	perCall   int64 // thousandths a call adds
	perSecond int64 // thousandths a second adds
	limit     int64 // thousandths it can hold
	unlimited bool

	tokens atomic.Int64
	filled atomic.Int64 // Unix nanoseconds of the last time-based filling
}

const budgetUnit = 1000

// newBudget makes a budget of a share of the calls and so many a second. It holds at most
// burst tokens. A negative share removes the limit.
func newBudget(share, perSecond float64, burst int) *budget {
	b := &budget{
		perCall:   int64(share * budgetUnit),
		perSecond: int64(perSecond * budgetUnit),
		limit:     int64(burst) * budgetUnit,
		unlimited: share < 0,
	}
	// A client may be created because of a failover: it starts with ten seconds' worth.
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

// withdraw takes a token for a retry and reports whether there was one.
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
	// After an hour the bucket is full anyway; the bound also keeps the product below
	// within 64 bits.
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
