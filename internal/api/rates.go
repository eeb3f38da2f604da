package api

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"voted/internal/auth"
	"voted/internal/poll"
)

// Rate bounds requests: Burst at once, and PerSecond on average. The zero value
// is no bound.
type Rate struct {
	PerSecond float64
	Burst     int // default: what comes in a second
}

// Limits are how much of a node one client may take.
type Limits struct {
	// PerAddress bounds the requests from one address (IPv6: one /64), before
	// anything of them is looked at. A forwarded address is never believed: behind
	// a proxy all clients have one address.
	PerAddress Rate
	// PerClient bounds the requests with one credential.
	PerClient Rate
}

// maxRated bounds the clients that a table of rates remembers. One that is
// forgotten begins anew with a full allowance; with so many, that is rare.
const maxRated = 65_536

// rates limits each of many clients.
type rates struct {
	name   string // of the policy, in the header fields
	limit  Rate
	policy []string // the value of RateLimit-Policy, shared

	mu    sync.Mutex
	known map[string]*list.Element // under mu
	order list.List                // of *rated, the longest unseen in front; under mu
}

type rated struct {
	key    string
	bucket *rate.Limiter
}

// newRates returns nil where nothing is to be limited.
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

// take counts a request and returns what is left: whether it may go on, and the
// allowance after it.
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

// admit counts a request and says in the RateLimit fields (draft-ietf-httpapi-ratelimit-headers)
// how much is left.
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
	w.retryAfter = max(1, int(wait))
	return poll.Refuse(poll.CodeTooManyRequests, "More than %s requests a second came from this client; send it again after the time in Retry-After.",
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

// addressOf returns the address that a request really comes from; headers that
// claim another one are not looked at. All of an IPv6 /64 belongs to one client.
func addressOf(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return addr.String()
}
