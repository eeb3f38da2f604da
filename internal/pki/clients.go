package pki

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"voted/internal/livefile"
)

// Clients are the client certificates that a node accepts: those of a CA, except
// withdrawn ones. TLS checks a certificate only when a client connects, and a
// connection may last for days, so it is checked again with each request.
type Clients struct {
	cas    *livefile.Set[*x509.CertPool]
	denied *livefile.Set[denials] // nil: none were withdrawn

	mu    sync.Mutex
	known map[[sha256.Size]byte]passed // guarded by mu
}

// passed is a certificate that was accepted, and with which CAs.
type passed struct {
	cas         *x509.CertPool
	from, until time.Time
}

// maxKnown bounds how many accepted certificates are remembered. When there are more,
// the memory is emptied, and each certificate is checked once more.
const maxKnown = 4096

// denials are withdrawn certificates: one by its SHA-256, or all that have a name.
type denials struct {
	fingerprints map[[sha256.Size]byte]bool
	names        map[string]bool
}

// OpenClients reads the CA of clients and, if deny names a file, the certificates that
// are withdrawn. Both are read again when they change. An empty CA file means no CA: no
// certificate is accepted then.
func OpenClients(w *livefile.Watch, ca, deny string) (*Clients, error) {
	c := &Clients{known: map[[sha256.Size]byte]passed{}}
	var err error
	c.cas, err = livefile.Open(w, func(contents [][]byte) (*x509.CertPool, error) {
		if len(bytes.TrimSpace(contents[0])) == 0 {
			return x509.NewCertPool(), nil
		}
		return poolOf(contents[0], ca)
	}, ca)
	if err != nil || deny == "" {
		return c, err
	}
	c.denied, err = livefile.Open(w, func(contents [][]byte) (denials, error) {
		d, err := parseDenials(contents[0])
		if err != nil {
			return d, fmt.Errorf("the file of withdrawn certificates %s cannot be used: %w", deny, err)
		}
		return d, nil
	}, deny)
	return c, err
}

// parseDenials reads one certificate a line; # begins a comment.
func parseDenials(b []byte) (denials, error) {
	d := denials{map[[sha256.Size]byte]bool{}, map[string]bool{}}
	number := 0
	for line := range bytes.Lines(b) {
		number++
		text, _, _ := strings.Cut(string(line), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if name, ok := strings.CutPrefix(text, scheme+"://client/"); ok && strings.Count(name, "/") == 1 {
			d.names[text] = true
			continue
		}
		hash, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
		if err != nil || len(hash) != sha256.Size {
			return d, fmt.Errorf("line %d is neither a name such as voted://client/admin/ops nor the SHA-256 of a certificate in hex, as "+
				"openssl x509 -noout -fingerprint -sha256 prints it after the equals sign", number)
		}
		d.fingerprints[[sha256.Size]byte(hash)] = true
	}
	return d, nil
}

// Changes implements auth.Clients.
func (c *Clients) Changes() uint64 {
	n := c.cas.Changes()
	if c.denied != nil {
		n += c.denied.Changes()
	}
	return n
}

// Client implements auth.Clients.
func (c *Clients) Client(x *x509.Certificate) (roles, name string, err error) { return Client(x) }

// Check implements auth.Clients.
func (c *Clients) Check(chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	fingerprint := sha256.Sum256(chain[0].Raw)
	if c.denied != nil {
		d := c.denied.Now()
		roles, name, err := Client(chain[0])
		if err != nil || d.fingerprints[fingerprint] || d.names[scheme+"://client/"+roles+"/"+name] {
			return until, errWithdrawn
		}
	}
	good, err := c.pass(fingerprint, chain, now)
	return good.until, err
}

var errWithdrawn = errors.New("the certificate was withdrawn")

// pass checks a chain against the present CAs, and remembers the result.
func (c *Clients) pass(fingerprint [sha256.Size]byte, chain []*x509.Certificate, now time.Time) (passed, error) {
	cas := c.cas.Now()
	c.mu.Lock()
	p, known := c.known[fingerprint]
	c.mu.Unlock()
	if known && p.cas == cas && !now.Before(p.from) && !now.After(p.until) {
		return p, nil
	}
	between := x509.NewCertPool()
	for _, x := range chain[1:] {
		between.AddCert(x)
	}
	chains, err := chain[0].Verify(x509.VerifyOptions{
		Roots: cas, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return passed{}, err
	}
	p = passed{cas: cas}
	for _, x := range chains[0] {
		if p.from.Before(x.NotBefore) {
			p.from = x.NotBefore
		}
		if p.until.IsZero() || x.NotAfter.Before(p.until) {
			p.until = x.NotAfter
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[fingerprint] = p
	return p, nil
}
