package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"voted/internal/auth"
	"voted/internal/rates"
	"voted/internal/refusal"
	"voted/internal/source"
)

// Rate bounds requests. The zero value is no bound.
type Rate = rates.Rate

// Limits are how much of a node one client may take.
type Limits struct {
	// PerAddress bounds the requests from one address (IPv6: one /64), before they are read.
	// Forwarded addresses are not trusted: behind a proxy all clients have one address.
	PerAddress Rate
	// PerClient bounds the requests with one credential.
	PerClient Rate
}

// limiter limits each of many clients, and tells them so.
type limiter struct {
	*rates.Table
	name   string   // of the policy, in the header fields
	policy []string // the value of RateLimit-Policy, shared
}

// newLimiter returns nil if there is no limit.
func newLimiter(name string, limit Rate) *limiter {
	table := rates.New(limit)
	if table == nil {
		return nil
	}
	limit = table.Limit()
	window := math.Ceil(float64(limit.Burst) / limit.PerSecond)
	policy := `"` + name + `";q=` + strconv.Itoa(limit.Burst) + `;w=` + strconv.FormatFloat(window, 'f', 0, 64)
	return &limiter{table, name, []string{policy}}
}

// admit counts a request, sets the RateLimit fields
// (draft-ietf-httpapi-ratelimit-headers), and returns the refusal of one too many.
func (t *limiter) admit(w *response, key string) error {
	if t == nil {
		return nil
	}
	ok, left := t.Take(key, time.Now())
	limit := t.Limit()
	full := math.Ceil((float64(limit.Burst) - left) / limit.PerSecond)
	header := w.Header()
	header["Ratelimit-Policy"] = append(header["Ratelimit-Policy"], t.policy...)
	header["Ratelimit"] = append(header["Ratelimit"], `"`+t.name+`";r=`+strconv.Itoa(int(left))+`;t=`+strconv.FormatFloat(full, 'f', 0, 64))
	if ok {
		return nil
	}
	w.retryAfter = t.Wait(left)
	return refusal.New(refusal.TooManyRequests, "More than %s requests a second came from this client; send it again after the time in Retry-After.",
		strconv.FormatFloat(limit.PerSecond, 'g', 4, 64))
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
