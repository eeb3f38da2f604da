package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// BreakerState is what a circuit breaker does with calls to its endpoint.
type BreakerState int32

// The states. A half-open breaker lets one call through to find out.
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

// breaker keeps calls away from an endpoint that fails. Unlike the usual ones
// it can be overruled: where every endpoint's breaker is open the client still
// tries one, and an answer closes that breaker at once. The closed path takes
// no lock.
type breaker struct {
	failures int           // in a row, to open
	cooldown time.Duration // from opening to the first probe
	changed  func(BreakerState)

	state atomic.Int32 // BreakerState; written under mu
	row   atomic.Int32 // failures in a row; written under mu

	mu       sync.Mutex
	openedAt time.Time // under mu
	probing  bool      // under mu: the half-open call is on its way
}

// allow tells whether a call may go out. Each true is followed by exactly one
// of succeeded, failed, abandoned.
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
	b.probing = false
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
		// Also where the call overruled an open breaker: the endpoint has just
		// failed again, so another one has been open longest now.
		b.openedAt = time.Now()
		b.set(BreakerOpen)
	}
}

// abandoned ends a call that says nothing about the endpoint: the caller left.
func (b *breaker) abandoned() {
	if BreakerState(b.state.Load()) == BreakerClosed {
		return
	}
	b.mu.Lock()
	b.probing = false
	b.mu.Unlock()
}

// set changes the state; b.mu is held.
func (b *breaker) set(s BreakerState) {
	if BreakerState(b.state.Swap(int32(s))) != s && b.changed != nil {
		b.changed(s)
	}
}
