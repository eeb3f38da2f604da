package wire

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"

	"voted/client"
)

// Access is how nodes are spoken to: over which TLS, and with whose token. The zero
// value is for nodes that ask for neither.
type Access struct {
	TLS   *tls.Config
	Token string
}

// ReadAccess reads the certificate of the CA that the nodes' certificates are of, and
// a bearer token. Either file may be left out: without the first the system's CAs
// count, without the second nothing is shown. Its errors name the file, never what
// is in it.
func ReadAccess(caFile, tokenFile string) (a Access, err error) {
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return a, fmt.Errorf("the CA cannot be read: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return a, fmt.Errorf("the file %s holds no certificate in PEM; name the ca.crt that the nodes' certificates were issued from", caFile)
		}
		a.TLS = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}
	}
	if tokenFile != "" {
		text, err := os.ReadFile(tokenFile)
		if err != nil {
			return a, fmt.Errorf("the token cannot be read: %w", err)
		}
		a.Token = strings.TrimSpace(string(text))
		if a.Token == "" || strings.ContainsAny(a.Token, " \t\r\n") {
			return a, fmt.Errorf("the file %s must hold a token and nothing else, as `voted token new` prints it", tokenFile)
		}
	}
	return a, nil
}

// Authorize shows the token in a request.
func (a Access) Authorize(r *http.Request) {
	if a.Token != "" {
		r.Header.Set("Authorization", "Bearer "+a.Token)
	}
}

// AsWho returns what a client needs that has a transport of its own.
func (a Access) AsWho() []client.Option {
	if a.Token == "" {
		return nil
	}
	return []client.Option{client.WithToken(func() string { return a.Token })}
}

// Options returns what a client needs that makes its own transport.
func (a Access) Options() []client.Option {
	options := a.AsWho()
	if a.TLS != nil {
		options = append(options, client.WithTLSConfig(a.TLS.Clone()))
	}
	return options
}
