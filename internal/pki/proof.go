package pki

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ProofKeys are the public halves of a member's proof key, one for each use.
type ProofKeys struct {
	Member        string
	Log, Cosigner ed25519.PublicKey
}

// of returns the field of a use.
func (k *ProofKeys) of(use ProofUse) *ed25519.PublicKey {
	if use == ProofLog {
		return &k.Log
	}
	return &k.Cosigner
}

// CertifyProof signs a certificate for each of the keys, and returns both in PEM. They are
// valid for as long as the CA: a policy that names the keys is checked long after it was made.
func (ca *CA) CertifyProof(k ProofKeys, now time.Time) (certsPEM []byte, err error) {
	for _, use := range ProofUses() {
		r := Request{Proof: k.Member, Use: use, Now: now, Lifetime: ca.cert.NotAfter.Sub(now)}
		certPEM, err := ca.Certify(r, *k.of(use))
		if err != nil {
			return nil, err
		}
		certsPEM = append(certsPEM, certPEM...)
	}
	return certsPEM, nil
}

// ReadProof reads what CertifyProof returned: one certificate for each use, of one member and
// of a CA among caPEM.
func ReadProof(certsPEM, caPEM []byte, now time.Time) (k ProofKeys, err error) {
	cas, err := poolOf(caPEM, "of the CA")
	if err != nil {
		return k, err
	}
	for block, rest := pem.Decode(certsPEM); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return k, fmt.Errorf("it holds a %s, and should hold certificates alone; the file of the key is another one", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return k, fmt.Errorf("it holds a certificate that cannot be read: %w", err)
		}
		if err := k.take(c, cas, now); err != nil {
			return k, err
		}
	}
	if slices.ContainsFunc(ProofUses(), func(use ProofUse) bool { return *k.of(use) == nil }) {
		return k, errors.New("it does not hold the two certificates of a proof key; `voted ca issue DIR member ID` writes them to ID.proof.crt")
	}
	return k, nil
}

// take adds the key of one certificate.
func (k *ProofKeys) take(c *x509.Certificate, cas *x509.CertPool, now time.Time) error {
	member, use, err := Proof(c)
	if err != nil {
		return fmt.Errorf("it is the certificate of %w", err)
	}
	if err := trusted(cas, []*x509.Certificate{c}, x509.ExtKeyUsageTimeStamping, now); err != nil {
		return err
	}
	public, ok := c.PublicKey.(ed25519.PublicKey)
	switch {
	case !ok:
		return errors.New("its key is not for Ed25519, as proof keys are")
	case k.Member != "" && k.Member != member:
		return fmt.Errorf("it holds certificates of the members %s and %s; give each member a file of its own", k.Member, member)
	case *k.of(use) != nil:
		return fmt.Errorf("it holds two certificates of member %s for the use %s", member, use)
	}
	k.Member, *k.of(use) = member, public
	return nil
}
