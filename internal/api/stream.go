package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// streamResults serves live results as Server-Sent Events. It returns after the
// certified result, when the client goes away or its credential ends, and on Drain.
func (h *Handler) streamResults(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaEvents); err != nil {
		return err
	}
	if !h.streams.take() {
		return refusal.New(refusal.TooManyRequests, "This node serves all the live streams it can; try another one, or poll …/results.")
	}
	defer h.streams.give()
	info, index, err := h.firstInfo(w, r, id)
	if err != nil {
		return err
	}
	seen := lastEventID(r, index, h.cluster.ClusterID())
	if info.Phase == poll.Closed && info.Changed <= seen {
		// Browsers connect again after the end of a stream; 204 stops them.
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h.metrics.subscribers.Inc()
	defer h.metrics.subscribers.Dec()
	ctx, cancel := context.WithCancel(&w.ctx)
	defer cancel()
	defer context.AfterFunc(h.draining, cancel)()
	s := &stream{h: h, w: w, control: http.NewResponseController(w), id: id, form: renderingOf(r.Context()), need: info.Changed, seen: seen}
	if s.begin() && r.Method != http.MethodHead {
		s.run(ctx)
	}
	return nil
}

// firstInfo reads the poll for a new subscriber, linearizably, and the log index that it
// reflects.
func (h *Handler) firstInfo(w *response, r *http.Request, id string) (poll.Info, uint64, error) {
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return poll.Info{}, 0, err
	}
	info, index, err := h.watchable(id)
	w.saw(index)
	return info, index, err
}

// errHidden refuses results that are not shown yet.
var errHidden = refusal.Of(refusal.ResultsHidden)

// lastEventID reads the log index at which an earlier stream ended. It returns 0, as for
// a new subscriber, if the value is no id, was sent by another cluster, or is ahead of
// the log.
func lastEventID(r *http.Request, index uint64, life string) uint64 {
	n, ok := readMoment(r.Header.Get("Last-Event-Id"), life)
	if !ok || n > index {
		return 0
	}
	return n
}

// stream is one subscriber. It belongs to the goroutine of its request.
type stream struct {
	h       *Handler
	w       *response
	control *http.ResponseController
	id      string
	form    *Rendering // nil: the API's own
	need    uint64     // log index of a change that the first event must reflect
	seen    uint64     // log index of the results that the client has
	phase   poll.Phase // that was sent last
	told    bool       // whether it has been sent anything, or has seen it all
	wrote   time.Time
}

func (s *stream) begin() bool {
	_ = s.control.SetReadDeadline(time.Time{}) // a server's ReadTimeout must not end it
	header := s.w.Header()
	header.Set("Content-Type", mediaEvents)
	header["Cache-Control"] = noStore
	header.Set("X-Accel-Buffering", "no") // proxies that know it pass events on at once
	s.w.WriteHeader(http.StatusOK)
	retry := minStreamRetry + rand.N(maxStreamRetry-minStreamRetry)
	return s.write([]byte("retry: " + strconv.FormatInt(retry.Milliseconds(), 10) + "\n\n"))
}

// write sends and flushes, and reports whether the client is still there.
func (s *stream) write(b []byte) bool {
	s.wrote = time.Now()
	_ = s.control.SetWriteDeadline(s.wrote.Add(writeTimeout)) // recorders in tests have none
	if _, err := s.w.Write(b); err != nil {
		return false
	}
	err := s.control.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// alive is an event, since scripts in browsers cannot see a comment. It has no id, so that
// a client goes on after the results it has.
var alive = []byte("event: alive\ndata: {}\n\n")

// run sends what the poll's teller tells, until the stream ends.
func (s *stream) run(ctx context.Context) {
	l := s.h.tellers.join(s.id, s.need)
	if l == nil {
		return
	}
	defer s.h.tellers.leave(l)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if !s.show(l.teller.newest.Load()) {
			return
		}
		timer.Reset(time.Until(s.next()))
		select {
		case <-l.wake:
		case <-l.teller.over:
			s.show(l.teller.newest.Load())
			return
		case <-timer.C:
			if time.Since(s.wrote) >= s.h.heartbeat && !s.write(alive) {
				return
			}
		case <-ctx.Done():
			return
		}
		if s.w.session.still(ctx) != nil {
			return
		}
	}
}

// next is when to look again at the latest: at the client, or at its credential.
func (s *stream) next() time.Time {
	next := s.wrote.Add(s.h.heartbeat)
	if soon := time.Now().Add(sessionCheck); s.w.session != nil && soon.Before(next) {
		return soon
	}
	return next
}

// show sends what was told if the client has older results, and reports whether the stream
// goes on. Nothing was told yet if now is nil.
func (s *stream) show(now *telling) bool {
	if now == nil || now.changed < s.need {
		return true
	}
	known := now.changed <= s.seen && (!s.told || now.phase == s.phase)
	s.phase, s.told = now.phase, true
	if known {
		return !now.last()
	}
	event, err := now.as(s.form)
	if err != nil {
		s.h.log.Error("a stream ends", "request_id", s.w.id, "poll", s.id, "error", err)
		return false
	}
	s.seen = now.changed
	return s.write(event) && !now.last()
}
