package api

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"voted/internal/auth"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Authenticator proves who sends a request; see auth.Authenticator.
type Authenticator interface {
	Authenticate(ctx context.Context, p auth.Presented) (auth.Identity, error)
	// Changes counts how often what is taken has changed; it costs next to nothing.
	Changes() uint64
}

// permissions is the one table of who may do what, by route and method. Requests that are
// not in it are refused to everyone. HEAD is as GET. A test proves it total.
//
// An admin casts no ballots and a gateway manages no polls; a client that needs both has
// a credential with both roles. No single role reads both receipts and single ballots,
// which together link a voter and a choice.
var permissions = map[string]map[string]auth.Roles{
	"/v1/polls/{poll}/ballots/{voter}":         {"PUT": auth.Gateway | auth.Voter, "GET": auth.Gateway | auth.Voter},
	"/v1/polls/{poll}/ballots":                 {"POST": auth.Gateway, "GET": auth.Admin | auth.Reader},
	"/v1/polls/{poll}/ballots/{voter}/holders": {"GET": auth.Gateway | auth.Voter},
	"/v1/polls/{poll}/ballots/{voter}/proof":   {"GET": auth.Gateway | auth.Voter},
	"/v1/polls/{poll}/audit":                   {"GET": auth.Auditor},
	"/v1/polls/{poll}/proofs":                  {"POST": auth.Gateway},
	// With --public-logs these are for everybody.
	"/v1/polls/{poll}/log/checkpoint":  {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/log/tile/{tile}": {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/log/definition":  {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/log/profile":     {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/log/closing":     {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/log/policy":      {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter | auth.Auditor},
	"/v1/polls/{poll}/results":         {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter},
	"/v1/polls/{poll}/results/repeats": {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter},
	"/v1/polls/{poll}/results/stream":  {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter},
	"/v1/polls/{poll}": {
		"PUT": auth.Admin, "PATCH": auth.Admin, "DELETE": auth.Admin,
		"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Voter,
	},
	"/v1/polls/{poll}/close": {"POST": auth.Admin},
	"/v1/polls/{poll}/lot":   {"PUT": auth.Admin},
	"/v1/polls/{poll}/roll":  {"PUT": auth.Admin, "GET": auth.Admin | auth.Gateway | auth.Reader},
	"/v1/polls/{poll}/roll/{voter}": {
		"GET": auth.Admin | auth.Gateway | auth.Voter, "DELETE": auth.Admin,
	},
	"/v1/polls":                {"GET": auth.Admin | auth.Gateway | auth.Reader, "POST": auth.Admin},
	"/v1/cluster":              {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Metrics},
	"/v1/cluster/history":      {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Metrics},
	"/v1/cluster/stream":       {"GET": auth.Admin | auth.Gateway | auth.Reader | auth.Metrics},
	"/v1/cluster/members":      {"POST": auth.Admin},
	"/v1/cluster/members/{id}": {"DELETE": auth.Admin},
	"/v1/cluster/tokens":       {"POST": auth.Admin},
	"/v1/cluster/tokens/{id}":  {"DELETE": auth.Admin},
	"/v1/cluster/leader":       {"POST": auth.Admin},
	"/v1/events":               {"GET": auth.Admin | auth.Reader},
	"/v1/schedule":             {"GET": auth.Admin},
	"/v1/schedule/{id}":        {"PUT": auth.Admin, "GET": auth.Admin, "DELETE": auth.Admin},
	"/v1/webhooks":             {"GET": auth.Admin},
	"/v1/webhooks/{id}": {
		"PUT": auth.Admin, "GET": auth.Admin, "PATCH": auth.Admin, "DELETE": auth.Admin,
	},
	"/v1/webhooks/{id}/rotate":    {"POST": auth.Admin},
	"/v1/webhooks/{id}/ping":      {"POST": auth.Admin},
	"/v1/webhooks/{id}/redeliver": {"POST": auth.Admin},
	"/v1/webhooks/{id}/attempts":  {"GET": auth.Admin},
	"/v1/backup":                  {"GET": auth.Admin},
	"/v1/restore":                 {"POST": auth.Admin},
	"/metrics":                    {"GET": auth.Admin | auth.Metrics},
	// Probes and documents show nothing about polls.
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

// guarded serves a request if the sender may make it. Everything about the sender is
// decided here, once, before anything is looked up, so unauthorised callers cannot probe
// for polls or voters.
func (e *endpoint) guarded(act action, w *response, r *http.Request) error {
	h := e.h
	if h.access.auth == nil && h.access.audit == nil && h.access.addresses == nil {
		return act(w, r) // without authentication everyone may do everything
	}
	roles := e.permitted(r.Method)
	if roles.Has(auth.Anybody) {
		return act(w, r)
	}
	if err := h.rateAddress(w, r); err != nil {
		return err
	}
	if h.publicLogs && isLog(e.template) {
		return act(w, r) // anybody's, like a page: the address alone is limited
	}
	if h.forAnyone(e, r) {
		return act(w, r) // likewise
	}
	who, err := h.authenticate(w, r, roles)
	if err != nil {
		return err
	}
	if err := h.rateClient(w, who); err != nil {
		return err
	}
	w.client = who.Name
	leave, err := h.share(who, e.template, r.Method)
	if err != nil {
		return err
	}
	defer leave()
	return h.audited(e, roles, who, act, w, r)
}

// publicTemplates are the routes that are everybody's to read where the audience of the poll
// is anyone. What is hidden stays hidden: the handlers refuse it to everyone.
var publicTemplates = []string{
	"/v1/polls/{poll}", "/v1/polls/{poll}/results", "/v1/polls/{poll}/results/stream", "/v1/polls/{poll}/results/repeats",
	"/v1/polls/{poll}/ballots",
}

// forAnyone reports whether a request reads what its poll shows to everybody. Single ballots
// never belong to that, only how many hold each choice.
func (h *Handler) forAnyone(e *endpoint, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !slices.Contains(publicTemplates, e.template) {
		return false
	}
	id, err := pollID(r)
	if err != nil {
		return false
	}
	rules := h.knownRules(id)
	if rules == nil || rules.Audience != poll.AudienceAnyone {
		return false
	}
	return e.template != "/v1/polls/{poll}/ballots" || rules.Discloses() == poll.DiscloseProfile
}

// authenticate returns who sends a request, or an error if that sender may not make it.
// Without an authenticator everyone may, without a name.
func (h *Handler) authenticate(w *response, r *http.Request, roles auth.Roles) (who auth.Identity, err error) {
	if h.access.auth == nil {
		return who, nil
	}
	shown := auth.Presented{Authorization: r.Header["Authorization"]}
	if !w.foreign { // a browser shows its user's certificate for any page that asks
		shown.Certificates = certificatesOf(r)
	}
	changes := uint64(0)
	lasts := w.endpoint.lasts
	if lasts { // before the check, so that no change is missed
		changes = h.access.auth.Changes()
	}
	if who, err = h.let(r.Context(), h.timeFor(r), shown); err != nil {
		return who, err
	}
	w.identify()
	need := auth.Need{Roles: roles, Poll: unescaped(pathVar(r, "poll"))}
	if named := pathVar(r, "voter"); named != "" {
		if need.Voter, err = voterOf(named); err != nil {
			need.Voter = nobody // the handler refuses the id, to senders with another role
		}
	}
	if !auth.Decide(who, need) {
		return who, forbidden(who, roles)
	}
	if lasts {
		w.session = &session{h: h, shown: shown, need: need, changes: changes, until: who.Until}
	}
	return who, nil
}

// let returns the identity that the presented credentials prove.
func (h *Handler) let(ctx context.Context, timeout time.Duration, shown auth.Presented) (who auth.Identity, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	who, err = h.access.auth.Authenticate(ctx, shown)
	switch {
	case errors.Is(err, auth.ErrKeys):
		err = refusal.New(refusal.Unavailable, "%s", auth.Sentence(err))
	case err != nil:
		err = refusal.New(refusal.Unauthenticated, "%s", auth.Sentence(err))
	case who.Roles == 0:
		err = refusal.New(refusal.Unauthenticated, "%s", auth.Sentence(auth.ErrMissing))
	}
	return who, err
}

// forbidden is the refusal that says which role is needed. To a voter it says the same
// for every request.
func forbidden(who auth.Identity, roles auth.Roles) error {
	if who.Roles.Has(auth.Voter) {
		return refusal.New(refusal.Forbidden, "This credential lets one voter cast and read one ballot; it is for nothing else.")
	}
	return refusal.New(refusal.Forbidden, "This credential has the role %s, and this request needs one of %s.", who.Roles, roles)
}

// unescaped decodes a variable of the path as the handlers do; for what they refuse it
// returns nobody.
func unescaped(s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		return nobody
	}
	return out
}

// nobody is a value that cannot be the id of a voter or a poll.
const nobody = "\x00"

// certificatesOf returns the chain of the client's certificate as TLS has verified it,
// the client's own first.
func certificatesOf(r *http.Request) []*x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates
}

// access has the checks before the routes.
type access struct {
	auth      Authenticator // nil: everyone may do everything
	audit     Auditor       // nil: nothing is written
	addresses *limiter      // nil: not limited
	clients   *limiter      // nil: not limited
	shares    shares
}
