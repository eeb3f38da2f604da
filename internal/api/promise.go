package api

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/proof"
)

// promiseApplied is the answer's header where a promise was asked for and is there (RFC 7240).
var promiseApplied = []string{preferPromise}

// promise is this member's word that a ballot has its place in the log, and what its voter needs to
// see that it is about their ballot.
type promise struct {
	note  []byte
	nonce [16]byte // proof.VoterNonce
	entry proof.BallotEntry
}

// promise makes the promise of a ballot that was counted, of the record as this node has it. It
// returns nil where there is none: the ballot is counted all the same.
func (h *Handler) promise(ctx context.Context, w *response, id, voter string, r poll.Receipt) *promise {
	p, err := h.promiseOf(ctx, w, id, voter, r)
	if err == nil {
		return p
	}
	var refused *refusal.Error
	if !errors.As(err, &refused) && ctx.Err() == nil {
		h.log.Error("a promise could not be made", "request_id", w.id, "poll", id, "error", err)
	}
	return nil
}

func (h *Handler) promiseOf(ctx context.Context, w *response, id, voter string, r poll.Receipt) (*promise, error) {
	c, _, err := h.captured(ctx, w, id)
	if err == nil && c.Records() < r.Ballot { // it was counted by way of another node
		if err = h.sync(ctx); err == nil {
			c, _, err = h.captured(ctx, w, id)
		}
	}
	if err != nil {
		return nil, err
	}
	if c.Records() < r.Ballot {
		return nil, refusal.Of(refusal.ProofPending)
	}
	entry, opening := c.Entry(r.Ballot)
	if entry.Key != c.Rules().Key(voter) || opening.Index != r.Index {
		return nil, refusal.Of(refusal.ProofPending) // the poll was restored meanwhile
	}
	note, err := h.prover.Promise(id, uint64(r.Ballot), entry.Leaf())
	if err != nil {
		return nil, err
	}
	return &promise{note, proof.VoterNonce(c.Rules().Salt, voter), entry}, nil
}

// appendJSON appends the promise as a member of a receipt.
func (p *promise) appendJSON(b []byte) []byte {
	b = append(b, `,"promise":{"note":`...)
	b, _ = jsontext.AppendQuote(b, p.note) // notes are valid UTF-8
	b = append(b, `,"key_nonce":"`...)
	b = base64.StdEncoding.AppendEncode(b, p.nonce[:])
	b = append(b, `","supersedes":`...)
	b = strconv.AppendUint(b, uint64(p.entry.Supersedes), 10)
	b = append(b, `,"seal":"`...)
	b = base64.StdEncoding.AppendEncode(b, p.entry.Seal[:])
	return append(b, `"}`...)
}
