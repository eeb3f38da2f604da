package compare

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"voted/internal/child"
)

// loopback is the host that all systems listen on and certificates are issued for.
const loopback = "127.0.0.1"

// authority is a CA that is made by the commands of voted. Every system gets certificates
// of it. It is nil if the comparison is without TLS.
type authority struct {
	ctx     context.Context
	starter *child.Starter
	voted   string // the program
	dir     string
	clients *tls.Config
}

// newAuthority makes a CA in a directory that does not exist yet.
func newAuthority(ctx context.Context, s *child.Starter, voted, dir string) (*authority, error) {
	a := &authority{ctx: ctx, starter: s, voted: voted, dir: dir}
	if _, err := output(ctx, s, nil, nil, voted, "ca", "init", dir); err != nil {
		return nil, err
	}
	certificate, err := os.ReadFile(a.caFile())
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate cannot be read: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return nil, errors.New("the CA's certificate is none")
	}
	a.clients = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	return a, nil
}

// caFile is the file of the CA's certificate.
func (a *authority) caFile() string { return filepath.Join(a.dir, "ca.crt") }

// issue makes a certificate and its key in a directory, for a member of a cluster: it serves
// clients, and is shown to other members.
func (a *authority) issue(name, dir string) (certFile, keyFile string, err error) {
	_, err = output(a.ctx, a.starter, nil, nil, a.voted, "ca", "issue", a.dir, "member", name, "--host", loopback, "--out", dir)
	return filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"), err
}

// clientTLS is the TLS configuration of clients, nil without TLS.
func (a *authority) clientTLS() *tls.Config {
	if a == nil {
		return nil
	}
	return a.clients
}

// votedDir is the directory of the CA for nodes of voted, "" without TLS.
func (a *authority) votedDir() string {
	if a == nil {
		return ""
	}
	return a.dir
}

// scheme of the URLs of nodes.
func (a *authority) scheme() string {
	if a == nil {
		return "http"
	}
	return "https"
}

// describe adds to the description of a system how it uses TLS, if it does.
func (a *authority) describe(system, use string) string {
	if a == nil {
		return system
	}
	return system + "; " + use
}
