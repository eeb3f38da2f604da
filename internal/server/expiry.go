package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/pki"
)

// expiresSoon is when a certificate is worth a warning at the start; while a node
// runs the metric is what to watch.
const expiresSoon = 14 * 24 * time.Hour

// openExpiries looks up until when the certificates of both ports are valid.
func (s *Server) openExpiries() error {
	s.guards.expiries = map[string]func() time.Time{}
	for port, path := range map[string]string{"api": s.opts.TLSCert, "peer": s.opts.PeerCert} {
		if path == "" {
			continue
		}
		expiry, err := pki.Expiry(s.log, path)
		if err != nil {
			return err
		}
		if until := expiry(); time.Until(until) < expiresSoon {
			s.log.Warn("a certificate expires soon; issue a new one under the same name, it is taken without a restart", "file", path, "valid_until", until)
		}
		s.guards.expiries[port] = expiry
	}
	return nil
}

// show puts the expiries into the metrics.
func (g *guards) show(registry prometheus.Registerer) {
	for port, expiry := range g.expiries {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "voted_certificate_expiry_timestamp_seconds", Help: "Until when the certificate of a port is valid.",
			ConstLabels: prometheus.Labels{"port": port},
		}, func() float64 { return float64(expiry().Unix()) }))
	}
}
