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

// Access is how clients reach the nodes: over which TLS, and with which token. The zero
// value is for nodes that need neither.
type Access struct {
	TLS   *tls.Config
	Token string
}

// ReadAccess reads the certificate of the CA that issued the nodes' certificates, and a
// bearer token. Either file name may be empty: without a CA the system's CAs are trusted,
// without a token requests carry none. Errors name the file, never what is in it.
func ReadAccess(caFile, tokenFile string) (a Access, err error) {
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return a, fmt.Errorf("the CA cannot be read: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return a, fmt.Errorf("the file %s holds no certificate in PEM; name the ca.crt of the CA that issued the nodes' certificates", caFile)
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

// Authorize adds the token to a request, if there is one.
func (a Access) Authorize(r *http.Request) {
	if a.Token != "" {
		r.Header.Set("Authorization", "Bearer "+a.Token)
	}
}

// TokenOptions returns the options for a client that has a transport of its own: the token,
// if there is one.
func (a Access) TokenOptions() []client.Option {
	if a.Token == "" {
		return nil
	}
	return []client.Option{client.WithToken(func() string { return a.Token })}
}

// Options returns the options for a client without a transport of its own: TLS and token.
func (a Access) Options() []client.Option {
	options := a.TokenOptions()
	if a.TLS != nil {
		options = append(options, client.WithTLSConfig(a.TLS.Clone()))
	}
	return options
}
