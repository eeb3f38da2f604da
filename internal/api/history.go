package api

import (
	"net/http"
	"time"

	"voted/internal/history"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Chronicle is what this node did and saw lately; see history.Recorder.
type Chronicle interface {
	Since(t time.Time) history.History
}

// historyJSON is the answer to a request for the history.
type historyJSON struct {
	Node          string    `json:"node"`
	Now           time.Time `json:"now"`
	SampleSeconds float64   `json:"sample_seconds"`
	history.History
}

// getHistory serves what this node did and saw lately, from its own memory: it needs no
// leader.
func (h *Handler) getHistory(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	if h.chronicle == nil {
		return refusal.New(refusal.NotFound, "This node keeps no history.")
	}
	var since time.Time
	if v := r.URL.Query().Get("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, v); err != nil {
			return malformed("since must be a time such as 2026-12-01T07:12:03Z.")
		}
	}
	out := h.historySince(since)
	w.Header()["Cache-Control"] = noStore
	return w.sendJSON(&out)
}

// Measure adds what this handler has answered since it was made.
func (h *Handler) Measure(r *history.Reading) {
	m := h.metrics
	r.Counted, r.Replaced, r.Replayed = history.CountOf(m.byKind[poll.Counted]), history.CountOf(m.byKind[poll.Replaced]), history.CountOf(m.byKind[poll.Replayed])
	for _, c := range m.byCode {
		r.Refused += history.CountOf(c)
	}
	r.Cast = history.DistributionOf(h.ballots.meters[http.MethodPut].duration)
	r.Streams = history.CountOf(m.subscribers)
}
