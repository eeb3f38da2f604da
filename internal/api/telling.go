package api

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"voted/internal/poll"
)

// telling is how a poll stood at a log index, as events that are ready to send. All streams
// of the poll share it. It is immutable: forms that nobody has asked for yet are made once.
type telling struct {
	life    string // the cluster that the log index is of
	changed uint64 // log index of the poll's last change
	phase   poll.Phase
	id      []byte // of the event
	results []byte // as one line of JSON, without its end
	event   []byte // the event of the API itself

	encodings interface{ Inc() } // counts what is made
	mu        sync.Mutex
	forms     map[string]func() ([]byte, error) // guarded by mu; the events of renderings, by name
}

// Rendering is another form of a poll's results, for streams whose request asks for it by
// its context. It is made once for all that watch the poll.
type Rendering struct {
	// Name names the form. Renderings of one name must be the same function.
	Name string
	// Render makes the data of the event from results, one line of JSON as in the schema
	// Results, which it must not change. It must depend on nothing else.
	Render func(results []byte) ([]byte, error)
}

type renderingKey struct{}

// WithRendering returns a context for requests for live results: their events then have the
// rendering as data.
func WithRendering(ctx context.Context, r Rendering) context.Context {
	return context.WithValue(ctx, renderingKey{}, &r)
}

// renderingOf returns the rendering that a request asks for, nil if none.
func renderingOf(ctx context.Context) *Rendering {
	r, _ := ctx.Value(renderingKey{}).(*Rendering)
	return r
}

// tell encodes how a poll stands at info or later.
func (h *Handler) tell(ctx context.Context, info poll.Info, index uint64) (*telling, error) {
	now, err := h.standing(ctx, info, index)
	if err != nil {
		return nil, err
	}
	h.metrics.encodings.Inc()
	life := h.cluster.ClusterID()
	t := &telling{
		life: life, changed: now.Changed, phase: now.Phase,
		id:        appendMoment(nil, now.index, life),
		results:   bytes.TrimSuffix(now.appendJSON(nil), []byte("\n")),
		encodings: h.metrics.encodings, forms: map[string]func() ([]byte, error){},
	}
	t.event = t.eventOf(t.results)
	return t, nil
}

// last reports whether nothing follows: the result is certified. Of nil it reports false.
func (t *telling) last() bool { return t != nil && t.phase == poll.Closed }

// eventOf writes an event. Each line of data has a line of its own in it.
func (t *telling) eventOf(data []byte) []byte {
	b := make([]byte, 0, len(data)+64)
	b = append(b, "event: results\nid: "...)
	b = append(b, t.id...)
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		b = append(append(b, "\ndata: "...), line...)
	}
	return append(b, "\n\n"...)
}

// as returns the event in the form of a rendering, nil for the API's own.
func (t *telling) as(r *Rendering) ([]byte, error) {
	if r == nil {
		return t.event, nil
	}
	t.mu.Lock()
	form := t.forms[r.Name]
	if form == nil {
		form = sync.OnceValues(func() ([]byte, error) {
			t.encodings.Inc()
			data, err := r.Render(t.results)
			if err != nil {
				return nil, fmt.Errorf("results cannot be shown as %s: %w", r.Name, err)
			}
			return t.eventOf(data), nil
		})
		t.forms[r.Name] = form
	}
	t.mu.Unlock()
	return form()
}
