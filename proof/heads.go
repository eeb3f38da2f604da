package proof

import (
	"fmt"
	"slices"
)

// Check checks a checkpoint: that it is of a log of the policy, signed by it, and
// cosigned by the quorum. It fails with ErrMalformed, ErrOrigin, ErrSignature,
// ErrUnsigned, ErrQuorum or ErrNoQuorum.
func (p *Policy) Check(note []byte) (Head, error) {
	h, err := p.check(note)
	for old := p.Before; err != nil && old != nil; old = old.Before {
		if h, err := old.check(note); err == nil {
			return h, nil
		}
	}
	return h, err
}

// check is Check by this policy alone.
func (p *Policy) check(note []byte) (Head, error) {
	h, err := p.signers(note)
	if err != nil {
		return Head{}, err
	}
	switch {
	case len(h.Logs) == 0:
		return Head{}, fmt.Errorf("%w: %s stands on it, and none of its keys made a signature", ErrUnsigned, h.Origin)
	case p.Quorum == noQuorum && !p.AllowNoQuorum:
		return Head{}, ErrNoQuorum
	case !p.met(h.Cosigned):
		return Head{}, fmt.Errorf("%w: %s are needed, and good signatures are from %s", ErrQuorum, p.describe(p.Quorum), names(h.Cosigned))
	}
	return h, nil
}

// Signers returns a checkpoint with all good signatures of the policy's keys, however few
// they are: what each of them can be held to. It fails with ErrMalformed, ErrOrigin and
// ErrSignature.
func (p *Policy) Signers(note []byte) (Head, error) {
	h, err := p.signers(note)
	for old := p.Before; old != nil; old = old.Before {
		if more, fault := old.signers(note); fault == nil && (err != nil || len(more.Cosigned) > len(h.Cosigned)) {
			h, err = more, nil
		}
	}
	return h, err
}

// signers is Signers by this policy alone.
func (p *Policy) signers(note []byte) (Head, error) {
	n, err := ParseNote(note)
	if err != nil {
		return Head{}, err
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Head{}, err
	}
	if !slices.ContainsFunc(p.Logs, func(l PolicyLog) bool { return l.Key.name == c.Origin }) {
		return Head{}, fmt.Errorf("%w: it is of %.200s, and the policy is about %s", ErrOrigin, c.Origin, p.origins())
	}
	signed, err := n.Verify(p.keys()...)
	if err != nil {
		return Head{}, err
	}
	h := Head{Checkpoint: c, Under: p}
	for _, s := range signed {
		if s.By.kind == LogSignature {
			if s.By.name == c.Origin {
				h.Logs = append(h.Logs, s.By.String())
			}
			continue
		}
		i := slices.IndexFunc(p.Witnesses, func(w PolicyWitness) bool { return w.Key == s.By })
		h.Cosigned = append(h.Cosigned, Cosigned{p.Witnesses[i].Name, s.By, s.At})
	}
	return h, nil
}

// Next reads a policy that follows this one: a note whose text is the newer policy, with
// the signatures of a quorum of this one. It fails with ErrMalformed, ErrSignature,
// ErrQuorum or ErrNoQuorum.
func (p *Policy) Next(note []byte) (*Policy, error) {
	n, err := ParseNote(note)
	if err != nil {
		return nil, err
	}
	next, err := ParsePolicy([]byte(n.Text))
	if err != nil {
		return nil, err
	}
	if p.Quorum == noQuorum {
		return nil, ErrNoQuorum
	}
	var good []Cosigned
	for _, w := range p.Witnesses {
		signed, err := n.Verify(w.Key)
		if err != nil {
			return nil, err
		}
		for _, s := range signed {
			good = append(good, Cosigned{w.Name, s.By, s.At})
		}
	}
	if !p.met(good) {
		return nil, fmt.Errorf("%w: for a new policy %s are needed, and good signatures are from %s", ErrQuorum, p.describe(p.Quorum), names(good))
	}
	return next, nil
}
