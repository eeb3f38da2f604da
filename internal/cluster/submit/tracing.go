package submit

import (
	"voted/internal/fsm"
	"voted/internal/trace"
)

// Spans of one traced ballot that a follower took, each within the one before:
//
//	follower  PUT … · batch · call propose
//	leader    propose · entry
//
// Many ballots share a batch and many batches an entry. What is shared is part of the
// first one's trace, and the spans of the others link to it.

// traceEntry begins the span of an entry that holds several frames.
func (s *Submitter) traceEntry(packed []*proposal, ballots int) *trace.Span {
	if s.Tracer == nil {
		return nil
	}
	var span *trace.Span
	for _, x := range packed {
		switch {
		case x.span == nil:
		case span == nil:
			span = s.Tracer.Start(x.span, "entry", trace.Internal)
		default:
			x.span.Link(span.Context())
		}
	}
	if span != nil {
		span.Number("voted.entry.ballots", int64(ballots))
		span.Number("voted.entry.batches", int64(len(packed)))
	}
	return span
}

// endEntry ends the span of an entry whose fate is known.
func (s *Submitter) endEntry(span *trace.Span, bytes int, a fsm.Applied, err error) {
	if span == nil {
		return
	}
	span.Number("voted.entry.bytes", int64(bytes))
	span.Number("voted.term", int64(s.Replica.Term()))
	if err == nil {
		span.Number("voted.log_index", int64(a.Index))
	}
	span.EndWith(err)
}
