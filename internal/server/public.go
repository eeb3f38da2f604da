package server

import (
	"log/slog"
	"net/http"
	"time"
)

// The limits of the public port; internal/api bounds what a request may hold.
const (
	// headerTimeout ends connections on which no request arrives.
	headerTimeout = 10 * time.Second
	// idleTimeout is longer than a load balancer's, so that it closes first.
	idleTimeout = 2 * time.Minute
	// transferTimeout is what a request has for its body and its answer, in addition to
	// the time it is held: the largest definition at a slow phone's 200 kB/s. Streams set
	// deadlines of their own.
	transferTimeout = 30 * time.Second
	// maxHeaderBytes is far more than the API's headers take.
	maxHeaderBytes = 16 << 10
)

func (s *Server) newHTTP() *http.Server {
	return &http.Server{
		Handler: s.public, TLSConfig: s.guards.tls,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: transferTimeout + s.opts.RequestTimeout,
		WriteTimeout: transferTimeout + s.opts.RequestTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// serve answers clients until the server is closed.
func (s *Server) serve() error {
	if s.guards.tls == nil {
		return s.http.Serve(s.listener)
	}
	return s.http.ServeTLS(s.listener, "", "")
}

// URL returns where clients on this machine reach the API.
func (s *Server) URL() string {
	if s.guards.tls != nil {
		return "https://" + s.APIAddr()
	}
	return "http://" + s.APIAddr()
}
