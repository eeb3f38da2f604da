package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// rollJSON is a roll in numbers. It has the numbers of those who voted only if results
// are visible.
type rollJSON struct {
	Poll           string  `json:"poll"`
	Index          uint64  `json:"index"`
	Eligible       uint64  `json:"eligible"`
	EligibleWeight uint64  `json:"eligible_weight"`
	Voted          *uint64 `json:"voted,omitzero"`
	VotedWeight    *uint64 `json:"voted_weight,omitzero"`
}

// getRoll serves a roll in numbers.
func (h *Handler) getRoll(w *response, r *http.Request) error {
	return h.onPoll(w, r, func(ctx context.Context, id string) error {
		if err := h.sync(ctx); err != nil {
			return err
		}
		info, index, err := h.info(id)
		w.saw(index)
		if err != nil {
			return err
		}
		if info.Rules.Eligibility != poll.OnRoll {
			return refusal.Of(refusal.RollNotFound)
		}
		t := info.Turnout
		body := rollJSON{Poll: id, Index: index, Eligible: t.Eligible, EligibleWeight: t.EligibleWeight}
		if info.Visible() {
			body.Voted, body.VotedWeight = &t.Voted, &t.VotedWeight
		}
		return w.sendJSON(body)
	})
}

// enrolledJSON is one voter on a roll.
type enrolledJSON struct {
	Poll     string `json:"poll"`
	Voter    string `json:"voter"`
	Weight   uint32 `json:"weight"`
	Eligible bool   `json:"eligible"`
	Voted    bool   `json:"voted"`
	Index    uint64 `json:"index"`
}

// getEnrolled serves one voter's entry on a roll.
func (h *Handler) getEnrolled(w *response, r *http.Request) error {
	return h.onEnrolled(w, r, func(ctx context.Context, id, voter string, key poll.VoterKey, index uint64) error {
		var e poll.Enrolled
		var refused *refusal.Error
		h.cluster.Read(func(s *poll.State) { e, refused = s.Enrolled(id, key) })
		if refused != nil {
			return refused
		}
		return w.sendJSON(enrolledJSON{Poll: id, Voter: voter, Weight: e.Weight, Eligible: !e.Dropped, Voted: e.Voted, Index: e.Index})
	})
}

// dropEnrolled serves DELETE of one voter: further ballots of theirs are refused.
func (h *Handler) dropEnrolled(w *response, r *http.Request) error {
	return h.onEnrolled(w, r, func(ctx context.Context, id, voter string, key poll.VoterKey, index uint64) error {
		since, err := sinceOf(r, index)
		if err != nil {
			return err
		}
		if _, err := h.execute(ctx, w, poll.Drop{Poll: id, Since: since, Key: key}); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// onEnrolled decodes a request that names a voter on a roll. index is a log index up to
// which this node has seen everything.
func (h *Handler) onEnrolled(w *response, r *http.Request, do func(ctx context.Context, id, voter string, key poll.VoterKey, index uint64) error) error {
	return h.onPoll(w, r, func(ctx context.Context, id string) error {
		voter, err := voterID(r)
		if err != nil {
			return err
		}
		rules, index, err := h.rollRules(ctx, id)
		if err != nil {
			return err
		}
		w.saw(index)
		return do(ctx, id, voter, rules.Key(voter), index)
	})
}

// rollRules returns the definition of a poll with a roll, and a log index up to
// which this node has seen everything that was acknowledged before.
func (h *Handler) rollRules(ctx context.Context, id string) (rules *poll.Rules, index uint64, err error) {
	if err := h.sync(ctx); err != nil {
		return nil, 0, err
	}
	h.cluster.Read(func(s *poll.State) { rules, index = s.Rules(id), s.Index() })
	switch {
	case rules == nil:
		return nil, 0, refusal.Of(refusal.PollNotFound)
	case rules.Eligibility != poll.OnRoll:
		return nil, 0, refusal.Of(refusal.RollNotFound)
	}
	return rules, index, nil
}

// sinceOf returns the log index that a change of a roll is based on: the client's, if it
// sends one, so that its retry does not undo a change that came in between.
func sinceOf(r *http.Request, index uint64) (uint64, error) {
	v := r.URL.Query()
	if !v.Has("since") {
		return index, nil
	}
	since, err := strconv.ParseUint(v.Get("since"), 10, 64)
	if err != nil || since > index {
		return 0, sinceUnknown()
	}
	return since, nil
}

func sinceUnknown() *refusal.Error { return malformed("since must be the index of an earlier answer.") }

// sendJSON writes a value as the body of a 200.
func (w *response) sendJSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.send(http.StatusOK, typeJSON, append(body, '\n'))
	return nil
}
