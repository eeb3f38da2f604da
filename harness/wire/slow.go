package wire

import (
	"math/rand/v2"
	"time"
)

const (
	// leastDelay and mostDelay bound how late bytes arrive.
	leastDelay, mostDelay = 10 * time.Millisecond, 80 * time.Millisecond
	// slowBytesPerSecond is what a slow link carries in one direction of one connection:
	// 2 Mbit/s.
	slowBytesPerSecond = 2_000_000 / 8
)

// Delay makes bytes from and to a member arrive late, until Mend. Late bytes delay those
// behind them, as in a queue.
func (p *Peers) Delay(member int) error {
	p.change(func() { p.late[member] = true })
	return nil
}

// Throttle makes the links of a member slow, until Mend.
func (p *Peers) Throttle(member int) error {
	p.change(func() { p.slow[member] = true })
	return nil
}

// linger waits for as long as n bytes take.
func (p *Peers) linger(from, to, n int) {
	if d := p.lateness(from, to, n); d > 0 {
		time.Sleep(d) // there is no event to wait for: the delay is the fault
	}
}

// lateness returns how long n bytes take from one member to another.
func (p *Peers) lateness(from, to, n int) (d time.Duration) {
	p.mu.Lock()
	late, slow := p.late[from] || p.late[to], p.slow[from] || p.slow[to]
	p.mu.Unlock()
	if late {
		d = leastDelay + rand.N(mostDelay-leastDelay)
	}
	if slow {
		d += time.Duration(n) * time.Second / slowBytesPerSecond
	}
	return d
}
