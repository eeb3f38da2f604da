package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"voted/internal/history"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// clusterEvents shares one look at the cluster a second among all who watch it.
type clusterEvents struct {
	mu   sync.Mutex
	at   time.Time     // when last was made; guarded by mu
	last *clusterEvent // guarded by mu
}

// clusterEvent is how the cluster was at a moment, ready to send. It is immutable.
type clusterEvent struct {
	event []byte
	whole func() []byte // the data with the whole history, for renderings
	forms forms
}

// clusterJSON is the data of an event. Status is nil while this node has none; Problem then says why.
type clusterJSON struct {
	Status  *survey.Status `json:"status,omitempty"`
	Problem string         `json:"problem,omitempty"`
	History historyJSON    `json:"history"`
}

// streamCluster serves how the cluster is, once a second, as Server-Sent Events. It needs no leader.
func (h *Handler) streamCluster(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaEvents); err != nil {
		return err
	}
	if h.chronicle == nil {
		return refusal.New(refusal.NotFound, "This node keeps no history.")
	}
	if !h.streams.take() {
		return refusal.New(refusal.TooManyRequests, "This node serves all the live streams it can; try another one, or poll /v1/cluster.")
	}
	defer h.streams.give()
	ctx, cancel := context.WithCancel(&w.ctx)
	defer cancel()
	defer context.AfterFunc(h.draining, cancel)()
	s := &stream{h: h, w: w, control: http.NewResponseController(w), form: renderingOf(r.Context())}
	if !s.begin() || r.Method == http.MethodHead {
		return nil
	}
	for {
		now, err := h.watched.look(ctx, h)
		if err != nil {
			return nil // the stream has begun, and its client has gone away or the node ends
		}
		event, err := now.as(s.form)
		if err != nil {
			h.log.Error("a stream ends", "request_id", w.id, "error", err)
			return nil
		}
		if !s.write(event) || !waitUntil(ctx, s.wrote.Add(clusterPace)) || w.session.still(ctx) != nil {
			return nil
		}
	}
}

// look returns a look that is at most a pace old. Those who come while one is made wait for it.
func (c *clusterEvents) look(ctx context.Context, h *Handler) (*clusterEvent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if time.Since(c.at) < clusterPace-clusterPace/10 {
		return c.last, nil
	}
	// Those who wait for the lock need the look as much as the one that takes it.
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	var now clusterJSON
	s, err := h.cluster.Status(looking)
	if err == nil {
		if s.Findings == nil {
			s.Findings = []survey.Finding{}
		}
		now.Status = &s
	} else {
		now.Problem = "The cluster cannot be looked at right now."
		var refused *refusal.Error
		if errors.As(err, &refused) && refused.Code != refusal.Internal {
			now.Problem = sentence(refused)
		}
	}
	h.metrics.encodings.Inc()
	at := time.Now()
	now.History = h.historySince(at.Add(-clusterTail))
	data := marshal(&now)
	c.last = &clusterEvent{
		event: eventOf("cluster", nil, data),
		whole: sync.OnceValue(func() []byte {
			all := now
			all.History = h.historySince(time.Time{})
			return marshal(&all)
		}),
		forms: forms{encodings: h.metrics.encodings},
	}
	c.at = at
	return c.last, nil
}

// as returns the event in the form of a rendering, nil for the API's own.
func (e *clusterEvent) as(r *Rendering) ([]byte, error) {
	if r == nil {
		return e.event, nil
	}
	return e.forms.of(r, e.whole, func(data []byte) []byte { return eventOf("cluster", nil, data) })
}

func (h *Handler) historySince(t time.Time) historyJSON {
	return historyJSON{Node: h.cluster.ID(), Now: time.Now().UTC(), SampleSeconds: history.SampleEvery.Seconds(), History: h.chronicle.Since(t)}
}
