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

	forms forms
}

// forms are the events of renderings of one thing, each made when it is first asked for.
type forms struct {
	encodings interface{ Inc() } // counts what is made
	mu        sync.Mutex
	made      map[string]func() ([]byte, error) // by the name of the rendering; guarded by mu
}

// Rendering is another form of a poll's results, or of the cluster's state, for streams whose
// request asks for it by its context. It is made once for all who watch the same.
type Rendering struct {
	// Name names the form. Renderings of one name must be the same function.
	Name string
	// Render makes the data of the event from one line of JSON, which it must not change: as
	// in the schema Results, or as in an event of the cluster, with the whole history. It must
	// depend on nothing else.
	Render func(data []byte) ([]byte, error)
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
		id:      appendMoment(nil, now.index, life),
		results: bytes.TrimSuffix(now.appendJSON(nil), []byte("\n")),
		forms:   forms{encodings: h.metrics.encodings},
	}
	t.event = eventOf("results", t.id, t.results)
	return t, nil
}

// last reports whether nothing follows: the result is certified. Of nil it reports false.
func (t *telling) last() bool { return t != nil && t.phase == poll.Closed }

// eventOf writes an event; id may be nil. Each line of data has a line of its own in it.
func eventOf(kind string, id, data []byte) []byte {
	b := make([]byte, 0, len(data)+64)
	b = append(append(b, "event: "...), kind...)
	if id != nil {
		b = append(append(b, "\nid: "...), id...)
	}
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
	return t.forms.of(r, func() []byte { return t.results }, func(data []byte) []byte { return eventOf("results", t.id, data) })
}

// of returns the event of a rendering. All who ask for one wait until it is made.
func (f *forms) of(r *Rendering, source func() []byte, event func(data []byte) []byte) ([]byte, error) {
	f.mu.Lock()
	made := f.made[r.Name]
	if made == nil {
		made = sync.OnceValues(func() ([]byte, error) {
			f.encodings.Inc()
			data, err := r.Render(source())
			if err != nil {
				return nil, fmt.Errorf("%s cannot be rendered: %w", r.Name, err)
			}
			return event(data), nil
		})
		if f.made == nil {
			f.made = map[string]func() ([]byte, error){}
		}
		f.made[r.Name] = made
	}
	f.mu.Unlock()
	return made()
}
