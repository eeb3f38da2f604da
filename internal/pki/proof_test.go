package pki

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func publicKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	must(t, err)
	return public
}

func TestTheCertificatesOfAProofKeySayWhoseItIsAndWhatFor(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, other := newAuthority(t), newAuthority(t)
	keys := ProofKeys{Member: "n1", Log: publicKey(t), Cosigner: publicKey(t)}
	certs, err := a.CertifyProof(keys, now)
	must(t, err)
	second, err := a.CertifyProof(ProofKeys{Member: "n2", Log: publicKey(t), Cosigner: publicKey(t)}, now)
	must(t, err)
	ca, err := os.ReadFile(filepath.Join(a.dir, caCertFile))
	must(t, err)
	otherCA, err := os.ReadFile(filepath.Join(other.dir, caCertFile))
	must(t, err)
	member, key, err := a.Issue(Request{Member: "n1", Now: now})
	must(t, err)
	ecdsa, _, err := a.Issue(Request{Proof: "n1", Use: ProofLog, Now: now})
	must(t, err)
	_, first := pem.Decode(certs)
	ownCA := func(b []byte) []byte { return append(b[:len(b):len(b)], ca...) }
	for name, c := range map[string]struct {
		certs, ca []byte
		at        time.Time
		says      string // "" for taken
	}{
		"both are taken":                          {certs, ca, now, ""},
		"after nine years too":                    {certs, ca, now.Add(9 * 365 * 24 * time.Hour), ""},
		"after the end of the CA":                 {certs, ca, now.Add(caLifetime + time.Hour), "not valid now"},
		"of another CA":                           {certs, otherCA, now, "another CA"},
		"where one is missing":                    {first, ca, now, "the two certificates"},
		"none at all":                             {nil, ca, now, "the two certificates"},
		"those of two members":                    {append(certs[:len(certs):len(certs)], second...), ca, now, "members n1 and n2"},
		"one of them twice":                       {append(certs[:len(certs):len(certs)], first...), ca, now, "two certificates"},
		"that of the member for its port":         {member, ca, now, "is for a member"},
		"that of the CA":                          {ownCA(nil), ca, now, "no name"},
		"the key in place of its certificate":     {key, ca, now, "PRIVATE KEY"},
		"one of a key that is not for Ed25519":    {ecdsa, ca, now, "not for Ed25519"},
		"one that names itself with no CA behind": {certs, certs, now, "not a CA's"},
	} {
		got, err := ReadProof(c.certs, c.ca, c.at)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err == nil && (got.Member != "n1" || !got.Log.Equal(keys.Log) || !got.Cosigner.Equal(keys.Cosigner)) {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}
