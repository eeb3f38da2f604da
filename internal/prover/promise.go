package prover

import (
	"fmt"
	"slices"

	"voted/proof"
)

// Promise returns this member's signed word, as a file, that a ballot of a poll's newest log has
// this leaf hash. It is made of what this member has recorded, so for one record it is always the
// same bytes, and it waits for nothing. It fails with ErrPending where this member's own ballots are
// behind or are others, and where its word counts for nothing: without a vote its key is in no policy;
// before the other members have said what it signed before its start, without its marks, after a fork
// and while its state is in doubt it signs nothing of this log.
func (p *Prover) Promise(poll string, number uint64, leaf proof.Hash) ([]byte, error) {
	if !p.started.Load() || !p.recalled.Load() || !slices.Contains(p.voting(), p.opts.Member) {
		return nil, ErrPending
	}
	if err := p.state.Doubt(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPending, err)
	}
	b, ok := p.state.Box(poll)
	if !ok || number == 0 || number >= b.Size {
		return nil, ErrPending
	}
	o := p.origin(b)
	if !p.stands(o) {
		return nil, ErrPending
	}
	for entry := range b.Leaves(number, number+1) {
		if proof.LeafHash(entry) != leaf {
			return nil, ErrPending
		}
	}
	key, err := p.opts.Signer.Log(o)
	if err != nil {
		return nil, err
	}
	return proof.Promise{Origin: o.String(), Number: number, Leaf: leaf}.Sign(key), nil
}

// stands reports whether this member signs a log: its marks were read, and none says that the log
// is forked.
func (p *Prover) stands(o proof.Origin) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.before != nil && !p.forked[o.String()] && !p.before[keyOf(o)]
}
