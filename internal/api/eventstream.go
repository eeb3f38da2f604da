package api

import (
	"context"
	"net/http"
)

// streamEvents serves the journal as Server-Sent Events, from this node's own state. It
// returns when the client goes away or its credential ends, on Drain, and where the client
// is so slow that what comes next is no longer kept.
func (h *Handler) streamEvents(w *response, r *http.Request, q eventQuery) error {
	if !h.streams.take() {
		return tooManyStreams()
	}
	defer h.streams.give()
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil { // this node may be behind the event that the client has
		return err
	}
	if err := h.beginning(&q); err != nil {
		return err
	}
	found, err := h.readEvents(&q)
	if err != nil {
		return err
	}
	w.index = found.index
	h.metrics.eventStreams.Inc()
	defer h.metrics.eventStreams.Dec()
	lasting, end := context.WithCancel(&w.ctx)
	defer end()
	defer context.AfterFunc(h.draining, end)()
	s := &stream{h: h, w: w, control: http.NewResponseController(w)}
	if s.begin() && r.Method != http.MethodHead {
		s.runEvents(lasting, &q)
	}
	return nil
}

// runEvents sends what comes after q.after.
func (s *stream) runEvents(ctx context.Context, q *eventQuery) {
	for ctx.Err() == nil && s.h.draining.Err() == nil && s.w.session.still(ctx) == nil {
		found, err := s.h.readEvents(q)
		if err != nil || !s.sendEvents(ctx, found) {
			return
		}
		q.after = found.seen
		if found.seen == found.newest && !s.awaitEvents(ctx, found.newest) {
			return
		}
	}
}

// sendEvents sends events, and reports whether the client is still there.
func (s *stream) sendEvents(ctx context.Context, found foundEvents) bool {
	cluster, render := s.h.cluster.ClusterID(), s.h.Renderer()
	for i, e := range found.events {
		text, err := render.Event(ctx, e, found.polls[i])
		if err != nil {
			return false // it goes on from the last event when it connects again
		}
		b := append(make([]byte, 0, len(text)+128), "event: "...)
		b = append(append(b, e.Kind.String()...), "\nid: "...)
		b = append(appendMoment(b, e.Number, cluster), "\ndata: "...)
		if !s.write(append(append(b, text...), '\n', '\n')) {
			return false
		}
	}
	return true
}

// awaitEvents returns when the journal is beyond an event; meanwhile it keeps the stream
// alive.
func (s *stream) awaitEvents(ctx context.Context, newest uint64) bool {
	for {
		quiet, cancel := context.WithDeadline(ctx, s.wrote.Add(s.h.heartbeat))
		came := s.h.awaitEvent(quiet, s.w, newest)
		late := quiet.Err() != nil
		cancel()
		switch {
		case came:
			return true
		case ctx.Err() != nil || !late: // the credential ended
			return false
		case !s.write([]byte(": still here\n\n")):
			return false
		}
	}
}
