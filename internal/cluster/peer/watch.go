package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// watchSet counts the standing watch connections by address.
type watchSet struct {
	mu       sync.Mutex
	standing map[string]int // guarded by mu
}

func (s *watchSet) change(addr string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.standing == nil {
		s.standing = map[string]int{}
	}
	if s.standing[addr] += by; s.standing[addr] == 0 {
		delete(s.standing, addr)
	}
}

// Alive reports whether a connection of Watch to addr stands right now.
func (p *Port) Alive(addr string) bool {
	p.watches.mu.Lock()
	defer p.watches.mu.Unlock()
	return p.watches.standing[addr] > 0
}

// Watch keeps one idle connection to addr. It returns ErrRefused as soon as there is no
// connection and a new one is refused: the machine is there, but the process is gone.
// After a mere break it connects again, and while addr cannot be reached (timeouts, no
// route, a name that does not resolve) it keeps trying. It returns ctx's error when ctx
// ends, and ErrClosed when the port closes.
func (p *Port) Watch(ctx context.Context, addr string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	// Broken connections and failed dials have separate delays: after an outage the
	// first break must be noticed at once.
	broke, failed := watchRetryMin, watchRetryMin
	for {
		start := time.Now()
		err := p.watchOnce(ctx, addr)
		pause := time.Duration(0)
		switch {
		case p.ctx.Err() != nil:
			return ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Errorf("%w by %s: %w", ErrRefused, addr, err)
		case errors.Is(err, ErrNotSent):
			pause, failed = failed, min(2*failed, watchRetryMax)
		case time.Since(start) > watchSettled:
			broke, failed = watchRetryMin, watchRetryMin
		default:
			pause, broke, failed = broke, min(2*broke, watchRetryMax), watchRetryMin
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// watchOnce watches by one connection. It returns when that breaks, or could not be made
// (ErrNotSent).
func (p *Port) watchOnce(ctx context.Context, addr string) error {
	c, err := p.dial(ctx, addr, "", net.KeepAliveConfig{
		Enable: true, Idle: watchProbe, Interval: watchProbe, Count: watchProbes,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if _, err := c.Write([]byte{watchByte, '\n'}); err != nil {
		return err
	}
	p.watches.change(addr, 1)
	defer p.watches.change(addr, -1)
	// The peer sends nothing: the read ends when the connection does.
	_, err = c.Read(make([]byte, 1))
	return err
}
