package storage

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// noLimit lets a call take as long as it needs: opening or checking a large file may be
// slow without being a stall.
const noLimit time.Duration = 0

// disk is the one goroutine that uses the log; another one makes its segments. A caller waits for it no longer
// than the limit: a read or an fsync that hangs in the kernel cannot be interrupted,
// only abandoned.
type disk struct {
	limit time.Duration
	calls chan diskCall
	// dead is closed when no further call may run: after stop, a stall or a panic.
	dead     chan struct{}
	deadOnce sync.Once
	deadErr  error // why; written before dead is closed
}

type diskCall struct {
	f    func() error
	done chan error // buffered, so that an abandoned call does not block the goroutine
}

func newDisk(limit time.Duration) *disk {
	d := &disk{limit: limit, calls: make(chan diskCall), dead: make(chan struct{})}
	go d.loop()
	return d
}

// loop ends when the disk is dead. After a stall it ends only when the hanging call
// returns, if ever.
func (d *disk) loop() {
	// A damaged page can make bbolt read past the end of the mapped file. This turns
	// the crash into a panic, which protected catches.
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

// protected turns a panic into damage. bbolt may still hold its locks then, so nothing
// may run after it, not even bbolt's Close.
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

// stop ends the goroutine as soon as it is idle.
func (d *disk) stop() { d.die(ErrClosed) }

// call is run with the disk's limit.
func (d *disk) call(f func() error) error { return d.run(d.limit, f) }

// run calls f on the disk goroutine and waits for it. The limit counts from the moment
// f starts: a caller that waits in the queue behind a slow call is not stalled itself.
// When the limit passes, the disk is dead.
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
