package api

import (
	"context"
	"net/http"
	"strconv"

	"voted/internal/refusal"
)

// getResults serves the tally of a poll.
func (h *Handler) getResults(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	f, err := chosenFormat(r, resultFormats)
	if err != nil {
		return err
	}
	stale, err := wantsStale(r)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.upToDate(ctx, w, stale); err != nil {
		return err
	}
	s, err := h.visibleStanding(ctx, w, id)
	if err != nil {
		return err
	}
	w.saw(s.index)
	tag := s.tag(h.cluster.ClusterID(), f)
	header := w.Header()
	header["Etag"] = []string{tag}
	header.Add("Vary", "Accept")
	if ifNoneMatch(r.Header["If-None-Match"], tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if f == resultFormats[0] {
		w.send(http.StatusOK, typeJSON, s.appendJSON(nil))
		return nil
	}
	body, err := s.file(f)
	if err != nil {
		delete(header, "Etag") // it is not that of the refusal
		return err
	}
	mediaType := []string{f.mediaType}
	if f.mediaType == mediaText {
		mediaType = typeText
	}
	w.send(http.StatusOK, mediaType, body)
	return nil
}

// upToDate makes the reads that follow linearizable; stale ones say how old they may be.
func (h *Handler) upToDate(ctx context.Context, w *response, stale bool) error {
	if !stale {
		return h.sync(ctx)
	}
	if err := h.cluster.Doubt(); err != nil {
		return err
	}
	w.Header().Set("Voted-Age", strconv.FormatFloat(h.cluster.Age().Seconds(), 'f', 3, 64))
	return nil
}

func wantsStale(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("consistency") {
	case "", "linearizable":
		return false, nil
	case "stale":
		return true, nil
	}
	return false, malformed("consistency must be linearizable or stale.")
}

// visibleStanding returns how a poll stands, if the results are visible.
func (h *Handler) visibleStanding(ctx context.Context, w *response, id string) (*standing, error) {
	info, index, err := h.info(id)
	w.saw(index)
	if err != nil {
		return nil, err
	}
	if !info.Visible() {
		return nil, refusal.Of(refusal.ResultsHidden)
	}
	return h.standing(ctx, info, index)
}

// tag identifies a standing by the log index of the poll's last change, in this life of
// the cluster, and by the phase, since a poll opens by the clock alone. It is weak,
// because the index that an answer reflects moves on with other polls. Formats other than
// JSON have tags of their own.
func (s *standing) tag(life string, f format) string {
	b := append(make([]byte, 0, 64), `W/"`...)
	b = append(appendMoment(b, s.Changed, life), '-')
	b = append(b, s.Phase.String()...)
	if f != resultFormats[0] {
		b = append(append(b, '-'), f.name...)
	}
	return string(append(b, '"'))
}
