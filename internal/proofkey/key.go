package proofkey

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"voted/internal/livefile"
)

// maxBytes bounds the file of a key, which has about 120 bytes.
const maxBytes = 64 << 10

// Key is a member's proof key. It shows itself nowhere but in PEM.
type Key struct {
	seed [ed25519.SeedSize]byte
}

// New draws a key.
func New() (k Key, err error) {
	_, err = io.ReadFull(rand.Reader, k.seed[:])
	return k, err
}

// Parse reads a key as PEM writes it: one private key of Ed25519 in PKCS #8 (RFC 8410), in PEM.
func Parse(b []byte) (k Key, err error) {
	block, rest := pem.Decode(b)
	switch {
	case block == nil:
		return k, errors.New("it holds no key in PEM; `voted ca issue DIR member ID` writes one to ID.proof.key")
	case block.Type != "PRIVATE KEY":
		return k, fmt.Errorf("it holds a %s, and should hold the key alone, as `voted ca issue DIR member ID` writes it to ID.proof.key", block.Type)
	}
	if second, _ := pem.Decode(rest); second != nil {
		return k, errors.New("it holds more than the key; a proof key is in a file of its own")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return k, errors.New("its key cannot be read; `voted ca issue DIR member ID` writes one to ID.proof.key")
	}
	ed, ok := private.(ed25519.PrivateKey)
	if !ok {
		return k, errors.New("its key is not for Ed25519: it is one for TLS; the proof key is in ID.proof.key")
	}
	return Key{[ed25519.SeedSize]byte(ed.Seed())}, nil
}

// Load reads the key in a file. Whoever can read it can sign as this member; who may, is for
// livefile.WarnOfReaders to say, as with the other secrets of a node.
func Load(path string) (k Key, err error) {
	f, err := os.Open(path)
	if err != nil {
		return k, livefile.Unreadable(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return k, livefile.Unreadable(path, err)
	}
	if k, err = Parse(b); err != nil {
		return k, fmt.Errorf("the proof key %s cannot be used: %w", path, err)
	}
	return k, nil
}

// PEM returns the key as its file holds it.
func (k Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(k.seed[:]))
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Format implements fmt.Formatter: whatever a key is printed with, it shows nothing.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(a proof key)") } // a State keeps no errors
