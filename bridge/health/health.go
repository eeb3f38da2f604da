// Package health is what a bridge tells those who watch it: its metrics, that it lives, and whether it works.
package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"voted/internal/usage"
)

// closeTimeout is how long a scrape under way may take when the bridge ends.
const closeTimeout = time.Second

// State holds what keeps a bridge from working, one sentence for each part of it. A new one is ready. It is safe for
// concurrent use.
type State struct {
	mu     sync.Mutex
	faults map[string]string // by part; guarded by mu
}

// Fault says what keeps a part from working; an empty sentence: it works. It reports whether that is new.
func (s *State) Fault(part, sentence string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults[part] == sentence {
		return false
	}
	if sentence == "" {
		delete(s.faults, part)
		return true
	}
	if s.faults == nil {
		s.faults = map[string]string{}
	}
	s.faults[part] = sentence
	return true
}

// Faults returns the sentences, sorted by part; none: the bridge is ready.
func (s *State) Faults() (sentences []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(s.faults)) {
		sentences = append(sentences, part+": "+s.faults[part])
	}
	return sentences
}

// Handler answers /metrics, /livez and /readyz.
func Handler(metrics prometheus.Gatherer, s *State) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if faults := s.Faults(); len(faults) > 0 {
			http.Error(w, strings.Join(faults, "\n"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// Serve serves a handler at an address until stop is called; failed is told if it ends before that.
func Serve(address string, h http.Handler, failed func(error)) (at net.Addr, stop func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, usage.Errorf("cannot listen on %s for metrics: %w", address, err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { // ends with the server
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return l.Addr(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // a scrape is cut off
		}
	}, nil
}
