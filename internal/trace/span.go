package trace

import (
	"sync"
	"time"
)

// Kind says on which side of a call a span stands; the numbers are OTLP's.
type Kind int32

const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
)

// Span is something that was done for one request, and when. All methods may be
// called on nil, which is how work that nobody traces is written down, and by several
// goroutines; after End they do nothing.
type Span struct {
	tracer  *Tracer // nil: the span is another process's
	context SpanContext
	parent  SpanID
	kind    Kind
	start   time.Time

	mu         sync.Mutex
	name       string
	end        time.Time // zero until it has ended
	attributes []attribute
	links      []SpanContext
	failure    string // what went wrong; empty: nothing
}

// attribute has a text or, where that is empty, a number.
type attribute struct {
	key    string
	text   string
	number int64
}

// Remote stands for a span of another process, as a parent.
func Remote(c SpanContext) *Span {
	if !c.Sampled {
		return nil
	}
	return &Span{context: c, end: time.Unix(0, 1)}
}

// Context names the span; the zero value where nothing is traced.
func (s *Span) Context() SpanContext {
	if s == nil {
		return SpanContext{}
	}
	return s.context
}

// Start begins a part of what s stands for.
func (t *Tracer) Start(s *Span, name string, kind Kind) *Span {
	if t == nil || s == nil {
		return nil
	}
	child := &Span{tracer: t, context: s.context, parent: s.context.Span, kind: kind, name: name, start: time.Now()}
	child.context.Span = newSpanID()
	return child
}

// Root begins a trace of its own, for what happens seldom: it is always sampled.
func (t *Tracer) Root(name string) *Span {
	if t == nil {
		return nil
	}
	return &Span{tracer: t, context: newRoot(), kind: Internal, name: name, start: time.Now()}
}

// change does something to a span that has not ended.
func (s *Span) change(f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end.IsZero() {
		f()
	}
}

// Rename names the span, once it is known what it is.
func (s *Span) Rename(name string) { s.change(func() { s.name = name }) }

// Text and Number set an attribute. Values must not name a poll, a voter or a choice.
func (s *Span) Text(key, value string) {
	if value == "" {
		return
	}
	s.change(func() { s.attributes = append(s.attributes, attribute{key: key, text: value}) })
}

// Number is as Text.
func (s *Span) Number(key string, value int64) {
	s.change(func() { s.attributes = append(s.attributes, attribute{key: key, number: value}) })
}

// Link says that another span did a part of this one's work together with that of
// others.
func (s *Span) Link(to SpanContext) {
	s.change(func() { s.links = append(s.links, to) })
}

// Fail says that it went wrong, and how; nil changes nothing.
func (s *Span) Fail(err error) {
	if err != nil {
		s.change(func() { s.failure = err.Error() })
	}
}

// End ends the span and hands it to the exporter.
func (s *Span) End() {
	s.change(func() {
		s.end = s.start.Add(time.Since(s.start)) // the wall clock may have jumped
		s.tracer.export(s)
	})
}
