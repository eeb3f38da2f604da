package api

import (
	"context"
	"errors"
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
	s := &stream{h: h, w: w, control: http.NewResponseController(w), id: id, seen: seen}
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
	info, index, err := h.info(id)
	w.saw(index)
	if err == nil && !info.Visible() {
		err = refusal.Of(refusal.ResultsHidden)
	}
	return info, index, err
}

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
	seen    uint64     // log index of the results that the client has
	phase   poll.Phase // that was sent last
	told    bool       // whether it has been sent anything
	wrote   time.Time
}

func (s *stream) begin() bool {
	_ = s.control.SetReadDeadline(time.Time{}) // a server's ReadTimeout must not end it
	header := s.w.Header()
	header.Set("Content-Type", mediaEvents)
	header["Cache-Control"] = noStore
	header.Set("X-Accel-Buffering", "no") // proxies that know it pass events on at once
	s.w.WriteHeader(http.StatusOK)
	return s.write([]byte("retry: " + strconv.Itoa(streamRetryMillis) + "\n\n"))
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

// run sends the results each time the poll has changed, at the stream's pace.
func (s *stream) run(ctx context.Context) {
	pace := time.NewTicker(s.h.pace)
	defer pace.Stop()
	for {
		index, goOn := s.catchUp(ctx)
		if !goOn || !s.await(ctx, index) {
			return
		}
		// Whatever changes until the tick goes into one event.
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// catchUp sends the results if the client has older ones, and returns the log
// index it looked at.
func (s *stream) catchUp(ctx context.Context) (index uint64, goOn bool) {
	info, index, err := s.h.info(s.id)
	if err != nil || !info.Visible() {
		return index, false // deleted
	}
	if info.Changed <= s.seen && (!s.told || info.Phase == s.phase) {
		s.phase, s.told = info.Phase, true
		return index, true
	}
	now, err := s.h.standing(ctx, info, index)
	if err != nil {
		return index, false
	}
	b := append(make([]byte, 0, 1024), "event: results\nid: "...)
	b = appendMoment(b, now.index, s.h.cluster.ClusterID())
	b = append(b, "\ndata: "...)
	b = append(now.appendJSON(b), '\n') // the JSON is one line and ends it
	s.seen, s.phase, s.told = now.index, now.Phase, true
	return now.index, s.write(b) && now.Phase != poll.Closed
}

// await returns when the state has moved on; meanwhile it keeps the stream alive.
func (s *stream) await(ctx context.Context, index uint64) bool {
	for {
		next := s.wrote.Add(s.h.heartbeat)
		if soon := time.Now().Add(sessionCheck); s.w.session != nil && soon.Before(next) {
			next = soon
		}
		quiet, cancel := context.WithDeadline(ctx, next)
		err := s.h.cluster.Changed(quiet, index)
		late := quiet.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil || s.w.session.still(ctx) != nil:
			return false
		case late && time.Since(s.wrote) < s.h.heartbeat:
		case late:
			if !s.write([]byte(": still here\n\n")) {
				return false
			}
		case err != nil:
			return false
		default:
			return true
		}
	}
}
