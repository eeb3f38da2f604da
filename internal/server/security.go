package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Security is how a node identifies clients and members. Its zero value is for loopback
// only: nothing is encrypted, and whoever connects may do everything.
type Security struct {
	// Insecure allows ports without protection that other machines can reach. Without it
	// such a port needs TLS, and the API credentials too.
	Insecure bool

	// TLSCert and TLSKey, given together, put the API under TLS 1.3.
	TLSCert, TLSKey string
	// ClientCA signs the certificates by which clients of the API identify themselves.
	ClientCA string
	// ClientDeny is the file that lists the withdrawn certificates of ClientCA.
	ClientDeny string

	// PeerCA, PeerCert and PeerKey, given together, put the peer port under mutual
	// TLS; the certificate's name is voted://member/ID.
	PeerCA, PeerCert, PeerKey string

	// Tokens is the file of hashed bearer tokens and their roles.
	Tokens string
	// CredentialKeys is the file of public keys that sign voting credentials.
	CredentialKeys string
	// JWTKeys is the JWKS file or URL of the keys that sign voters' JWTs. OIDCIssuer is
	// given instead if such keys are to be discovered under that URL.
	JWTKeys, OIDCIssuer string
	// JWTAudience must stand in every JWT; JWTIssuer too, if it is given.
	JWTAudience, JWTIssuer string

	// AllowOrigins are the origins of pages that may call the API from a browser.
	AllowOrigins []string
	// AllowHosts are further host names under which a node without TLS and credentials
	// accepts requests.
	AllowHosts []string

	// RatePerAddress and RatePerClient bound the requests a second from one address and
	// with one credential. A burst may use up one second's requests. Default: no bound.
	RatePerAddress, RatePerClient float64
	// MaxConnections bounds the clients that are connected; default 20,000.
	MaxConnections int
	// MaxConnectionsPerAddress bounds those of one address (IPv6: one /64). The default is
	// a quarter of MaxConnections, without a bound for loopback addresses.
	MaxConnectionsPerAddress int

	// Audit is the file that admin actions are written to before they take effect.
	Audit string
}

// hasCredentials reports whether clients need credentials.
func (s Security) hasCredentials() bool {
	return s.Tokens != "" || s.ClientCA != "" || s.CredentialKeys != "" || s.JWTKeys != "" || s.OIDCIssuer != ""
}

func (s Security) hasTLS() bool     { return s.TLSCert != "" }
func (s Security) hasPeerTLS() bool { return s.PeerCert != "" }

// check refuses options without the others that they need.
func (s Security) check() error {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together: the certificate and its key")
	case (s.PeerCert == "") != (s.PeerKey == "") || (s.PeerCert == "") != (s.PeerCA == ""):
		return errors.New("--peer-ca, --peer-cert and --peer-key go together: mutual TLS needs all three")
	case s.ClientCA != "" && !s.hasTLS():
		return errors.New("--client-ca needs --tls-cert and --tls-key: certificates are shown under TLS only")
	case s.ClientDeny != "" && s.ClientCA == "":
		return errors.New("--client-deny needs --client-ca: it withdraws certificates of that CA")
	case s.RatePerAddress < 0 || s.RatePerClient < 0 || s.MaxConnections < 0 || s.MaxConnectionsPerAddress < 0:
		return errors.New("--rate-per-address, --rate-per-client, --max-connections and --max-connections-per-address cannot be negative")
	case s.JWTKeys != "" && s.OIDCIssuer != "":
		return errors.New("--jwt-keys and --oidc-issuer both name the keys of JWTs; give only one of them")
	case (s.JWTKeys != "" || s.OIDCIssuer != "") && s.JWTAudience == "":
		return errors.New("--jwt-audience is missing: without it a token that was made for another service would be taken here")
	case s.JWTKeys == "" && s.OIDCIssuer == "" && (s.JWTAudience != "" || s.JWTIssuer != ""):
		return errors.New("--jwt-audience and --jwt-issuer do nothing without --jwt-keys or --oidc-issuer")
	}
	for _, origin := range s.AllowOrigins {
		if err := CheckOrigin(origin); err != nil {
			return fmt.Errorf("--allow-origin: %w", err)
		}
	}
	for _, host := range s.AllowHosts {
		if host == "" || strings.ContainsAny(host, "/:*[] ") {
			return fmt.Errorf("--allow-host: %q is no host name; write it without scheme, port and wildcard", host)
		}
		if !s.isOpen() {
			return errors.New("--allow-host does nothing at a node with TLS or credentials: that one may be called by any name")
		}
	}
	return nil
}

// isOpen reports whether any page in a browser that reaches this node could do everything
// at it.
func (s Security) isOpen() bool { return !s.hasTLS() && !s.hasCredentials() }

// checkExposure refuses ports that other machines can reach and nothing protects.
func (s Security) checkExposure(api, peer string) error {
	if s.Insecure {
		return nil
	}
	if !(s.hasTLS() && s.hasCredentials()) && !onLoopback(api) {
		return fmt.Errorf("--api %s can be reached from other machines, where anybody could vote and run the cluster: "+
			"give --tls-cert, --tls-key and credentials such as --tokens, listen on 127.0.0.1, or say --insecure", api)
	}
	if !s.hasPeerTLS() && !onLoopback(peer) {
		return fmt.Errorf("--peer %s can be reached from other machines, where anybody could pass for a member: "+
			"give --peer-ca, --peer-cert and --peer-key, listen on 127.0.0.1, or say --insecure", peer)
	}
	return nil
}

// lookupLimit bounds how long the name of a listening address is looked up.
const lookupLimit = 2 * time.Second

// onLoopback reports whether an address can be reached from this machine only. It is true
// for a name that cannot be resolved: listening on that fails later, with a better error.
func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true
	}
	if host == "" {
		return false
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil {
		return true
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}
