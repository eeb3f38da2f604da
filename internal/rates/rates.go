// Package rates limits how often each of many clients may ask, with a token bucket each.
package rates

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate bounds requests: Burst at once, and PerSecond on average. The zero value
// is no bound.
type Rate struct {
	PerSecond float64
	Burst     int // default: the requests of one second
}

// maxRated bounds the clients that a table remembers. One that is forgotten starts again with
// a full allowance; with so many, that is rare.
const maxRated = 65_536

// Table limits each of many clients. It is safe for concurrent use.
type Table struct {
	limit Rate

	mu    sync.Mutex
	known map[string]*list.Element // guarded by mu
	order list.List                // of *rated, the longest unseen in front; guarded by mu
}

type rated struct {
	key    string
	bucket *rate.Limiter
}

// New returns a table, nil if there is no limit.
func New(limit Rate) *Table {
	if limit.PerSecond <= 0 {
		return nil
	}
	if limit.Burst <= 0 {
		limit.Burst = max(1, int(math.Ceil(limit.PerSecond)))
	}
	return &Table{limit: limit, known: map[string]*list.Element{}}
}

// Limit returns the limit, with its burst.
func (t *Table) Limit() Rate { return t.limit }

// Take counts a request of a client. ok reports whether it may go on; left is the allowance
// after it.
func (t *Table) Take(client string, now time.Time) (ok bool, left float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, seen := t.known[client]
	if !seen {
		if t.order.Len() >= maxRated {
			delete(t.known, t.order.Remove(t.order.Front()).(*rated).key)
		}
		at = t.order.PushBack(&rated{client, rate.NewLimiter(rate.Limit(t.limit.PerSecond), t.limit.Burst)})
		t.known[client] = at
	}
	t.order.MoveToBack(at)
	bucket := at.Value.(*rated).bucket
	ok = bucket.AllowN(now, 1)
	return ok, max(0, bucket.TokensAt(now))
}

// Wait returns after how many whole seconds a client may ask again that has so much left.
func (t *Table) Wait(left float64) int32 {
	return int32(min(max(1, math.Ceil((1-left)/t.limit.PerSecond)), math.MaxInt32))
}
