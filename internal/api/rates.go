package api

import (
	"container/list"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"voted/internal/auth"
	"voted/internal/refusal"
	"voted/internal/source"
)

// Rate bounds requests: Burst at once, and PerSecond on average. The zero value
// is no bound.
type Rate struct {
	PerSecond float64
	Burst     int // default: the requests of one second
}

// Limits are how much of a node one client may take.
type Limits struct {
	// PerAddress bounds the requests from one address (IPv6: one /64), before they are read.
	// Forwarded addresses are not trusted: behind a proxy all clients have one address.
	PerAddress Rate
	// PerClient bounds the requests with one credential.
	PerClient Rate
}

// maxRated bounds the clients that a table of rates remembers. One that is forgotten
// starts again with a full allowance; with so many, that is rare.
const maxRated = 65_536

// rates limits each of many clients.
type rates struct {
	name   string // of the policy, in the header fields
	limit  Rate
	policy []string // the value of RateLimit-Policy, shared

	mu    sync.Mutex
	known map[string]*list.Element // guarded by mu
	order list.List                // of *rated, the longest unseen in front; guarded by mu
}

type rated struct {
	key    string
	bucket *rate.Limiter
}

// newRates returns nil if there is no limit.
func newRates(name string, limit Rate) *rates {
	if limit.PerSecond <= 0 {
		return nil
	}
	if limit.Burst <= 0 {
		limit.Burst = max(1, int(math.Ceil(limit.PerSecond)))
	}
	window := math.Ceil(float64(limit.Burst) / limit.PerSecond)
	policy := `"` + name + `";q=` + strconv.Itoa(limit.Burst) + `;w=` + strconv.FormatFloat(window, 'f', 0, 64)
	return &rates{name: name, limit: limit, policy: []string{policy}, known: map[string]*list.Element{}}
}

// take counts a request. ok reports whether it may go on; left is the allowance after it.
func (t *rates) take(key string, now time.Time) (ok bool, left float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, seen := t.known[key]
	if !seen {
		if t.order.Len() >= maxRated {
			delete(t.known, t.order.Remove(t.order.Front()).(*rated).key)
		}
		at = t.order.PushBack(&rated{key, rate.NewLimiter(rate.Limit(t.limit.PerSecond), t.limit.Burst)})
		t.known[key] = at
	}
	t.order.MoveToBack(at)
	bucket := at.Value.(*rated).bucket
	ok = bucket.AllowN(now, 1)
	return ok, max(0, bucket.TokensAt(now))
}

// admit counts a request, sets the RateLimit fields
// (draft-ietf-httpapi-ratelimit-headers), and returns the refusal of one too many.
func (t *rates) admit(w *response, key string) error {
	if t == nil {
		return nil
	}
	ok, left := t.take(key, time.Now())
	full := math.Ceil((float64(t.limit.Burst) - left) / t.limit.PerSecond)
	header := w.Header()
	header["Ratelimit-Policy"] = append(header["Ratelimit-Policy"], t.policy...)
	header["Ratelimit"] = append(header["Ratelimit"], `"`+t.name+`";r=`+strconv.Itoa(int(left))+`;t=`+strconv.FormatFloat(full, 'f', 0, 64))
	if ok {
		return nil
	}
	wait := math.Ceil((1 - left) / t.limit.PerSecond)
	w.retryAfter = int32(min(max(1, wait), math.MaxInt32))
	return refusal.New(refusal.TooManyRequests, "More than %s requests a second came from this client; send it again after the time in Retry-After.",
		strconv.FormatFloat(t.limit.PerSecond, 'g', 4, 64))
}

func (h *Handler) rateAddress(w *response, r *http.Request) error {
	if h.access.addresses == nil {
		return nil
	}
	return h.access.addresses.admit(w, addressOf(r))
}

func (h *Handler) rateClient(w *response, who auth.Identity) error {
	if who.Name == "" {
		return nil
	}
	return h.access.clients.admit(w, who.Name)
}

// addressOf returns the address that a request really comes from; headers that claim
// another one are ignored.
func addressOf(r *http.Request) string { return source.Of(r.RemoteAddr).String() }
