package recount

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"voted/internal/poll"
	"voted/proof"
)

// end checks what only the whole file shows.
func (a *Audit) end() error {
	if a.Rules == nil {
		return fmt.Errorf("%w: the file is empty", ErrShort)
	}
	if err := a.checkOpened(); err != nil {
		return err
	}
	for _, l := range a.choices {
		a.Lines = append(a.Lines, *l)
	}
	slices.SortFunc(a.Lines, func(x, y proof.ProfileLine) int { return bytes.Compare(x.Selections, y.Selections) })
	if err := a.checkWeights(); err != nil {
		return err
	}
	c := a.Closing
	if c == nil {
		return nil
	}
	if a.latest > c.ClosedIndex {
		return fmt.Errorf("%w: a ballot is of log index %d, and the poll closed at %d", proof.ErrEnded, a.latest, c.ClosedIndex)
	}
	if a.rollHash() != c.Roll {
		return fmt.Errorf("%w: it is not the one that the poll closed with", ErrRoll)
	}
	return CheckProfile(a.Lines, c)
}

// checkOpened checks that the ballots that count are opened, and no others.
func (a *Audit) checkOpened() error {
	for n := uint32(1); n <= a.Records; n++ {
		if opened := a.isOpened(n); opened == a.Superseded(n) {
			if opened {
				return fmt.Errorf("%w: ballot %d is opened, and a later one replaced it", proof.ErrSeal, n)
			}
			return fmt.Errorf("%w: ballot %d counts, and the file does not open it", proof.ErrSeal, n)
		}
	}
	return nil
}

// checkWeights checks each ballot that counts against the roll, the first ballot first.
func (a *Audit) checkWeights() error {
	if a.Rules.Eligibility != poll.OnRoll {
		return nil
	}
	type wrong struct {
		weighed
		roll uint32
	}
	var faults []wrong
	for key, w := range a.weights {
		at, ok := slices.BinarySearchFunc(a.Roll, key, func(e Eligible, key [16]byte) int { return bytes.Compare(e.Key[:], key[:]) })
		switch {
		case !ok:
			faults = append(faults, wrong{w, 0})
		case a.Roll[at].Weight != w.weight:
			faults = append(faults, wrong{w, a.Roll[at].Weight})
		}
	}
	if faults == nil {
		return nil
	}
	first := slices.MinFunc(faults, func(x, y wrong) int { return cmp.Compare(x.ballot, y.ballot) })
	if first.roll == 0 {
		return fmt.Errorf("%w: the voter of ballot %d is not on it", ErrRoll, first.ballot)
	}
	return fmt.Errorf("%w: ballot %d counts %d, and its voter has the weight %d on the roll", ErrWeight, first.ballot, first.weight, first.roll)
}

// rollHash is the hash of the roll as the closing entry has it.
func (a *Audit) rollHash() (sum proof.Hash) {
	if a.Rules.Eligibility != poll.OnRoll {
		return sum
	}
	h := sha256.New()
	for _, e := range a.Roll {
		h.Write(binary.BigEndian.AppendUint32(e.Key[:], e.Weight))
	}
	h.Sum(sum[:0])
	return sum
}
