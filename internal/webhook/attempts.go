package webhook

import (
	"slices"
	"sync"
	"time"
)

// maxAttempts is how many attempts are kept of each endpoint.
const maxAttempts = 100

// Attempt is one attempt to deliver an event.
type Attempt struct {
	At     time.Time
	Event  uint64 // its number; 0: it was a ping
	Number int    // 1 for the first one of this leader
	Answer
	Result Result
	Next   time.Time // when it is tried again; zero: it is not
}

// attempts are the newest ones of each endpoint that this leader made. They are for people:
// what matters is in the log. Its methods may be called from any goroutine.
type attempts struct {
	mu sync.Mutex
	by map[uint64][]Attempt // guarded by mu; by the endpoint's number
}

func newAttempts() *attempts { return &attempts{by: map[uint64][]Attempt{}} }

func (a *attempts) add(endpoint uint64, x Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.by[endpoint]
	if len(all) == maxAttempts {
		all = append(all[:0], all[1:]...)
	}
	a.by[endpoint] = append(all, x)
}

// of returns the attempts of an endpoint, the oldest first.
func (a *attempts) of(endpoint uint64) []Attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.by[endpoint])
}

// forget drops those of an endpoint that is gone.
func (a *attempts) forget(endpoint uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, endpoint)
}
