package prover

import (
	"crypto/ed25519"
	"crypto/sha256"

	"voted/proof"
)

// logKey stands for an origin where room is short.
type logKey [16]byte

func keyOf(o proof.Origin) logKey {
	sum := sha256.Sum256([]byte(o.String()))
	return logKey(sum[:16])
}

// Point is a log at one size.
type Point struct {
	Size uint64 // leaves
	Root proof.Hash
}

// text is what is signed of a point.
func (p Point) text(o proof.Origin) string {
	return proof.Checkpoint{Origin: o.String(), Size: p.Size, Root: p.Root}.String()
}

// Signer makes the keys with which this member signs. proofkey.Key is one.
type Signer interface {
	// Log returns the key that signs in the name of a log.
	Log(proof.Origin) (proof.Signer, error)
	// Cosigner returns the key that signs in the name of a member of the cluster.
	Cosigner(logName, member string) (proof.Signer, error)
}

// Keys are the public keys with which a member signs.
type Keys struct{ Log, Cosigner ed25519.PublicKey }

// cosigner returns the key as a verifier of cosignatures of a member.
func (k Keys) cosigner(logName, member string) (proof.Verifier, error) {
	return proof.NewVerifier(cosignerName(logName, member), proof.Cosignature, k.Cosigner)
}

// cosignerName is the name of a member's key in cosignatures; see package proofkey.
func cosignerName(logName, member string) string { return logName + "/" + member }
