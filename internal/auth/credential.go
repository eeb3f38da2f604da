package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"voted/internal/livefile"
)

// A voting credential lets one voter vote in one poll: "vc1." and, in base64url,
//
//	8 bytes  which key signed it: the beginning of the SHA-256 of the public key
//	8 bytes  valid from, seconds since the Unix epoch, big-endian
//	8 bytes  valid until, likewise
//	1 byte   length of the poll's id
//	         the poll's id
//	         the voter
//	64 bytes Ed25519 signature of all before it, after signedContext
//
// It is signed where the electoral roll is kept; nodes know the public keys alone.
const (
	credentialPrefix = "vc1."
	// signedContext keeps a signature from meaning anything else anywhere else.
	signedContext = "voted voting credential v1\x00"
	keyIDBytes    = 8
	headBytes     = keyIDBytes + 8 + 8 + 1
	// maxCredentialBytes has room for the longest ids of poll and voter.
	maxCredentialBytes = headBytes + 64 + 256 + ed25519.SignatureSize
	// maxCredentialKeys bounds a file of keys: a new one beside each old one.
	maxCredentialKeys = 64
	// leeway is how much the clocks of issuers and nodes may differ.
	leeway = 30 * time.Second
)

// CredentialKey signs voting credentials.
type CredentialKey struct{ key ed25519.PrivateKey }

// NewCredentialKey draws a key and returns it in PEM, private and public.
func NewCredentialKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER}), nil
}

// ParseCredentialKey reads a private key as NewCredentialKey makes it.
func ParseCredentialKey(b []byte) (*CredentialKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("it holds no key in PEM; `voted credential key` makes one")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("its private key cannot be read; `voted credential key` makes one")
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("its key is not for Ed25519; `voted credential key` makes one that is")
	}
	return &CredentialKey{ed}, nil
}

// MayHold says why there can be no credential for a voter of a poll: nodes take no such
// ids, so that it would be refused wherever it were used.
func MayHold(poll, voter string) error {
	switch {
	case poll == "" || len(poll) > 64 || voter == "" || len(voter) > 256:
		return errors.New("a poll has 1 to 64 bytes, a voter 1 to 256")
	case !utf8.ValidString(voter) || strings.ContainsFunc(voter, unicode.IsControl):
		return errors.New("a voter is UTF-8 without control characters")
	case voter == "." || voter == "..":
		return errors.New("paths cannot carry '.' and '..', so no voter can be called that")
	}
	return nil
}

// Issue signs a credential for a voter of a poll, valid from a time until another.
func (k *CredentialKey) Issue(poll, voter string, from, until time.Time) (string, error) {
	if err := MayHold(poll, voter); err != nil {
		return "", err
	}
	if !until.After(from) {
		return "", errors.New("it would end before it begins")
	}
	id := keyID(k.key.Public().(ed25519.PublicKey))
	b := append(make([]byte, 0, maxCredentialBytes), id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(from.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(until.Unix()))
	b = append(b, byte(len(poll)))
	b = append(append(b, poll...), voter...)
	b = append(b, ed25519.Sign(k.key, append([]byte(signedContext), b...))...)
	return credentialPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

func keyID(pub ed25519.PublicKey) (id [keyIDBytes]byte) {
	hash := sha256.Sum256(pub)
	copy(id[:], hash[:])
	return id
}

type credentialKeys map[[keyIDBytes]byte]ed25519.PublicKey

// Credentials checks voting credentials.
type Credentials struct {
	keys *livefile.Set[credentialKeys]
}

// OpenCredentials reads a file of public keys in PEM. It is read again when it
// changes: a key that is taken out ends all credentials that it signed.
func OpenCredentials(log *slog.Logger, path string) (*Credentials, error) {
	keys, err := livefile.Open(log, func(contents [][]byte) (credentialKeys, error) {
		keys, err := parseCredentialKeys(contents[0])
		if err != nil {
			return nil, fmt.Errorf("the file of credential keys %s cannot be used: %w", path, err)
		}
		return keys, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return &Credentials{keys}, nil
}

func parseCredentialKeys(b []byte) (credentialKeys, error) {
	keys := credentialKeys{}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("it holds a %s; nodes need public keys alone, and the private one must stay where credentials are issued", block.Type)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("it holds a key that cannot be read: %w", err)
		}
		ed, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, errors.New("it holds a key that is not for Ed25519")
		}
		keys[keyID(ed)] = ed
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("it holds no public key in PEM; `voted credential key` makes one")
	case len(keys) > maxCredentialKeys:
		return nil, fmt.Errorf("it holds more than %d keys", maxCredentialKeys)
	}
	return keys, nil
}

// check returns the voter that a credential is for.
func (c *Credentials) check(credential string, now time.Time) (who Identity, err error) {
	text := credential[len(credentialPrefix):]
	if len(text) > base64.RawURLEncoding.EncodedLen(maxCredentialBytes) {
		return who, errUnreadable
	}
	// Strict: two texts must not be one credential.
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= headBytes+ed25519.SignatureSize {
		return who, errUnreadable
	}
	signed, signature := b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	var id [keyIDBytes]byte
	copy(id[:], b)
	key, known := c.keys.Now()[id]
	if !known || !ed25519.Verify(key, append([]byte(signedContext), signed...), signature) {
		return who, errUnknownSigner
	}
	from := time.Unix(int64(binary.BigEndian.Uint64(signed[8:])), 0)
	until := time.Unix(int64(binary.BigEndian.Uint64(signed[16:])), 0)
	poll, rest := int(signed[24]), signed[headBytes:]
	switch {
	case poll == 0 || len(rest) <= poll:
		return who, errUnreadable
	case now.Add(leeway).Before(from):
		return who, errTooEarly
	case now.Add(-leeway).After(until):
		return who, errExpired
	}
	return voterOf(string(rest[:poll]), string(rest[poll:])), nil
}

// voterOf makes the identity of a voter. Its name is a hash: it tells voters apart
// without saying who they are.
func voterOf(poll, voter string) Identity {
	hash := sha256.Sum256([]byte(voter))
	return Identity{Roles: Voter, Name: "voter:" + hex.EncodeToString(hash[:8]), Poll: poll, Voter: voter}
}
