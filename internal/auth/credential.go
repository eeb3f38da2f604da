package auth

import (
	"bytes"
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
	"time"
	"unicode/utf8"

	"voted/internal/livefile"
	"voted/internal/voterid"
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
// It is signed where the electoral roll is kept; nodes know only the public keys.
const (
	credentialPrefix = "vc1."
	// signedContext ensures that a signature is valid for a voting credential only.
	signedContext = "voted voting credential v1\x00"
	keyIDBytes    = 8
	headBytes     = keyIDBytes + 8 + 8 + 1
	// maxCredentialBytes has room for the longest ids of poll and voter.
	maxCredentialBytes = headBytes + maxPollBytes + voterid.MaxBytes + ed25519.SignatureSize
	// maxPollBytes bounds the id of a poll.
	maxPollBytes = 64
	// maxCredentialKeys bounds a file of keys, in which a new key stands next to the
	// old one for a time.
	maxCredentialKeys = 64
	// leeway is how much the clocks of issuers and nodes may differ.
	leeway = 30 * time.Second
)

// CredentialKey signs voting credentials.
type CredentialKey struct{ key ed25519.PrivateKey }

// NewCredentialKey makes a random key and returns it in PEM, private and public.
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

// MayHold returns nil if there can be a credential for this voter and poll, else the
// reason: nodes refuse such ids, so the credential would be useless.
func MayHold(poll, voter string) error {
	switch {
	case poll == "" || len(poll) > maxPollBytes:
		return fmt.Errorf("the id of a poll has 1 to %d bytes: give the id that `voted poll list` shows", maxPollBytes)
	case !utf8.ValidString(poll):
		return errors.New("the id of the poll is not UTF-8: give the id that `voted poll list` shows")
	}
	_, err := voterid.Canonical(voter)
	return err
}

// Issue signs a credential for a voter of a poll, valid from one time until another. It
// holds the canonical id, so it is valid for all encodings of the voter's id.
func (k *CredentialKey) Issue(poll, voter string, from, until time.Time) (string, error) {
	if err := MayHold(poll, voter); err != nil {
		return "", err
	}
	if !until.After(from) {
		return "", errors.New("it would end before it begins")
	}
	voter, err := voterid.Canonical(voter)
	if err != nil {
		return "", err
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

// OpenCredentials reads a file of public keys in PEM, and reads it again when it
// changes. Removing a key ends all credentials that it signed; emptying the file ends
// all of them.
func OpenCredentials(w *livefile.Watch, path string) (*Credentials, error) {
	keys, err := livefile.Open(w, func(contents [][]byte) (credentialKeys, error) {
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
			return nil, fmt.Errorf("it holds a %s; nodes need only public keys, and the private one must stay where credentials are issued", block.Type)
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
	case len(bytes.TrimSpace(b)) == 0:
		return keys, nil // emptied: no key is valid
	case len(keys) == 0:
		return nil, errors.New("it holds no public key in PEM; `voted credential key` makes one, and an empty file means no keys")
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
	// Strict: a credential must have only one text.
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= headBytes+ed25519.SignatureSize {
		return who, errUnreadable
	}
	signed, signature := b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	var id [keyIDBytes]byte
	copy(id[:], b)
	key, known := c.keys.Now()[id]
	switch {
	case !known:
		return who, errUnknownSigner
	case !ed25519.Verify(key, append([]byte(signedContext), signed...), signature):
		return who, errDamaged
	}
	from := time.Unix(int64(binary.BigEndian.Uint64(signed[8:])), 0)
	until := time.Unix(int64(binary.BigEndian.Uint64(signed[16:])), 0)
	poll, rest := int(signed[24]), signed[headBytes:]
	switch {
	case poll == 0 || len(rest) <= poll:
		return who, errUnreadable
	case now.Add(leeway).Before(from):
		return who, outside{errTooEarly, from}
	case now.Add(-leeway).After(until):
		return who, outside{errExpired, until}
	}
	who, err = voterOf(string(rest[:poll]), string(rest[poll:]))
	who.Until = until.Add(leeway)
	return who, err
}

// errNoVoter refuses a signed credential whose voter id is invalid.
var errNoVoter = errors.New("the voter id in the token is invalid, have another token issued")

// voterOf makes the identity of a voter, with the canonical id. Its name is a hash,
// which distinguishes voters without showing who they are.
func voterOf(poll, voter string) (Identity, error) {
	voter, err := voterid.Canonical(voter)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", errNoVoter, err)
	}
	hash := sha256.Sum256([]byte(voter))
	return Identity{Roles: Voter, Name: "voter:" + hex.EncodeToString(hash[:8]), Poll: poll, Voter: voter}, nil
}
