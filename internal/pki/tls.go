package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"voted/internal/livefile"
)

// pairOf reads a certificate and its key; from is their name in errors.
func pairOf(certPEM, keyPEM []byte, from string) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return pair, fmt.Errorf("the certificate and key in %s cannot be used together: %w", from, err)
	}
	return pair, nil
}

// poolOf reads the certificates of CAs. An expired one is kept, so that what it signed
// is refused with this reason.
func poolOf(b []byte, from string) (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), 0
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the file %s holds a certificate that cannot be read: %w", from, err)
		}
		if !c.IsCA {
			return nil, fmt.Errorf("the file %s holds the certificate of %q, which is not a CA's", from, c.Subject.CommonName)
		}
		pool.AddCert(c)
		found++
	}
	if found == 0 {
		return nil, fmt.Errorf("the file %s holds no certificate of a CA in PEM", from)
	}
	return pool, nil
}

// Files names the files of one end of TLS. They are read again when they change.
type Files struct {
	Cert, Key string
	CA        string // of those that connect; may be empty for the API
}

// material is what the files hold.
type material struct {
	pair tls.Certificate
	pool *x509.CertPool // nil if Files.CA is empty
}

func open(w *livefile.Watch, f Files) (*livefile.Set[material], error) {
	paths := []string{f.Cert, f.Key}
	if f.CA != "" {
		paths = append(paths, f.CA)
	}
	return livefile.Open(w, func(contents [][]byte) (m material, err error) {
		if m.pair, err = pairOf(contents[0], contents[1], f.Cert+" and "+f.Key); err != nil {
			return m, err
		}
		if f.CA != "" {
			m.pool, err = poolOf(contents[2], f.CA)
		}
		return m, err
	}, paths...)
}

// API returns the TLS configuration of the public port: TLS 1.3 and, if clients is not
// nil, client certificates. A client need not show one; a wrong one ends the handshake.
func API(w *livefile.Watch, f Files, clients *Clients) (*tls.Config, error) {
	files, err := open(w, f)
	if err != nil {
		return nil, err
	}
	config := func() *tls.Config {
		m := files.Now()
		c := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{m.pair}, NextProtos: []string{"h2", "http/1.1"}}
		if clients != nil {
			c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, clients.cas.Now()
			// A ticket would stay valid after the pool changed that its certificate was
			// checked against.
			c.SessionTicketsDisabled = true
		}
		return c
	}
	c := config()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return config(), nil }
	return c, nil
}

// Peer returns both ends of mutual TLS between members. Either end checks that the
// other one's certificate is of the CA, valid now, and a member's. Host names are not
// checked: the certificate alone says which member it is. self is the id that this
// member's own certificate must have.
func Peer(w *livefile.Watch, f Files, self string) (server, client *tls.Config, err error) {
	files, err := open(w, f)
	if err != nil {
		return nil, nil, err
	}
	m := files.Now()
	name, err := Member(m.pair.Leaf)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("the certificate %s is of %w", f.Cert, err)
	case name != self:
		return nil, nil, fmt.Errorf("the certificate %s is for member %s, but this is member %s; give each member its own", f.Cert, name, self)
	}
	if err := verify(m.pool, []*x509.Certificate{m.pair.Leaf}, x509.ExtKeyUsageServerAuth, time.Now()); err != nil {
		return nil, nil, fmt.Errorf("the other members would refuse the certificate %s: %w", f.Cert, err)
	}
	check := func(usage x509.ExtKeyUsage) func(tls.ConnectionState) error {
		return func(s tls.ConnectionState) error {
			return verify(files.Now().pool, s.PeerCertificates, usage, time.Now())
		}
	}
	server = &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		// VerifyConnection checks both, against the present CA.
		ClientAuth:       tls.RequireAnyClientCert,
		VerifyConnection: check(x509.ExtKeyUsageClientAuth),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair := files.Now().pair
			return &pair, nil
		},
	}
	client = &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		InsecureSkipVerify: true, // skips the host name; VerifyConnection checks the rest
		VerifyConnection:   check(x509.ExtKeyUsageServerAuth),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair := files.Now().pair
			return &pair, nil
		},
	}
	return server, client, nil
}

// verify checks a chain against a pool of CAs, and that its leaf names a member.
func verify(pool *x509.CertPool, chain []*x509.Certificate, usage x509.ExtKeyUsage, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("no certificate was shown; every member needs one of this cluster's CA")
	}
	if err := trusted(pool, chain, usage, now); err != nil {
		return err
	}
	_, err := Member(chain[0])
	return err
}

// trusted checks a chain against a pool of CAs.
func trusted(pool *x509.CertPool, chain []*x509.Certificate, usage x509.ExtKeyUsage, now time.Time) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the certificate is not valid now, but from %s to %s; issue a new one, or set the clock right: %w",
			chain[0].NotBefore.Format(time.RFC3339), chain[0].NotAfter.Format(time.RFC3339), err)
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate is of another CA than this cluster's; issue it with the cluster's own: %w", err)
	case err != nil:
		return fmt.Errorf("the certificate cannot be trusted: %w", err)
	}
	return nil
}

// ClientTLS returns the TLS configuration of an API client: the CA that the nodes'
// certificates are checked against (empty: the system's), and the client's own
// certificate, if it has one.
func ClientTLS(log *slog.Logger, f Files) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	w := livefile.NewWatch(log)
	if f.CA != "" {
		pools, err := livefile.Open(w, func(contents [][]byte) (*x509.CertPool, error) { return poolOf(contents[0], f.CA) }, f.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pools.Now()
	}
	if f.Cert != "" {
		files, err := open(w, Files{Cert: f.Cert, Key: f.Key})
		if err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair := files.Now().pair
			return &pair, nil
		}
	}
	return c, nil
}
