package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"voted/internal/livefile"
)

// Lifetimes, and how far a clock may be behind that of the issuer.
const (
	// caLifetime is long, because replacing a CA needs work on every node and client.
	caLifetime = 10 * 365 * 24 * time.Hour
	// DefaultLifetime is that of the certificates that a CA issues: long enough to
	// renew once a year by hand. Renewal needs no restart, so a shorter one is easy.
	DefaultLifetime = 397 * 24 * time.Hour
	// backdate covers the clocks of machines that are set up together.
	backdate = 5 * time.Minute
)

// The files of a CA's directory.
const (
	caCertFile = "ca.crt"
	caKeyFile  = "ca.key"
)

// CA signs certificates. Its key stays in its directory; nodes need only ca.crt.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Init makes a new CA in a directory, which is made if missing. It never changes an
// existing CA.
func Init(dir, name string, now time.Time) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory of the CA cannot be made: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-backdate), NotAfter: now.Add(caLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	// The key comes first: it must never be overwritten, and without it the certificate
	// is useless.
	if err := WriteNew(filepath.Join(dir, caKeyFile), keyPEM); err != nil {
		return nil, fmt.Errorf("a CA is never overwritten: %w", err)
	}
	if err := WriteNew(filepath.Join(dir, caCertFile), encodeCert(der)); err != nil {
		return nil, err
	}
	return &CA{cert, key}, nil
}

// Open reads the CA in a directory.
func Open(dir string) (*CA, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, caCertFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no CA in %s; make one with `voted ca init %s`", dir, dir)
	} else if err != nil {
		return nil, livefile.Unreadable(filepath.Join(dir, caCertFile), err)
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, livefile.Unreadable(filepath.Join(dir, caKeyFile), err)
	}
	pair, err := pairOf(certPEM, keyPEM, dir)
	if err != nil {
		return nil, err
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s holds a certificate that cannot sign others", filepath.Join(dir, caCertFile))
	}
	return &CA{pair.Leaf, signer}, nil
}

// Request describes a certificate. It has one of Member, Client and Proof, or none of them
// for a plain server certificate.
type Request struct {
	Member string   // id of a member
	Roles  string   // of a client, separated by commas
	Client string   // name of a client
	Proof  string   // id of the member whose proof key it is
	Use    ProofUse // of that proof key
	Hosts  []string // DNS names and addresses of the server; none for clients and proof keys
	// Lifetime counts from now; default DefaultLifetime, and never beyond the CA's own
	// end.
	Lifetime time.Duration
	Now      time.Time
}

func (r Request) template() (*x509.Certificate, error) {
	t := &x509.Certificate{
		NotBefore: r.Now.Add(-backdate), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch {
	case r.Lifetime < 0:
		return nil, errors.New("a certificate cannot end before it begins")
	case r.Member != "":
		if !id.MatchString(r.Member) {
			return nil, fmt.Errorf("%q cannot be the id of a member", r.Member)
		}
		t.Subject.CommonName = r.Member
		t.URIs = []*url.URL{{Scheme: scheme, Host: "member", Path: "/" + r.Member}}
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	case r.Client != "":
		if !id.MatchString(r.Client) || !rolesLike(r.Roles) {
			return nil, fmt.Errorf("%q cannot be the name of a client, or %q its roles", r.Client, r.Roles)
		}
		t.Subject.CommonName = r.Client
		t.URIs = []*url.URL{{Scheme: scheme, Host: "client", Path: "/" + r.Roles + "/" + r.Client}}
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case r.Proof != "":
		if !id.MatchString(r.Proof) || !slices.Contains(ProofUses(), r.Use) {
			return nil, fmt.Errorf("%q cannot be the id of a member, or %q the use of a proof key", r.Proof, r.Use)
		}
		t.Subject.CommonName = r.Proof + " " + string(r.Use)
		t.URIs = []*url.URL{{Scheme: scheme, Host: "proof", Path: "/" + r.Proof + "/" + string(r.Use)}}
		// Neither end of TLS takes it, whatever looks at its name.
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	case len(r.Hosts) == 0:
		return nil, errors.New("a server's certificate needs the host names under which it is reached")
	default:
		t.Subject.CommonName = r.Hosts[0]
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t, nil
}

// Issue signs a certificate for a fresh key and returns both in PEM.
func (ca *CA) Issue(r Request) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if certPEM, err = ca.Certify(r, &key.PublicKey); err != nil {
		return nil, nil, err
	}
	keyPEM, err = encodeKey(key)
	return certPEM, keyPEM, err
}

// Certify signs a certificate for a public key and returns it in PEM.
func (ca *CA) Certify(r Request, public crypto.PublicKey) (certPEM []byte, err error) {
	template, err := r.template()
	if err != nil {
		return nil, err
	}
	lifetime := r.Lifetime
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	template.NotAfter = r.Now.Add(lifetime)
	if template.NotAfter.After(ca.cert.NotAfter) {
		template.NotAfter = ca.cert.NotAfter
	}
	der, err := sign(template, ca.cert, public, ca.key)
	if err != nil {
		return nil, err
	}
	return encodeCert(der), nil
}

// Ends returns until when the CA's own certificate, and thus all that it signs, is valid.
func (ca *CA) Ends() time.Time { return ca.cert.NotAfter }

// IssueTo writes a certificate and its key to DIR/NAME.crt and NAME.key, readable by
// their owner only. Existing files are replaced as a whole; so a certificate can be
// renewed while its node runs.
func (ca *CA) IssueTo(dir, name string, r Request) (certFile, keyFile string, err error) {
	certPEM, keyPEM, err := ca.Issue(r)
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := Replace(keyFile, keyPEM); err != nil {
		return "", "", err
	}
	return certFile, keyFile, Replace(certFile, certPEM)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	// RFC 5280, section 4.1.2.2: at most 20 bytes, and hard to guess.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be signed: %w", err)
	}
	return der, nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// WriteNew writes a file that must not exist yet, readable by its owner only.
func WriteNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the file %s cannot be made: %w", path, err)
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// Replace writes a new file next to the old one, readable by its owner only, and then renames
// it over the old one.
func Replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the file %s cannot be made: %w", path, err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to report
		return fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	return nil
}
