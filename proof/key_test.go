package proof

import (
	"crypto/ed25519"
	"errors"
	"testing"
)

func TestAVerifierMadeOfAPublicKeyIsThatOfItsSigner(t *testing.T) {
	t.Parallel()
	signer, err := NewCosigner([SeedBytes]byte{7}, "votes.example/n1")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := NewVerifier(signer.Name(), Cosignature, signer.Public()); err != nil || v != signer.Verifier {
		t.Errorf("%v, %v", v, err)
	}
	for name, make := range map[string]func() (Verifier, error){
		"a name with a space": func() (Verifier, error) { return NewVerifier("votes example", Cosignature, signer.Public()) },
		"no name":             func() (Verifier, error) { return NewVerifier("", Cosignature, signer.Public()) },
		"another algorithm":   func() (Verifier, error) { return NewVerifier("n1", 0x02, signer.Public()) },
		"no key":              func() (Verifier, error) { return NewVerifier("n1", Cosignature, nil) },
		"a private key":       func() (Verifier, error) { return NewVerifier("n1", Cosignature, make64()) },
	} {
		if v, err := make(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func make64() ed25519.PublicKey { return make([]byte, ed25519.PrivateKeySize) }
