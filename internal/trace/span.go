package trace

import (
	"sync"
	"time"
)

// Kind is a span's side of a call; the numbers are OTLP's.
type Kind int32

const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
)

// Span is something that was done for one request, and when. All methods may be called
// on nil, which stands for work that is not traced, and by several goroutines. After
// End they do nothing.
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

// attribute has a text or, if that is empty, a number.
type attribute struct {
	key    string
	text   string
	number int64
}

// Remote returns a span of another process, to be a parent.
func Remote(c SpanContext) *Span {
	if !c.Sampled {
		return nil
	}
	return &Span{context: c, end: time.Unix(0, 1)}
}

// Context identifies the span; the zero value if it is not traced.
func (s *Span) Context() SpanContext {
	if s == nil {
		return SpanContext{}
	}
	return s.context
}

// Start begins a span that is a part of s.
func (t *Tracer) Start(s *Span, name string, kind Kind) *Span {
	if t == nil || s == nil {
		return nil
	}
	child := &Span{tracer: t, context: s.context, parent: s.context.Span, kind: kind, name: name, start: time.Now()}
	child.context.Span = newSpanID()
	return child
}

// Root begins a trace of its own, for rare events. It is always sampled.
func (t *Tracer) Root(name string) *Span {
	if t == nil {
		return nil
	}
	return &Span{tracer: t, context: newRoot(), kind: Internal, name: name, start: time.Now()}
}

// change runs f if the span has not ended.
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

// Rename renames the span, once its purpose is known.
func (s *Span) Rename(name string) { s.change(func() { s.name = name }) }

// Text and Number set an attribute. Values must not name a poll, a voter or a choice.
func (s *Span) Text(key, value string) {
	if value == "" {
		return
	}
	s.change(func() { s.attributes = append(s.attributes, attribute{key: key, text: value}) })
}

// Number is like Text.
func (s *Span) Number(key string, value int64) {
	s.change(func() { s.attributes = append(s.attributes, attribute{key: key, number: value}) })
}

// Link says that another span did a part of this one's work, together with work of
// others.
func (s *Span) Link(to SpanContext) {
	s.change(func() { s.links = append(s.links, to) })
}

// Fail marks the span as failed, with the reason; nil changes nothing.
func (s *Span) Fail(err error) {
	if err != nil {
		s.change(func() { s.failure = err.Error() })
	}
}

// End ends the span and queues it for delivery.
func (s *Span) End() {
	s.change(func() {
		s.end = s.start.Add(time.Since(s.start)) // the wall clock may have jumped
		s.tracer.export(s)
	})
}
