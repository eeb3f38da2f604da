package api

import (
	"net/http"
	"sync"

	"voted/internal/auth"
	"voted/internal/refusal"
)

// How many requests one credential may have under way, so that it cannot starve the
// others.
const (
	// maxCastsPerClient is a quarter of the ballots that a member queues.
	maxCastsPerClient = 25_000
	// bulkShare is the part of the bulk uploads: one in bulkShare.
	bulkShare = 4
	// maxPerVoter is enough for all devices of one voter.
	maxPerVoter = 8
)

// shares counts what each credential has under way.
type shares struct {
	maxBulk int

	mu    sync.Mutex
	taken map[shareKey]int // guarded by mu; only of requests under way, so the connections bound it
}

type shareKey struct {
	client string
	bulk   bool
}

func newShares(maxBulk int) shares {
	return shares{maxBulk: max(1, maxBulk/bulkShare), taken: map[shareKey]int{}}
}

// share takes a place for a request that casts; leave gives it back.
func (h *Handler) share(who auth.Identity, template, method string) (leave func(), err error) {
	bulk := template == "/v1/polls/{poll}/ballots" && method == http.MethodPost
	if who.Name == "" || !bulk && !who.Roles.Has(auth.Voter) && (h.ballots == nil || template != h.ballots.template) {
		return func() {}, nil
	}
	s := &h.access.shares
	limit := maxCastsPerClient
	switch {
	case who.Roles.Has(auth.Voter):
		limit = maxPerVoter
	case bulk:
		limit = s.maxBulk
	}
	key := shareKey{who.Name, bulk}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key] >= limit {
		return nil, refusal.New(refusal.TooManyRequests, "This credential has %d such requests under way, which is its share; wait for some to be answered.", limit)
	}
	s.taken[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[key]--; s.taken[key] == 0 {
			delete(s.taken, key)
		}
	}, nil
}
