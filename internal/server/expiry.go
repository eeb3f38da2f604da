package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/pki"
)

// openExpiries finds until when the certificates of both ports are valid.
func (s *Server) openExpiries() error {
	s.guards.expiries = map[string]func() time.Time{}
	for port, path := range map[string]string{"api": s.opts.TLSCert, "peer": s.opts.PeerCert} {
		if path == "" {
			continue
		}
		expiry, err := pki.Expiry(s.guards.watch, path)
		if err != nil {
			return err
		}
		s.guards.expiries[port] = expiry
	}
	return nil
}

// firstExpiry returns when the first of the certificates expires; nil if there are none.
func (g *guards) firstExpiry() func() time.Time {
	if len(g.expiries) == 0 {
		return nil
	}
	return func() (first time.Time) {
		for _, expiry := range g.expiries {
			if until := expiry(); first.IsZero() || until.Before(first) {
				first = until
			}
		}
		return first
	}
}

// show registers the metric of the expiries.
func (g *guards) show(registry prometheus.Registerer) {
	registry.MustRegister(staleFiles{g.watch})
	for port, expiry := range g.expiries {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "voted_certificate_expiry_timestamp_seconds", Help: "Until when the certificate of a port is valid.",
			ConstLabels: prometheus.Labels{"port": port},
		}, func() float64 { return float64(expiry().Unix()) }))
	}
}
