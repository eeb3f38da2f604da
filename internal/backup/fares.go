package backup

import (
	"sync"
	"time"
)

// slack is how much longer than Every a backup may take to be there before it counts as
// late, besides another Every: a large one takes its time, and a failure is tried again.
const slack = time.Minute

// fares is how a schedule fares.
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

// Fares tells when the last good backup was made (zero: none is known), whether the last
// try failed, and whether a backup is late: none was made for twice Every and a minute, as
// where the directory hangs. It may be called at any time.
func (s *Schedule) Fares(now time.Time) (last time.Time, failed, late bool) {
	f := &s.fares
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.since
	if f.last.After(from) {
		from = f.last
	}
	late = !f.since.IsZero() && now.Sub(from) > 2*s.Every+slack
	return f.last, f.faulty, late
}
