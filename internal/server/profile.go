package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"voted/internal/api"
)

// Profiles show what is in memory and use much processor time, so they are never on the
// public port: they have a port of their own, on loopback only, and only with --pprof.

// openProfiles listens for go tool pprof if --pprof was given.
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
	s.profiles = &http.Server{Handler: onlyUnderName(hostOf(addr), mux), ReadHeaderTimeout: headerTimeout}
	s.log.Info("profiles are served", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	go func() { // ends with closeProfiles
		if err := s.profiles.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Warn("profiles are no longer served", "error", err)
		}
	}()
	return nil
}

// onlyUnderName refuses requests under another host name: a hostile page could reach loopback
// through a name of its own.
func onlyUnderName(name string, h http.Handler) http.Handler {
	hosts := api.NewHosts(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hosts.Know(r.Host) {
			http.Error(w, "Profiles are served to localhost or 127.0.0.1; use one of these in the URL.", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (s *Server) closeProfiles() {
	if s.profiles != nil {
		_ = s.profiles.Close() // a reader can get its profile from the next process
	}
}
