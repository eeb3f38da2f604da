package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"voted/internal/api"
	"voted/internal/auth"
	"voted/internal/web"
	"voted/internal/web/frame"
)

// Pages is which pages for people a node serves next to its API.
type Pages struct {
	// Pages is all (the default), none, or some of vote, results, manage and console with commas between.
	Pages string
	// HSTS is for how long browsers are told to reach this name under TLS only; 0: they are not told. It needs TLS.
	HSTS time.Duration
	// EmbedFrom are the origins whose pages may show results of polls for everybody in a frame, such as
	// https://www.example.org; empty: none may.
	EmbedFrom []string
}

func (p Pages) check() error {
	if _, _, err := web.ParseGroups(p.Pages); err != nil {
		return fmt.Errorf("--pages: %w", err)
	}
	if p.HSTS < 0 {
		return errors.New("--hsts cannot be negative")
	}
	for _, origin := range p.EmbedFrom {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, " ;,*'") {
			return fmt.Errorf("--embed-from %q is no origin; give scheme and host, such as https://www.example.org", origin)
		}
	}
	return nil
}

// withPages returns the handler of the public port: the API alone if no pages are served.
func (s *Server) withPages() http.Handler {
	groups, on, _ := web.ParseGroups(s.opts.Pages.Pages) // it was checked
	if !on {
		return s.handler
	}
	o := web.Options{API: s.handler, Groups: groups, EmbedFrom: s.opts.EmbedFrom, Rendered: rendered, Secure: s.isSecure(), HSTS: s.opts.HSTS, Logger: s.log}
	if known := s.opts.hosts(); known != nil {
		o.Knows = known.Know
	}
	if s.guards.auth != nil {
		o.Identify = s.whoShows
	}
	return web.New(o)
}

// rendered is frame.Rendered.
func rendered(ctx context.Context, name string, render func([]byte) ([]byte, error)) context.Context {
	return api.WithRendering(ctx, api.Rendering{Name: name, Render: render})
}

// isSecure reports whether browsers reach this node under TLS: its own, or that of a proxy in front of it.
func (s *Server) isSecure() bool {
	return s.guards.tls != nil || strings.HasPrefix(s.opts.AdvertiseAPI, "https://")
}

// whoShows finds out for the pages who shows a credential, in the way of the API.
func (s *Server) whoShows(ctx context.Context, r *http.Request, authorization string) (frame.Identity, error) {
	shown := auth.Presented{}
	if authorization != "" {
		shown.Authorization = []string{authorization}
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		shown.Certificates = r.TLS.PeerCertificates
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.RequestTimeout)
	defer cancel()
	who, err := s.guards.auth.Authenticate(ctx, shown)
	if err != nil {
		return frame.Identity{}, refusedCredential(err)
	}
	out := frame.Identity{Name: who.Name, Voter: who.Voter, Poll: who.Poll, Until: who.Until}
	if who.Roles != 0 {
		out.Roles = strings.Split(who.Roles.String(), ",")
	}
	return out, nil
}

// whys are the pages' words for the reasons of package auth.
var whys = map[auth.Why]frame.Why{auth.Unknown: frame.Unknown, auth.Unreadable: frame.Unreadable, auth.Expired: frame.Expired, auth.TooEarly: frame.TooEarly}

func refusedCredential(err error) error {
	if errors.Is(err, auth.ErrKeys) {
		return &frame.Refused{Why: frame.Away, Cause: err}
	}
	why, at := auth.Explain(err)
	return &frame.Refused{Why: whys[why], At: at, Cause: err}
}
