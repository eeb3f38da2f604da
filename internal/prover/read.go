package prover

import (
	"context"
	"errors"
	"fmt"

	"voted/proof"
)

// ErrPending: there is no such proof yet, or no longer; a later head has one.
var ErrPending = errors.New("the log of this poll is not signed so far yet")

// Head returns the newest head of a poll's log that a majority of the voting members signed,
// and whether there is one.
func (p *Prover) Head(poll string) (Head, bool) {
	if !p.started.Load() {
		return Head{}, false
	}
	b, ok := p.state.Box(poll)
	if !ok {
		return Head{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads == nil {
		return Head{}, false
	}
	h, ok, err := p.heads.get(p.origin(b))
	if err != nil {
		p.log.Error("a head cannot be read; the next one takes its place", "log", p.origin(b).String(), "error", err)
	}
	return h, ok
}

// Await returns such a head that covers leaf index, as soon as there is one. Its error is that
// of ctx, or ErrPending where this member ends.
func (p *Prover) Await(ctx context.Context, poll string, index uint64) (Head, error) {
	for {
		p.mu.Lock()
		news := p.news
		p.mu.Unlock()
		if h, ok := p.Head(poll); ok && h.Size > index {
			return h, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Head{}, ctx.Err()
		case <-p.ctx.Done():
			return Head{}, ErrPending
		}
	}
}

// View returns the tree of a head that Head or Await has returned. Where the tree is not made
// yet, as after a restart, it is made first, or ctx ends. It fails with ErrPending where this
// member's own ballots are behind the head, or its poll is of another lineage meanwhile.
func (p *Prover) View(ctx context.Context, h Head) (*proof.View, error) {
	if !p.started.Load() {
		return nil, ErrPending
	}
	b, ok := p.state.Box(h.Origin.Poll)
	if !ok || p.origin(b) != h.Origin || b.Size < h.Size {
		return nil, ErrPending
	}
	v, err := p.forest.view(ctx, b, h.Size)
	if errors.Is(err, errStale) {
		return nil, ErrPending
	}
	if err != nil {
		return nil, err
	}
	root, err := v.Root()
	if err == nil && root != h.Root {
		err = fmt.Errorf("the ballots of this member have another root than the head of %s that a majority signed; its state differs from the others'", h.Origin)
	}
	return v, err
}

// Origin returns the name of a poll's newest log, and whether there is such a poll.
func (p *Prover) Origin(poll string) (o proof.Origin, ok bool) {
	if !p.started.Load() {
		return o, false
	}
	b, ok := p.state.Box(poll)
	return p.origin(b), ok
}

// MemberKeys are the keys of a member that signs heads.
type MemberKeys struct {
	Member string
	Keys
}

// Keys returns the keys of the voting members, in the order of their ids. It fails with
// ErrPending until all of them have told theirs.
func (p *Prover) Keys() (all []MemberKeys, err error) {
	if !p.started.Load() {
		return nil, ErrPending
	}
	voting := p.voting()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range voting {
		k, known := p.members[id]
		if !known {
			return nil, fmt.Errorf("%w: member %s has not told its keys", ErrPending, id)
		}
		all = append(all, MemberKeys{id, k})
	}
	if len(all) == 0 {
		return nil, ErrPending
	}
	return all, nil
}
