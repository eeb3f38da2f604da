package server

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/livefile"
	"voted/internal/survey"
)

// How often a node checks its files by itself.
const (
	// lookEvery is how soon a log line confirms a new file, or reports what is wrong with
	// it, even if no client and no member connects in the meantime.
	lookEvery = 2 * time.Second
	// expiresSoon is how long before its expiry a certificate is warned of.
	expiresSoon = 14 * 24 * time.Hour
	// remindEvery is how often the warning is repeated.
	remindEvery = 24 * time.Hour
)

// files checks the certificates, keys and tokens of a node, which are otherwise read only
// when they are used.
type files struct {
	mu     sync.Mutex
	warned map[string]warning // by port; guarded by mu
}

// warning is the last one that was logged about a certificate.
type warning struct {
	at    time.Time
	until time.Time // of the certificate that it was about
}

// watchFiles checks the files until ctx ends.
func (s *Server) watchFiles(ctx context.Context) {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		s.lookAtFiles(time.Now())
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// Reread checks certificates, keys and tokens now, and reads again those that have changed.
func (s *Server) Reread() {
	s.log.Info("SIGHUP: looking at certificates, keys and tokens; they are read again by themselves when they change")
	s.lookAtFiles(time.Now())
}

func (s *Server) lookAtFiles(now time.Time) {
	g := &s.guards
	g.watch.Files() // later connections get the certificate that the files then hold
	for port, expiry := range g.expiries {
		s.warnOfExpiry(port, expiry(), now)
	}
}

// stale returns the files that have changed and could not be read again.
func (g *guards) stale() (all []survey.StaleFile) {
	for _, f := range g.watch.Files() {
		if !f.Stale.IsZero() {
			all = append(all, survey.StaleFile{Path: f.Path, Since: f.Stale})
		}
	}
	return all
}

// staleFiles shows those files in the metrics, one series a file.
type staleFiles struct{ watch *livefile.Watch }

var staleMetric = prometheus.NewDesc("voted_file_stale",
	"1 while a file of certificates, keys or tokens has changed and could not be read again: what it held before is in force.", []string{"file"}, nil)

// Describe implements prometheus.Collector.
func (staleFiles) Describe(to chan<- *prometheus.Desc) { to <- staleMetric }

// Collect implements prometheus.Collector.
func (s staleFiles) Collect(to chan<- prometheus.Metric) {
	for _, f := range s.watch.Files() {
		value := 0.0
		if !f.Stale.IsZero() {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(staleMetric, prometheus.GaugeValue, value, f.Path)
	}
}

// warnOfExpiry logs that a certificate expires soon: when it is read, and once a day.
func (s *Server) warnOfExpiry(port string, until, now time.Time) {
	if until.Sub(now) >= expiresSoon {
		return
	}
	s.files.mu.Lock()
	last := s.files.warned[port]
	repeated := last.until.Equal(until) && now.Sub(last.at) < remindEvery && !(last.at.Before(until) && !now.Before(until))
	if !repeated {
		if s.files.warned == nil {
			s.files.warned = map[string]warning{}
		}
		s.files.warned[port] = warning{now, until}
	}
	s.files.mu.Unlock()
	path := map[string]string{"api": s.opts.TLSCert, "peer": s.opts.PeerCert}[port]
	switch {
	case repeated:
	case now.Before(until):
		s.log.Warn("a certificate expires soon; issue a new one under the same name, it is taken without a restart", "port", port, "file", path, "valid_until", until)
	default:
		s.log.Error("a certificate has expired, and no one can connect to its port; issue a new one under the same name, it is taken without a restart", "port", port, "file", path, "valid_until", until)
	}
}
