package backend

import (
	"context"
	"errors"

	"voted/internal/api"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/prover"
	"voted/internal/refusal"
	"voted/proof"
)

// Proofs is a prover with the methods that the API needs.
type Proofs struct{ Prover *prover.Prover }

var _ api.Prover = Proofs{}

func headOf(h prover.Head) api.Head {
	return api.Head{Origin: h.Origin, Size: h.Size, Root: h.Root, Note: h.Note}
}

// pending gives a code to what a later head cures.
func pending(err error) error {
	if errors.Is(err, prover.ErrPending) {
		return &refusal.Error{Code: refusal.ProofPending, Cause: err}
	}
	return err
}

// Head implements api.Prover.
func (p Proofs) Head(poll string) (api.Head, bool) {
	h, ok := p.Prover.Head(poll)
	return headOf(h), ok
}

// Await implements api.Prover.
func (p Proofs) Await(ctx context.Context, poll string, index uint64) (api.Head, error) {
	h, err := p.Prover.Await(ctx, poll, index)
	return headOf(h), pending(err)
}

// View implements api.Prover.
func (p Proofs) View(ctx context.Context, h api.Head) (*proof.View, error) {
	v, err := p.Prover.View(ctx, prover.Head{Origin: h.Origin, Point: prover.Point{Size: h.Size, Root: h.Root}, Note: h.Note})
	return v, pending(err)
}

// Promise implements api.Prover.
func (p Proofs) Promise(poll string, number uint64, leaf proof.Hash) ([]byte, error) {
	file, err := p.Prover.Promise(poll, number, leaf)
	return file, pending(err)
}

// Policy implements api.Prover.
func (p Proofs) Policy(poll string) ([]byte, error) {
	origin, ok := p.Prover.Origin(poll)
	if !ok {
		return nil, refusal.Of(refusal.ProofPending)
	}
	keys, err := p.Prover.Keys()
	if err != nil {
		return nil, pending(err)
	}
	of := proofkey.PolicyOf{Log: origin}
	for _, k := range keys {
		of.Keys = append(of.Keys, pki.ProofKeys{Member: k.Member, Log: k.Log, Cosigner: k.Cosigner})
	}
	policy, err := of.Policy()
	if err != nil {
		return nil, err
	}
	return []byte(policy.String()), nil
}
