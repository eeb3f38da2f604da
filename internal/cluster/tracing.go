package cluster

import (
	"context"

	"voted/internal/fsm"
	"voted/internal/trace"
)

// Spans of one traced ballot that a follower took, each within the one before:
//
//	follower  PUT … · batch · call propose
//	leader    propose · entry · append, apply
//
// Many ballots share a batch and many batches an entry. What is shared is part of the
// first one's trace, and the spans of the others link to it.

// begin begins a part of what ctx carries. Without a tracer, and for what is not
// sampled, it costs next to nothing and returns nil.
func (n *Node) begin(ctx context.Context, name string, kind trace.Kind) (context.Context, *trace.Span) {
	if n.opts.Tracer == nil {
		return ctx, nil
	}
	carried := trace.From(ctx)
	span := n.opts.Tracer.Start(carried.Span, name, kind)
	if span == nil {
		return ctx, nil
	}
	return trace.With(ctx, trace.Carried{ID: carried.ID, Span: span}), span
}

// spanOf is what ctx carries, nil where nothing is traced.
func (n *Node) spanOf(ctx context.Context) *trace.Span {
	if n.opts.Tracer == nil {
		return nil
	}
	return trace.From(ctx).Span
}

// end ends a span of something that may have failed.
func end(s *trace.Span, err error) {
	if s != nil {
		s.Fail(err)
		s.End()
	}
}

// traceEntry begins the span of an entry that holds several frames.
func (n *Node) traceEntry(packed []*proposal, entry []byte, ballots int) *trace.Span {
	if n.opts.Tracer == nil {
		return nil
	}
	var span *trace.Span
	for _, x := range packed {
		switch {
		case x.span == nil:
		case span == nil:
			span = n.opts.Tracer.Start(x.span, "entry", trace.Internal)
		default:
			x.span.Link(span.Context())
		}
	}
	if span != nil {
		span.Number("voted.entry.ballots", int64(ballots))
		span.Number("voted.entry.batches", int64(len(packed)))
		n.followEntry(span, entry)
	}
	return span
}

// followEntry has it noted when an entry that is traced is appended and applied.
func (n *Node) followEntry(span *trace.Span, entry []byte) {
	if span != nil {
		n.busy.traced.follow(span, entry)
	}
}

// endEntry ends the span of an entry whose fate is known.
func (n *Node) endEntry(span *trace.Span, entry []byte, a fsm.Applied, err error) {
	if span == nil {
		return
	}
	n.busy.traced.forget(span)
	span.Number("voted.entry.bytes", int64(len(entry)))
	span.Number("voted.term", int64(n.raft.CurrentTerm()))
	if err == nil {
		span.Number("voted.log_index", int64(a.Index))
	}
	end(span, err)
}
