package server

import (
	"crypto/tls"
	"errors"
	"strings"
	"time"

	"voted/internal/api"
	"voted/internal/audit"
	"voted/internal/auth"
	"voted/internal/cluster/peer"
	"voted/internal/livefile"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/prover"
	"voted/internal/webhook"
)

// guards is what protects both ports. It is opened first, so that a file that cannot be
// read stops a node before it enters its cluster.
type guards struct {
	tls   *tls.Config // of the public port; nil without TLS
	peer  peer.Options
	auth  *auth.Authenticator // nil: clients need no credentials
	audit *audit.Log          // nil without an audit log

	expiries map[string]func() time.Time // of the certificates, by port

	proofKey proofkey.Key // zero without --proof-key
	// witnesses are those of --witness-policy.
	witnesses []prover.Witness

	webhookKeys *webhook.Keys // nil without --webhook-key

	watch   *livefile.Watch // over all files below
	clients *pki.Clients    // nil: certificates of clients are not taken
}

func (s *Server) openGuards() (err error) {
	o := s.opts
	g := &s.guards
	g.watch = livefile.NewWatch(s.log)
	livefile.WarnOfReaders(s.log, o.TLSKey, o.PeerKey, o.JoinTokenFile, o.ProofKey, o.WebhookKey)
	g.peer = peer.Options{ID: o.ID, Bind: o.Peer, Advertise: o.AdvertisePeer, Logger: s.log}
	if o.hasPeerTLS() {
		f := pki.Files{Cert: o.PeerCert, Key: o.PeerKey, CA: o.PeerCA}
		if g.peer.ServerTLS, g.peer.ClientTLS, err = pki.Peer(g.watch, f, o.ID); err != nil {
			return err
		}
		g.peer.Identify = pki.Member
	}
	if o.hasTLS() {
		if o.ClientCA != "" {
			if g.clients, err = pki.OpenClients(g.watch, o.ClientCA, o.ClientDeny); err != nil {
				return err
			}
		}
		if g.tls, err = pki.API(g.watch, pki.Files{Cert: o.TLSCert, Key: o.TLSKey}, g.clients); err != nil {
			return err
		}
	}
	if err := s.openExpiries(); err != nil {
		return err
	}
	if err := g.openProofKey(o.Proofs); err != nil {
		return err
	}
	if err := g.openWebhooks(o.Webhooks); err != nil {
		return err
	}
	if o.hasCredentials() {
		if g.auth, err = s.openCredentials(); err != nil {
			return err
		}
	}
	if o.Audit != "" {
		g.audit, err = audit.Open(o.Audit)
	}
	return err
}

// openCredentials opens every kind of credential that is configured.
func (s *Server) openCredentials() (*auth.Authenticator, error) {
	o, w := s.opts, s.guards.watch
	a := &auth.Authenticator{}
	if s.guards.clients != nil {
		a.Clients = s.guards.clients
	}
	var errs [3]error
	if o.Tokens != "" {
		a.Tokens, errs[0] = auth.OpenTokens(w, o.Tokens)
	}
	if o.CredentialKeys != "" {
		a.Credentials, errs[1] = auth.OpenCredentials(w, o.CredentialKeys)
	}
	switch {
	case o.OIDCIssuer != "":
		a.JWTs, errs[2] = auth.FetchJWTs(w, nil, o.OIDCIssuer, true, o.JWTAudience, o.JWTIssuer)
	case strings.Contains(o.JWTKeys, "://"):
		a.JWTs, errs[2] = auth.FetchJWTs(w, nil, o.JWTKeys, false, o.JWTAudience, o.JWTIssuer)
	case o.JWTKeys != "":
		a.JWTs, errs[2] = auth.OpenJWTs(w, o.JWTKeys, o.JWTAudience, o.JWTIssuer)
	}
	return a, errors.Join(errs[:]...)
}

// guard adds the guards to the options of the API. Nil pointers must not become
// interfaces that are not nil.
func (g *guards) guard(o api.Options) api.Options {
	if g.auth != nil {
		o.Auth = g.auth
	}
	if g.audit != nil {
		o.Audit = g.audit
	}
	return o
}

// recorder returns the function that records an action that this member takes by itself. If it
// fails, the member decides whether to act all the same: the action may be its own end.
func (g *guards) recorder(node string) func(action, member, why string) error {
	if g.audit == nil {
		return nil
	}
	return func(action, member, why string) error {
		deed := audit.Deed{Time: time.Now().UTC(), Event: audit.ByItself, Action: action, Node: node, Member: member, Reason: why}
		return g.audit.Record(deed)
	}
}

func (g *guards) close() error {
	if g.audit == nil {
		return nil
	}
	return g.audit.Close()
}
