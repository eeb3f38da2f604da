package client

import (
	"errors"
	"fmt"

	"voted/proof"
)

// WithPromise makes Cast and Replace ask for a promise: the answering node's signed word that the
// ballot has its place in the poll's log, which comes at once, before members sign the log. They
// return only once it was checked: that it is of the log of one of these policies, signed by one of
// its keys, and about this voter's ballot. A policy is about one poll, so give one for each; it must
// have reached the caller on another way than from the nodes. A ballot that was counted without a
// good promise is a *PromiseError, which has its receipt.
//
// Keep the promise until there is a proof of the ballot: if the log does not have it then,
// voted verify fraud shows that with both. WithProof waits for the proof instead.
func WithPromise(policies ...*proof.Policy) Option {
	return func(s *settings) { s.promises = append(s.promises, policies...) }
}

// Promise is a node's signed word that a ballot has its place in the log of its poll.
type Promise struct {
	// Note is the file to keep: see proof.Promise.
	Note string `json:"note"`
	// KeyNonce, Supersedes and Seal make, with the voter's id, the entry that was promised: see
	// proof.Promise.CheckBallot. 16 bytes, a number of a ballot or 0, and 32 bytes.
	KeyNonce   []byte `json:"key_nonce"`
	Supersedes uint32 `json:"supersedes"`
	Seal       []byte `json:"seal"`
}

// PromiseError says that a node counted a ballot, and that its promise is not there or not good.
// There is none where the poll hides its results, and from a node that keeps no logs. Cast the same
// ballot again, or ask for its proof later.
type PromiseError struct {
	Receipt Receipt
	Cause   error // an Err value of package proof; ErrMissing where there is no promise
}

// Error says that the ballot was counted, and what is wrong with its promise.
func (e *PromiseError) Error() string {
	return fmt.Sprintf("a node says that the ballot of %s in %s is counted, but there is no good promise of it: %v", e.Receipt.Voter, e.Receipt.Poll, e.Cause)
}

// Unwrap returns the cause.
func (e *PromiseError) Unwrap() error { return e.Cause }

// checkPromise checks that the promise of a receipt is good, and of this voter's ballot.
func (c *Client) checkPromise(r Receipt, poll, voter string) error {
	q := r.Promise
	if q == nil {
		return fmt.Errorf("%w: the node made no promise", proof.ErrMissing)
	}
	p, err := c.promises[0].Promised([]byte(q.Note))
	for _, policy := range c.promises[1:] {
		if err == nil || !errors.Is(err, proof.ErrOrigin) && !errors.Is(err, proof.ErrUnsigned) {
			break
		}
		p, err = policy.Promised([]byte(q.Note))
	}
	if err != nil {
		return err
	}
	o, err := proof.ParseOrigin(p.Origin)
	switch {
	case err != nil:
		return err
	case o.Poll != poll:
		return fmt.Errorf("%w: the promise is of the poll %q", proof.ErrOrigin, o.Poll)
	case p.Number != r.Ballot:
		return fmt.Errorf("%w: the promise is of ballot %d, and the receipt of ballot %d", proof.ErrNotInTree, p.Number, r.Ballot)
	case len(q.KeyNonce) != len([16]byte{}) || len(q.Seal) != len(proof.Hash{}):
		return fmt.Errorf("%w: key_nonce has 16 bytes and seal 32, and here are %d and %d", proof.ErrMalformed, len(q.KeyNonce), len(q.Seal))
	}
	return p.CheckBallot(voter, [16]byte(q.KeyNonce), q.Supersedes, proof.Hash(q.Seal))
}
