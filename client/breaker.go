package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// BreakerState is what a circuit breaker does with calls to its endpoint.
type BreakerState int32

// The states. A half-open breaker lets one call through, as a probe.
const (
	BreakerClosed BreakerState = iota
	BreakerOpen
	BreakerHalfOpen
)

// String returns "closed", "open" or "half-open".
func (s BreakerState) String() string {
	switch s {
	case BreakerOpen:
		return "open"
	case BreakerHalfOpen:
		return "half-open"
	default:
		return "closed"
	}
}

// breaker keeps calls away from an endpoint that fails. Unlike usual breakers it can be
// overruled: if the breakers of all endpoints are open, the client still tries one, and
// an answer closes that breaker at once. The closed path takes no lock.
type breaker struct {
	failures int           // in a row, to open
	cooldown time.Duration // from opening to the first probe
	changed  func(BreakerState)

	state atomic.Int32 // BreakerState; writes are guarded by mu
	row   atomic.Int32 // failures in a row; writes are guarded by mu

	mu       sync.Mutex
	openedAt time.Time // guarded by mu
	probing  bool      // guarded by mu; the half-open call is under way
	quiet    time.Time // guarded by mu; since when calls were outrun here; zero: they are not
}

// allow reports whether a call may go out. After each true the caller must call exactly
// one of succeeded, failed and abandoned.
func (b *breaker) allow() bool {
	if BreakerState(b.state.Load()) == BreakerClosed {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch BreakerState(b.state.Load()) {
	case BreakerClosed:
		return true
	case BreakerOpen:
		if time.Since(b.openedAt) < b.cooldown {
			return false
		}
		b.set(BreakerHalfOpen)
	}
	if b.probing {
		return false
	}
	b.probing = true
	return true
}

// since returns when the breaker opened; the zero time while it is closed.
func (b *breaker) since() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if BreakerState(b.state.Load()) == BreakerClosed {
		return time.Time{}
	}
	return b.openedAt
}

func (b *breaker) succeeded() {
	if b.row.Load() == 0 && BreakerState(b.state.Load()) == BreakerClosed {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row.Store(0)
	b.probing, b.quiet = false, time.Time{}
	b.set(BreakerClosed)
}

func (b *breaker) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	switch BreakerState(b.state.Load()) {
	case BreakerClosed:
		if b.row.Add(1) >= int32(b.failures) {
			b.openedAt = time.Now()
			b.set(BreakerOpen)
		}
	default:
		// Also after a call that overruled an open breaker: this endpoint has just
		// failed again, so another one has now been open longest.
		b.openedAt = time.Now()
		b.set(BreakerOpen)
	}
}

// outrun ends a call that another endpoint answered first, while this one has answered
// nothing. If that was so for a while already, the breaker opens: the endpoint hangs, and
// five calls need not wait for the end of their time to show it. A single call shows
// little, since after an election one node is always the first to answer.
func (b *breaker) outrun(while time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	now := time.Now()
	switch {
	case BreakerState(b.state.Load()) != BreakerClosed:
		b.openedAt = now
		b.set(BreakerOpen)
	case b.quiet.IsZero():
		b.quiet = now
		b.row.Add(1) // so that an answer clears this
	case now.Sub(b.quiet) >= while:
		b.openedAt = now
		b.set(BreakerOpen)
	}
}

// abandoned ends a call that shows nothing about the endpoint: its caller left.
func (b *breaker) abandoned() {
	if BreakerState(b.state.Load()) == BreakerClosed {
		return
	}
	b.mu.Lock()
	b.probing = false
	b.mu.Unlock()
}

// set changes the state. The caller holds b.mu.
func (b *breaker) set(s BreakerState) {
	if BreakerState(b.state.Swap(int32(s))) != s && b.changed != nil {
		b.changed(s)
	}
}
