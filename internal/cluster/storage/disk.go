package storage

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// noLimit lets a call take as long as it needs: opening and checking a large file is not a stall.
const noLimit time.Duration = 0

// disk is the one goroutine that touches the log file. A caller waits for it no longer than the limit: a read or an fsync
// that hangs in the kernel cannot be interrupted, only left behind.
type disk struct {
	limit time.Duration
	calls chan diskCall
	// dead is closed when nothing may run any more: stopped, stalled, or after a panic.
	dead     chan struct{}
	deadOnce sync.Once
	deadErr  error // why; written before dead is closed
}

type diskCall struct {
	f    func() error
	done chan error // holds one, so that an abandoned call does not block the goroutine
}

func newDisk(limit time.Duration) *disk {
	d := &disk{limit: limit, calls: make(chan diskCall), dead: make(chan struct{})}
	go d.loop()
	return d
}

// loop ends when the disk is dead. After a stall that is when, and if, the call that hangs returns.
func (d *disk) loop() {
	// A damaged page can send bbolt past the end of the mapped file. That is a panic we can catch, not a crash.
	debug.SetPanicOnFault(true)
	for {
		select {
		case <-d.dead:
			return
		case c := <-d.calls:
			select {
			case <-d.dead:
				c.done <- d.deadErr
			default:
				c.done <- d.protected(c.f)
			}
		}
	}
}

// protected turns a panic into damage. bbolt may hold its locks then, so nothing may run after it, not even its Close.
func (d *disk) protected(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
			d.die(err)
		}
	}()
	return f()
}

func (d *disk) die(err error) {
	d.deadOnce.Do(func() {
		d.deadErr = err
		close(d.dead)
	})
}

// stop ends the goroutine once it is idle.
func (d *disk) stop() { d.die(ErrClosed) }

// run calls f on the disk goroutine and waits for it. The limit counts from the moment it starts there: a caller that
// queues behind a slow call is not itself stalled. Past the limit the disk is dead.
func (d *disk) run(limit time.Duration, f func() error) error {
	c := diskCall{f: f, done: make(chan error, 1)}
	select {
	case <-d.dead:
		return d.deadErr
	case d.calls <- c:
	}
	if limit <= 0 {
		return <-c.done
	}
	tick := max(limit/stallTicks, 1)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for ticks := 0; ; {
		select {
		case err := <-c.done:
			return err
		case <-timer.C:
			if ticks++; ticks == stallTicks {
				err := fmt.Errorf("%w: a call took longer than %v", ErrStalled, limit)
				d.die(err)
				return err
			}
			timer.Reset(tick)
		}
	}
}
