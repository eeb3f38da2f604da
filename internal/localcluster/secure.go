package localcluster

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"voted/client"
	"voted/internal/auth"
	"voted/internal/pki"
)

// secrets are what a cluster under TLS is made with, all in its directory.
type secrets struct {
	tls   *tls.Config // of clients
	token string      // of a client that may do everything

	caFile, tokenFile string
}

// secure puts every node under TLS: a CA, a certificate for each member, and a
// token that may do everything.
func (c *Cluster) secure() error {
	dir := filepath.Join(c.Dir, "secrets")
	ca, err := pki.Open(dir)
	if err != nil {
		if ca, err = pki.Init(dir, "voted local cluster", time.Now()); err != nil {
			return err
		}
	}
	caFile, tokens := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "tokens")
	token, line, err := auth.NewToken(auth.Admin|auth.Gateway|auth.Reader|auth.Metrics, "local")
	if err != nil {
		return err
	}
	if err := os.WriteFile(tokens, []byte(line+"\n"), 0o600); err != nil {
		return fmt.Errorf("the tokens of the cluster cannot be written: %w", err)
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
		n.Args = append(n.Args, "--tls-cert", cert, "--tls-key", key, "--peer-ca", caFile, "--peer-cert", cert, "--peer-key", key,
			"--tokens", tokens, "--audit", filepath.Join(c.Dir, n.ID+".audit"))
	}
	c.token, c.caFile, c.tokenFile = token, caFile, filepath.Join(dir, "token")
	if err := os.WriteFile(c.tokenFile, []byte(token+"\n"), 0o600); err != nil {
		return fmt.Errorf("the token of the cluster cannot be written: %w", err)
	}
	c.tls, err = pki.ClientTLS(slog.New(slog.DiscardHandler), pki.Files{CA: caFile})
	return err
}

// TLS returns the TLS configuration with which clients reach the nodes, nil where
// the cluster is not secure.
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
	return []client.Option{client.WithTLSConfig(c.TLS()), client.WithToken(c.Token)}
}

// Flags returns what commands of voted need to talk to the cluster, "" where they
// need nothing.
func (c *Cluster) Flags() string {
	if c.tls == nil {
		return ""
	}
	return "--ca " + c.caFile + " --token-file " + c.tokenFile
}

// Token returns a bearer token that may do everything, "" where the cluster is not
// secure.
func (c *Cluster) Token() string { return c.token }

// newProbes makes what looks at nodes: no connection outlives its look, so none
// points to a process that is gone.
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
