package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/trace"
	"voted/internal/usage"
)

// Tracing configures where the spans of requests go. Its zero value traces nothing.
type Tracing struct {
	// OTLPEndpoint is the base URL of an OTLP/HTTP receiver; default: nothing is traced.
	OTLPEndpoint string
	// OTLPHeaders are KEY=VALUE,…, sent with each delivery.
	OTLPHeaders string
	// TraceRatio is the share, 0 to 1, of the requests that are traced if the client's
	// traceparent does not decide.
	TraceRatio float64
}

// lastSpans bounds how long a node that stops waits for the receiver.
const lastSpans = 2 * time.Second

// openTracer starts to trace if OTLPEndpoint is set.
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
		return usage.Mark(err)
	}
	s.log.Info("requests are traced", "endpoint", o.OTLPEndpoint, "ratio", o.TraceRatio)
	return nil
}

func (s *Server) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	s.tracer.Close(ctx)
}
