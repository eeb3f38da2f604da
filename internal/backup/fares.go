package backup

import (
	"sync"
	"time"
)

// slack is added to twice Every before a backup counts as late: a large one takes time,
// and a failure is tried again.
const slack = time.Minute

// fares is whether a schedule works.
type fares struct {
	mu     sync.Mutex
	since  time.Time // when the schedule began, zero before; guarded by mu
	last   time.Time // of the last good backup, zero where there is none; guarded by mu
	faulty bool      // the last try failed; guarded by mu
}

func (f *fares) begin(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = now
}

func (f *fares) made(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.faulty = at, false
}

func (f *fares) failed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faulty = true
}

// Fares reports when the last good backup was made (zero: none is known), whether the last
// try failed, and whether a backup is late: none was made for twice Every and a minute, for
// example because the directory hangs. If the clock was set back to before the last
// backup, that one is taken to be as old as the schedule. It may be called at any time.
func (s *Schedule) Fares(now time.Time) (last time.Time, failed, late bool) {
	f := &s.fares
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.since
	if f.last.After(from) && !f.last.After(now) {
		from = f.last
	}
	late = !f.since.IsZero() && now.Sub(from) > 2*s.Every+slack
	return f.last, f.faulty, late
}
