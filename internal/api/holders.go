package api

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// holdersJSON says which voting members hold a ballot.
type holdersJSON struct {
	Poll    string   `json:"poll"`
	Voter   string   `json:"voter"`
	Version uint32   `json:"version"`
	Index   uint64   `json:"index"`
	Holders []string `json:"holders"` // that have applied the entry with the ballot, by id
	Others  []string `json:"others"`  // that have not yet, or do not answer
	Needed  int      `json:"needed"`  // a majority: so many keep it whatever happens to the others
}

// getHolders serves which voting members have counted a voter's ballot. It is answered from
// this node's own state where that has the ballot, so it needs no leader.
func (h *Handler) getHolders(w *response, r *http.Request) error {
	id, voter, err := pollAndVoter(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore
	if err := h.cluster.Doubt(); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	receipt, refused := h.ownReceipt(w, id, voter)
	if refused != nil { // it may have been counted elsewhere a moment ago
		if err := h.sync(ctx); err != nil {
			return err
		}
		if receipt, refused = h.ownReceipt(w, id, voter); refused != nil {
			return refused
		}
	}
	status, err := h.shared.holding(ctx, h.cluster.Status, receipt.Index)
	if err != nil {
		return inTime(err, refusal.Unavailable)
	}
	out := holdersJSON{Poll: id, Voter: voter, Version: receipt.Version, Index: receipt.Index, Holders: []string{}, Others: []string{}, Needed: status.Quorum}
	for _, m := range status.Members {
		switch {
		case !m.Votes():
		case holds(&status, m, receipt.Index):
			out.Holders = append(out.Holders, m.ID)
		default:
			out.Others = append(out.Others, m.ID)
		}
	}
	return w.sendJSON(&out)
}

// holds reports whether a member has applied an entry, and is not known to differ.
func holds(s *survey.Status, m survey.Member, index uint64) bool {
	differs := slices.ContainsFunc(s.Findings, func(f survey.Finding) bool { return f.Kind == "digest_differs" && f.Member == m.ID })
	return m.Healthy && m.AppliedIndex >= index && !differs
}

// ownReceipt reads a voter's receipt from this node's state.
func (h *Handler) ownReceipt(w *response, id, voter string) (receipt poll.Receipt, refused *refusal.Error) {
	rules := h.knownRules(id)
	if rules == nil {
		return receipt, refusal.Of(refusal.PollNotFound)
	}
	key := rules.Key(voter)
	h.cluster.Read(func(s *poll.State) {
		receipt, refused = s.Receipt(id, key)
		w.index = s.Index()
	})
	return receipt, refused
}

// sharedLook shares a look at all members among those who want to know who holds a ballot: after
// an election thousands do at once.
type sharedLook struct {
	mu   sync.Mutex
	at   time.Time     // guarded by mu
	last survey.Status // guarded by mu
}

// holding returns a look at the members that was made when one of them had applied index. It is
// no older than holdersEvery, or holdersKept if it shows all voting members to have applied it.
func (l *sharedLook) holding(ctx context.Context, look func(context.Context) (survey.Status, error), index uint64) (survey.Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	has, all := false, true
	for _, m := range l.last.Members {
		if m.Votes() {
			it := m.Healthy && m.AppliedIndex >= index
			has, all = has || it, all && it
		}
	}
	age := time.Since(l.at)
	if has && (age < holdersEvery || all && age < holdersKept) {
		return l.last, nil
	}
	select { // a look at an earlier entry may be young, while many vote
	case <-time.After(holdersGap - age):
	case <-ctx.Done():
		return survey.Status{}, ctx.Err()
	}
	s, err := look(ctx)
	if err != nil {
		return s, err
	}
	l.last, l.at = s, time.Now()
	return s, nil
}
