package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"

	"voted/internal/livefile"
)

// maxJWKs bounds a set of keys; issuers have two or three.
const maxJWKs = 64

// jwk is a key as in RFC 7517, with the members used from RFC 7518 and RFC 8037.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// keySet is the keys of an issuer by their ids.
type keySet map[string]signingKey

// parseKeySet reads a JWKS. An empty one, or an empty list, means that there are no
// keys any longer. Keys that are not for signing, or of kinds that are not used here,
// are ignored (RFC 7517, section 5).
func parseKeySet(b []byte) (keySet, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return keySet{}, nil // emptied: no keys
	}
	var doc struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("it is not a JWKS: %w", err)
	}
	if len(doc.Keys) > maxJWKs {
		return nil, fmt.Errorf("it holds %d keys, more than %d", len(doc.Keys), maxJWKs)
	}
	keys := keySet{}
	for _, k := range doc.Keys {
		public, err := k.public()
		if err != nil || k.Use != "" && k.Use != "sig" {
			continue
		}
		algorithm := algorithmOf(public)
		if algorithm == "" || k.Algorithm != "" && k.Algorithm != algorithm {
			continue
		}
		if _, twice := keys[k.ID]; twice {
			return nil, fmt.Errorf("two of its keys have the id %q", k.ID)
		}
		keys[k.ID] = signingKey{algorithm, public}
	}
	if len(keys) == 0 && (doc.Keys == nil || len(doc.Keys) > 0) {
		return nil, errors.New("it holds no key for EdDSA, RS256 or ES256")
	}
	return keys, nil
}

var errKeyKind = errors.New("a kind of key that is not used here")

func (k jwk) public() (any, error) {
	switch {
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x, err := decoded(k.X, ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	case k.Type == "EC" && k.Curve == "P-256":
		x, errX := decoded(k.X, 32)
		y, errY := decoded(k.Y, 32)
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	case k.Type == "RSA":
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			return nil, err
		}
		e, err := base64.RawURLEncoding.DecodeString(k.E)
		exponent := new(big.Int).SetBytes(e)
		if err != nil || !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 || exponent.Bit(0) == 0 {
			return nil, errKeyKind
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
	}
	return nil, errKeyKind
}

func decoded(s string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil && len(b) != size {
		err = errKeyKind
	}
	return b, err
}

// find returns the key with an id. A token without a key id is checked with the only
// key, if there is just one.
func (s keySet) find(id string) (signingKey, bool) {
	if k, ok := s[id]; ok || id != "" || len(s) != 1 {
		return k, ok
	}
	for _, k := range s {
		return k, true
	}
	return signingKey{}, false
}

// keyFile is keys in a file.
type keyFile struct{ set *livefile.Set[keySet] }

func (f keyFile) key(_ context.Context, id string) (signingKey, bool, error) {
	k, ok := f.set.Now().find(id)
	return k, ok, nil
}

func (f keyFile) changes() uint64 { return f.set.Changes() }

// OpenJWTs accepts JWTs for an audience, signed with the keys of a JWKS file, which is
// read again when it changes. issuer may be empty.
func OpenJWTs(w *livefile.Watch, path, audience, issuer string) (*JWTs, error) {
	set, err := livefile.Open(w, func(contents [][]byte) (keySet, error) {
		keys, err := parseKeySet(contents[0])
		if err != nil {
			return nil, fmt.Errorf("the keys in %s cannot be used: %w", path, err)
		}
		return keys, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return &JWTs{keys: keyFile{set}, audience: audience, issuer: issuer}, nil
}
