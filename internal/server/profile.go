package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
)

// Profiles show memory and run the processor hot, so they are never on the public
// port: a port of its own, on loopback alone, and only where it was asked for.

// openProfiles listens for go tool pprof, if that was asked for.
func (s *Server) openProfiles() error {
	addr := s.opts.Profile
	if addr == "" {
		return nil
	}
	if err := checkAddress(addr); err != nil {
		return fmt.Errorf("--pprof: %w", err)
	}
	if !onLoopback(addr) {
		return fmt.Errorf("--pprof %s can be reached from other machines, and profiles show what is in memory: listen on 127.0.0.1, and come by ssh", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("the --pprof address %s cannot be used: %w; give another", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s.profiles = &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	s.log.Info("profiles are served", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	go func() { // ends with closeProfiles
		if err := s.profiles.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Warn("profiles are not served any more", "error", err)
		}
	}()
	return nil
}

func (s *Server) closeProfiles() {
	if s.profiles != nil {
		_ = s.profiles.Close() // whoever reads a profile reads it again from the next process
	}
}
