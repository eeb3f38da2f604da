package trace

import (
	"context"
	"log/slog"
)

// Begin begins a span that is a part of the span in ctx. It returns nil, at almost no
// cost, without a tracer and for a request that is not sampled.
func (t *Tracer) Begin(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	carried := From(ctx)
	span := t.Start(carried.Span, name, kind)
	if span == nil {
		return ctx, nil
	}
	return With(ctx, Carried{ID: carried.ID, Span: span}), span
}

// Of returns the span that ctx carries, nil if nothing is traced.
func (t *Tracer) Of(ctx context.Context) *Span {
	if t == nil {
		return nil
	}
	return From(ctx).Span
}

// EndWith ends the span of work that may have failed.
func (s *Span) EndWith(err error) {
	if s != nil {
		s.Fail(err)
		s.End()
	}
}

// Logger returns log, with the id of the request that ctx carries.
func Logger(ctx context.Context, log *slog.Logger) *slog.Logger {
	if id := From(ctx).ID; id != "" {
		return log.With("request_id", id)
	}
	return log
}
