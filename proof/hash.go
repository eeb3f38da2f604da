package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Hash is a SHA-256 hash: of a leaf, a node or a root.
type Hash [sha256.Size]byte

// String returns the hash in base64, as it stands in checkpoints and proofs (RFC 4648,
// section 4).
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// ParseHash reads what String wrote, and no other spelling of it.
func ParseHash(s string) (Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(Hash{}) || base64.StdEncoding.EncodeToString(b) != s {
		return Hash{}, fmt.Errorf("%w: %.60q is not a hash: it must be 32 bytes in base64", ErrMalformed, s)
	}
	return Hash(b), nil
}

// The first byte of what is hashed keeps leaves and nodes apart (RFC 6962, section 2.1).
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// LeafHash returns the hash of an entry as a leaf: SHA-256(0x00 ‖ entry).
func LeafHash(entry []byte) Hash {
	// Entries of ballots have 53 bytes: with the prefix they fit here, and need no
	// allocation.
	var b [1 + ballotEntryBytes]byte
	if len(entry) < len(b) {
		b[0] = leafPrefix
		return sha256.Sum256(b[:1+copy(b[1:], entry)])
	}
	d := sha256.New()
	d.Write([]byte{leafPrefix})
	d.Write(entry)
	return Hash(d.Sum(nil))
}

// NodeHash returns the hash of a node: SHA-256(0x01 ‖ left ‖ right).
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// EmptyRoot is the root of a tree without leaves: the hash of nothing.
var EmptyRoot = Hash(sha256.Sum256(nil))
