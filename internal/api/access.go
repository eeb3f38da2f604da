package api

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"

	"voted/internal/auth"
	"voted/internal/poll"
)

// Authenticator proves who sends a request; see auth.Authenticator.
type Authenticator interface {
	Authenticate(ctx context.Context, p auth.Presented) (auth.Identity, error)
}

// permissions is the one table of who may do what, by route and method. What is
// not in it nobody may do. HEAD is as GET. A test proves it total.
//
// An admin casts no ballots and a gateway manages no polls; who needs both has a
// credential with both roles. No one role reads both receipts and exports, which
// together link a voter and a choice.
var permissions = map[string]map[string]auth.Roles{
	"/v1/polls/{poll}/ballots/{voter}": {"PUT": auth.Gateway | auth.Voter, "GET": auth.Gateway | auth.Voter},
	"/v1/polls/{poll}/ballots":         {"POST": auth.Gateway, "GET": auth.Admin | auth.Reader},
	"/v1/polls/{poll}/results":         {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter},
	"/v1/polls/{poll}/results/stream":  {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter},
	"/v1/polls/{poll}": {
		"PUT": auth.Admin, "PATCH": auth.Admin, "DELETE": auth.Admin,
		"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter,
	},
	"/v1/polls/{poll}/close": {"POST": auth.Admin},
	"/v1/polls/{poll}/roll":  {"PUT": auth.Admin, "POST": auth.Admin, "PATCH": auth.Admin, "GET": auth.Admin | auth.Gateway | auth.Reader},
	"/v1/polls/{poll}/roll/{voter}": {
		"GET": auth.Admin | auth.Gateway | auth.Voter, "PUT": auth.Admin, "DELETE": auth.Admin,
	},
	"/v1/polls":                {"GET": auth.Admin | auth.Gateway | auth.Reader, "POST": auth.Admin},
	"/v1/cluster":              {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Metrics},
	"/v1/cluster/members":      {"POST": auth.Admin},
	"/v1/cluster/members/{id}": {"DELETE": auth.Admin},
	"/v1/cluster/tokens":       {"POST": auth.Admin},
	"/v1/cluster/tokens/{id}":  {"DELETE": auth.Admin},
	"/v1/cluster/leader":       {"POST": auth.Admin},
	"/v1/backup":               {"GET": auth.Admin},
	"/v1/restore":              {"POST": auth.Admin},
	"/metrics":                 {"GET": auth.Admin | auth.Metrics},
	// Probes and documents tell nothing about polls.
	"/livez":           {"GET": auth.Anybody},
	"/readyz":          {"GET": auth.Anybody},
	"/openapi.yaml":    {"GET": auth.Anybody},
	"/problems/{code}": {"GET": auth.Anybody},
}

// permitted returns who may use a method of the endpoint.
func (e *endpoint) permitted(method string) auth.Roles {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return permissions[e.template][method]
}

// guarded serves a request where the sender may make it. Whatever is decided about
// the sender is decided here, once, before anything is looked up: no answer tells
// whether a poll or a voter exists to who may not know.
func (e *endpoint) guarded(act action, w *response, r *http.Request) error {
	h := e.h
	if h.access.auth == nil && h.access.audit == nil && h.access.addresses == nil {
		return act(w, r) // nothing is configured: everybody may do everything
	}
	roles := e.permitted(r.Method)
	if roles.Has(auth.Anybody) {
		return act(w, r)
	}
	if err := h.rateAddress(w, r); err != nil {
		return err
	}
	who, err := h.authenticate(r, roles, e)
	if err != nil {
		return err
	}
	if err := h.rateClient(w, who); err != nil {
		return err
	}
	leave, err := h.share(who, e.template, r.Method)
	if err != nil {
		return err
	}
	defer leave()
	return h.audited(e, roles, who, act, w, r)
}

// authenticate returns who sends a request, if that one may make it. Without an
// authenticator everybody may, and nobody has a name.
func (h *Handler) authenticate(r *http.Request, roles auth.Roles, e *endpoint) (who auth.Identity, err error) {
	if h.access.auth == nil {
		return who, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	who, err = h.access.auth.Authenticate(ctx, auth.Presented{Authorization: r.Header["Authorization"], Certificate: certificateOf(r)})
	switch {
	case errors.Is(err, auth.ErrKeys):
		return who, poll.Refuse(poll.CodeUnavailable, "%s", auth.Sentence(err))
	case err != nil:
		return who, poll.Refuse(poll.CodeUnauthenticated, "%s", auth.Sentence(err))
	case who.Roles == 0:
		return who, poll.Refuse(poll.CodeUnauthenticated, "%s", auth.Sentence(auth.ErrMissing))
	}
	need := auth.Need{Roles: roles, Poll: unescaped(pathVar(r, "poll")), Voter: unescaped(pathVar(r, "voter"))}
	if !auth.Decide(who, need) {
		return who, forbidden(who, roles)
	}
	return who, nil
}

// forbidden says what would be needed. To a voter it says the same whatever was
// asked for.
func forbidden(who auth.Identity, roles auth.Roles) error {
	if who.Roles.Has(auth.Voter) {
		return poll.Refuse(poll.CodeForbidden, "This credential lets one voter cast and read one ballot; it is for nothing else.")
	}
	return poll.Refuse(poll.CodeForbidden, "This credential has the role %s, and this request needs one of %s.", who.Roles, roles)
}

// unescaped decodes a variable of the path as the handlers do; what they refuse is
// nobody's.
func unescaped(s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		return "\x00"
	}
	return out
}

// certificateOf returns the client certificate that TLS has verified.
func certificateOf(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// access is what stands before the routes.
type access struct {
	auth      Authenticator // nil: everybody may do everything
	audit     Auditor       // nil: nothing is written
	addresses *rates        // nil: not limited
	clients   *rates        // nil: not limited
	shares    shares
}
