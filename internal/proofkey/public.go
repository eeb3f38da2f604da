package proofkey

import (
	"voted/internal/pki"
	"voted/proof"
)

// Log returns the key as the one that signs in the name of a log.
func (k Key) Log(o proof.Origin) (proof.Signer, error) { return proof.NewLogSigner(k.seed, o.String()) }

// Cosigner returns the key as the one that signs in the name of a member. Its own name is
// logName/member.
func (k Key) Cosigner(logName, member string) (proof.Signer, error) {
	return proof.NewCosigner(k.seed, proof.CosignerName(logName, member))
}

// Public returns the public halves of a member's key. Names play no part in them.
func (k Key) Public(member string) (pki.ProofKeys, error) {
	log, err := proof.NewLogSigner(k.seed, member)
	if err != nil {
		return pki.ProofKeys{}, err
	}
	cosigner, err := proof.NewCosigner(k.seed, member)
	if err != nil {
		return pki.ProofKeys{}, err
	}
	return pki.ProofKeys{Member: member, Log: log.Public(), Cosigner: cosigner.Public()}, nil
}
