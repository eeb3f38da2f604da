package web

import (
	"context"
	"net/http"
	"net/url"
)

type refusedKey struct{}

// fail answers a request that no page serves with the page of an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.failed.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), refusedKey{}, err)))
}

// said is what http.ServeMux says where it finds no handler.
type said struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (s *said) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *said) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *said) Write(b []byte) (int, error) { return len(b), nil }

func parsed(path string) *url.URL { return &url.URL{Path: path} }
