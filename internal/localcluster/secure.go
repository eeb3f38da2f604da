package localcluster

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"voted/client"
	"voted/internal/auth"
	"voted/internal/pki"
)

// secrets are what a cluster under TLS is made with.
type secrets struct {
	tls   *tls.Config // of clients
	token string      // of a client that may do everything

	caFile, tokenFile string
}

// secretsDir holds the certificates, keys and tokens of the cluster.
func (c *Cluster) secretsDir() string { return filepath.Join(c.Dir, "secrets") }

// authority returns the CA of the cluster and the file of its certificate. It makes a CA
// if the caller has named none.
func (c *Cluster) authority() (ca *pki.CA, certFile string, err error) {
	dir := c.options.Authority
	if dir != "" {
		ca, err = pki.Open(dir)
		return ca, filepath.Join(dir, "ca.crt"), err
	}
	dir = c.secretsDir()
	if ca, err = pki.Open(dir); err != nil {
		ca, err = pki.Init(dir, "voted local cluster", time.Now())
	}
	return ca, filepath.Join(dir, "ca.crt"), err
}

// encrypt puts every node under TLS, each with a certificate of its own.
func (c *Cluster) encrypt() error {
	ca, caFile, err := c.authority()
	if err != nil {
		return err
	}
	dir := c.secretsDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the directory of the certificates cannot be made: %w", err)
	}
	for _, n := range c.Nodes {
		host, _, err := net.SplitHostPort(n.APIAddr)
		if err != nil {
			return err
		}
		cert, key, err := ca.IssueTo(dir, n.ID, pki.Request{Member: n.ID, Hosts: []string{host}, Now: time.Now()})
		if err != nil {
			return err
		}
		n.URL = "https://" + n.APIAddr
		n.Args = append(n.Args, "--tls-cert", cert, "--tls-key", key, "--peer-ca", caFile, "--peer-cert", cert, "--peer-key", key)
	}
	c.caFile = caFile
	c.tls, err = pki.ClientTLS(slog.New(slog.DiscardHandler), pki.Files{CA: caFile})
	return err
}

// requireToken makes a token that may do everything, which every request then needs, and
// has each node keep an audit log.
func (c *Cluster) requireToken() error {
	token, line, err := auth.NewToken(auth.Admin|auth.Gateway|auth.Reader|auth.Auditor|auth.Metrics, "local")
	if err != nil {
		return err
	}
	tokens := filepath.Join(c.secretsDir(), "tokens")
	lines := strings.Join(append([]string{line}, c.options.Tokens...), "\n") + "\n"
	if err := os.WriteFile(tokens, []byte(lines), 0o600); err != nil {
		return fmt.Errorf("the tokens of the cluster cannot be written: %w", err)
	}
	for _, n := range c.Nodes {
		n.Args = append(n.Args, "--tokens", tokens, "--audit", filepath.Join(c.Dir, n.ID+".audit"))
	}
	c.token, c.tokenFile = token, filepath.Join(c.secretsDir(), "token")
	if err := os.WriteFile(c.tokenFile, []byte(token+"\n"), 0o600); err != nil {
		return fmt.Errorf("the token of the cluster cannot be written: %w", err)
	}
	return nil
}

// TLS returns the TLS configuration with which clients reach the nodes, nil without
// Options.Secure and Options.Authority.
func (c *Cluster) TLS() *tls.Config {
	if c.tls == nil {
		return nil
	}
	return c.tls.Clone()
}

// ClientOptions returns what a client of the cluster needs.
func (c *Cluster) ClientOptions() []client.Option {
	if c.tls == nil {
		return nil
	}
	options := []client.Option{client.WithTLSConfig(c.TLS())}
	if c.token != "" {
		options = append(options, client.WithToken(c.Token))
	}
	return options
}

// Flags returns the flags that commands of voted need to use the cluster, "" without
// Options.Secure and Options.Authority.
func (c *Cluster) Flags() string {
	switch {
	case c.tls == nil:
		return ""
	case c.token == "":
		return "--ca " + c.caFile
	}
	return "--ca " + c.caFile + " --token-file " + c.tokenFile
}

// Token returns a bearer token that may do everything, "" without Options.Secure.
func (c *Cluster) Token() string { return c.token }

// newProbes makes the client that asks nodes how they are. It keeps no connection open, so
// none leads to a process that has ended.
func (c *Cluster) newProbes() *http.Client {
	return &http.Client{
		Timeout:   probeTimeout,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: c.TLS()},
	}
}

// authorize adds the token to a request.
func (c *Cluster) authorize(r *http.Request) {
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
}
