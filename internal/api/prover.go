package api

import (
	"context"

	"voted/proof"
)

// Prover gives out what the members have signed about the logs of polls. Its methods may be
// called concurrently. internal/server/backend fits the member's prover to it.
//
// Errors are as those of the cluster: a *refusal.Error is the client's answer, that of ctx
// means that the time was over, and any other is answered as 500.
type Prover interface {
	// Head returns the newest head of a poll's log that a majority of the voting members
	// signed, and whether there is one.
	Head(poll string) (Head, bool)
	// Await returns such a head that covers leaf index, as soon as there is one.
	Await(ctx context.Context, poll string, index uint64) (Head, error)
	// View returns the tree of a head that Head or Await has returned. It fails with
	// refusal.ProofPending where this member's own ballots are behind the head, or its poll
	// is of another lineage meanwhile.
	View(ctx context.Context, h Head) (*proof.View, error)
	// Promise returns this member's signed word that a ballot of a poll has this leaf hash
	// (proof.Promise). It fails with refusal.ProofPending where this member does not have that
	// ballot, or signs nothing.
	Promise(poll string, number uint64, leaf proof.Hash) ([]byte, error)
	// Policy returns the policy (c2sp.org/tlog-policy) for the newest log of a poll, made of
	// the keys that the voting members sign with. It fails with refusal.ProofPending until
	// all of them have told theirs.
	Policy(poll string) ([]byte, error)
}

// Head is a head of a poll's log as its signers signed it.
type Head struct {
	Origin proof.Origin
	Size   uint64 // leaves: the definition, the ballots, and the closing once there is one
	Root   proof.Hash
	Note   []byte // the signed checkpoint; not to be changed
}

// checkpoint is what was signed.
func (h Head) checkpoint() proof.Head {
	return proof.Head{Checkpoint: proof.Checkpoint{Origin: h.Origin.String(), Size: h.Size, Root: h.Root}}
}
