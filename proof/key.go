package proof

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Algorithm is the type of a note's signatures (c2sp.org/signed-note).
type Algorithm byte

// The algorithms that this package knows.
const (
	LogSignature Algorithm = 0x01 // Ed25519 over the text
	Cosignature  Algorithm = 0x04 // Ed25519 over a time and the text (c2sp.org/tlog-cosignature)
)

// SeedBytes is the size of a proof key.
const SeedBytes = ed25519.SeedSize

// timeBytes is the size of the time before a cosignature.
const timeBytes = 8

// Verifier is the public half of a key, with its name.
type Verifier struct {
	name   string
	id     uint32
	kind   Algorithm
	public string // 32 bytes; a string, so that verifiers can be compared
}

// ParseVerifier reads a key as policies have it: NAME+ID+BASE64 (c2sp.org/signed-note,
// verifier keys). It fails with ErrMalformed, also for a key whose id does not belong to
// it.
func ParseVerifier(s string) (Verifier, error) {
	v, fault := parseVerifier(s)
	if fault != "" {
		return Verifier{}, fmt.Errorf("%w: the key %.120q %s; a key is NAME+ID+BASE64, as the policy of a poll has it", ErrMalformed, s, fault)
	}
	return v, nil
}

// parseVerifier is ParseVerifier with what is wrong in words that follow "the key".
func parseVerifier(s string) (v Verifier, fault string) {
	name, rest, _ := strings.Cut(s, "+")
	id, text, _ := strings.Cut(rest, "+")
	if !validKeyName(name) {
		return v, "has no name"
	}
	if n, err := strconv.ParseUint(id, 16, 32); err != nil || fmt.Sprintf("%08x", n) != id {
		return v, "has no id of eight hexadecimal digits"
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 1+ed25519.PublicKeySize {
		return v, "does not end in base64 of 33 bytes"
	}
	kind := Algorithm(b[0])
	if kind != LogSignature && kind != Cosignature {
		return v, fmt.Sprintf("is of type 0x%02x, and this program knows 0x01 and 0x04", b[0])
	}
	v = newVerifier(name, kind, b[1:])
	if v.String() != s {
		return v, fmt.Sprintf("should have the id %08x", v.id)
	}
	return v, ""
}

// NewVerifier returns a key by its name, the algorithm and the public half of an Ed25519 key.
// It fails with ErrMalformed if a key cannot have that name, or the public half has another
// size.
func NewVerifier(name string, kind Algorithm, public ed25519.PublicKey) (Verifier, error) {
	switch {
	case !validKeyName(name):
		return Verifier{}, fmt.Errorf("%w: %.80q cannot be the name of a key: it must have no spaces and no plus", ErrMalformed, name)
	case kind != LogSignature && kind != Cosignature:
		return Verifier{}, fmt.Errorf("%w: a key of type 0x%02x, and this program knows 0x01 and 0x04", ErrMalformed, byte(kind))
	case len(public) != ed25519.PublicKeySize:
		return Verifier{}, fmt.Errorf("%w: the public key of %s has %d bytes, and those of Ed25519 have 32", ErrMalformed, name, len(public))
	}
	return newVerifier(name, kind, public), nil
}

func newVerifier(name string, kind Algorithm, public []byte) Verifier {
	d := sha256.New()
	d.Write([]byte(name + "\n"))
	d.Write([]byte{byte(kind)})
	d.Write(public)
	return Verifier{name, binary.BigEndian.Uint32(d.Sum(nil)), kind, string(public)}
}

// String returns the key as ParseVerifier reads it.
func (v Verifier) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.name, v.id, base64.StdEncoding.EncodeToString(append([]byte{byte(v.kind)}, v.public...)))
}

// Name returns the name of the key: the origin of a log, or the name of a cosigner.
func (v Verifier) Name() string { return v.name }

// Algorithm returns what the key makes.
func (v Verifier) Algorithm() Algorithm { return v.kind }

// ID returns the number that, with the name, tells keys apart.
func (v Verifier) ID() uint32 { return v.id }

// Public returns the 32 bytes of the Ed25519 key.
func (v Verifier) Public() ed25519.PublicKey { return ed25519.PublicKey(v.public) }

// verify checks a signature, and returns the time that it states.
func (v Verifier) verify(text string, sig []byte) (at uint64, ok bool) {
	message := text
	if v.kind == Cosignature {
		if len(sig) < timeBytes {
			return 0, false
		}
		at, sig = binary.BigEndian.Uint64(sig), sig[timeBytes:]
		if at > 1<<63-1 {
			return 0, false
		}
		message = cosigned(at, text)
	}
	return at, len(sig) == ed25519.SignatureSize && ed25519.Verify(v.Public(), []byte(message), sig)
}

// cosigned returns what a cosigner signs (c2sp.org/tlog-cosignature, Ed25519 signed
// message).
func cosigned(at uint64, text string) string {
	return "cosignature/v1\ntime " + strconv.FormatUint(at, 10) + "\n" + text
}

// Signer is a key with its secret half.
type Signer struct {
	Verifier
	private ed25519.PrivateKey
}

// One seed makes two keys, so that a signature of one kind is never one of the other.
const (
	logKeyInfo      = "voted/log/1"
	cosignerKeyInfo = "voted/cosigner/1"
)

// NewLogSigner returns the key with which a member signs as the log: its name is the
// origin. The key is made of the seed by HKDF-SHA-256 (RFC 5869) with the info
// "voted/log/1"; it is the same for each origin.
func NewLogSigner(seed [SeedBytes]byte, origin string) (Signer, error) {
	return newSigner(seed, logKeyInfo, origin, LogSignature)
}

// NewCosigner returns the key with which a member or a witness cosigns under its name. It
// is made of the seed like the log's, with the info "voted/cosigner/1".
func NewCosigner(seed [SeedBytes]byte, name string) (Signer, error) {
	return newSigner(seed, cosignerKeyInfo, name, Cosignature)
}

func newSigner(seed [SeedBytes]byte, info, name string, kind Algorithm) (Signer, error) {
	if !validKeyName(name) {
		return Signer{}, fmt.Errorf("%w: %.80q cannot be the name of a key: it must have no spaces and no plus", ErrMalformed, name)
	}
	secret, err := hkdf.Key(sha256.New, seed[:], nil, info, ed25519.SeedSize)
	if err != nil {
		return Signer{}, fmt.Errorf("make the key of %s: %w", name, err)
	}
	private := ed25519.NewKeyFromSeed(secret)
	return Signer{newVerifier(name, kind, private[ed25519.SeedSize:]), private}, nil
}

// Sign returns a signature of the text of a note, which ends in a newline. A cosigner
// states the time, in seconds since the Unix epoch; for a log it is ignored.
func (s Signer) Sign(text string, at uint64) Signature {
	message, sig := text, []byte(nil)
	if s.kind == Cosignature {
		message, sig = cosigned(at, text), binary.BigEndian.AppendUint64(nil, at)
	}
	return Signature{s.name, s.id, append(sig, ed25519.Sign(s.private, []byte(message))...)}
}

// CosignerName returns the name of the key with which a member of a cluster cosigns:
// LOG/MEMBER, where log is the cluster's --log-name.
func CosignerName(log, member string) string { return log + "/" + member }
