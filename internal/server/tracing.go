package server

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/trace"
)

// Tracing says where the spans of requests go. Its zero value traces nothing.
type Tracing struct {
	// OTLPEndpoint is the base URL of an OTLP/HTTP receiver; default: nothing is traced.
	OTLPEndpoint string
	// OTLPHeaders are KEY=VALUE,…, sent with each delivery.
	OTLPHeaders string
	// TraceRatio is the share of the requests that are traced where clients do not
	// say, 0 to 1.
	TraceRatio float64
}

// lastSpans is how long the receiver is waited for at the end.
const lastSpans = 2 * time.Second

// openTracer starts to trace, if that was asked for.
func (s *Server) openTracer(registry prometheus.Registerer) (err error) {
	o := s.opts
	if o.OTLPEndpoint == "" {
		return nil
	}
	s.tracer, err = trace.New(trace.Options{
		Endpoint: o.OTLPEndpoint, Headers: o.OTLPHeaders, Ratio: o.TraceRatio,
		Node: o.ID, Version: o.Version, Logger: s.log, Registry: registry,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	s.log.Info("requests are traced", "endpoint", o.OTLPEndpoint, "ratio", o.TraceRatio)
	return nil
}

func (s *Server) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	s.tracer.Close(ctx)
}
