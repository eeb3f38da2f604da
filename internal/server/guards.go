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
	"voted/internal/pki"
)

// guards is what stands before both ports. It is opened before anything else, so
// that a file that cannot be read stops a node before it enters its cluster.
type guards struct {
	tls   *tls.Config // of the public port; nil: none
	peer  peer.Options
	auth  *auth.Authenticator // nil: nobody is asked
	audit *audit.Log          // nil: none

	expiries map[string]func() time.Time // of the certificates, by port
}

func (s *Server) openGuards() (err error) {
	o := s.opts
	g := &s.guards
	g.peer = peer.Options{Bind: o.Peer, Advertise: o.AdvertisePeer, Logger: s.log}
	if o.hasPeerTLS() {
		f := pki.Files{Cert: o.PeerCert, Key: o.PeerKey, CA: o.PeerCA}
		if g.peer.ServerTLS, g.peer.ClientTLS, err = pki.Peer(s.log, f, o.ID); err != nil {
			return err
		}
		g.peer.Identify = pki.Member
	}
	if o.hasTLS() {
		if g.tls, err = pki.API(s.log, pki.Files{Cert: o.TLSCert, Key: o.TLSKey, CA: o.ClientCA}); err != nil {
			return err
		}
	}
	if err := s.openExpiries(); err != nil {
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
	o := s.opts
	a := &auth.Authenticator{}
	if o.ClientCA != "" {
		a.Client = pki.Client
	}
	var errs [3]error
	if o.Tokens != "" {
		a.Tokens, errs[0] = auth.OpenTokens(s.log, o.Tokens)
	}
	if o.CredentialKeys != "" {
		a.Credentials, errs[1] = auth.OpenCredentials(s.log, o.CredentialKeys)
	}
	switch {
	case o.OIDCIssuer != "":
		a.JWTs, errs[2] = auth.FetchJWTs(s.log, nil, o.OIDCIssuer, true, o.JWTAudience, o.JWTIssuer)
	case strings.Contains(o.JWTKeys, "://"):
		a.JWTs, errs[2] = auth.FetchJWTs(s.log, nil, o.JWTKeys, false, o.JWTAudience, o.JWTIssuer)
	case o.JWTKeys != "":
		a.JWTs, errs[2] = auth.OpenJWTs(s.log, o.JWTKeys, o.JWTAudience, o.JWTIssuer)
	}
	return a, errors.Join(errs[:]...)
}

// guard adds the guards to what the API is told. Nil pointers must not become
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

// note returns what records an action that no admin asked this member for. Whether it is
// taken all the same where that fails is the member's to say: it may be its own end.
func (g *guards) note(node string) func(action, member, why string) error {
	if g.audit == nil {
		return nil
	}
	return func(action, member, why string) error {
		entry := api.AuditEntry{Time: time.Now().UTC(), Event: "by_itself", Action: action, Node: node, Member: member, Request: why}
		return g.audit.Record(entry)
	}
}

func (g *guards) close() error {
	if g.audit == nil {
		return nil
	}
	return g.audit.Close()
}
