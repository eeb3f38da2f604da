package proof

import (
	"fmt"
	"maps"
	"slices"
)

// Statement is what somebody signed about a log: a head, and entries that are shown to be
// in it. That of a promise has the head of no entries, which is true of every log.
type Statement struct {
	Head
	Leaves map[uint64]Hash // number of an entry → its leaf hash
	Ended  bool            // the last entry closes the log
}

// State returns what the signers of a receipt stated, if the receipt is good under the
// head that it bears. How many signed does not matter: each is held to its own word.
func (p *Policy) State(r *Receipt) (Statement, error) {
	h, err := p.Signers(r.Checkpoint)
	if err != nil {
		return Statement{}, err
	}
	if err := r.CheckIn(h); err != nil {
		return Statement{}, err
	}
	s := Statement{Head: h, Leaves: map[uint64]Hash{r.Number: r.Ballot.Leaf()}}
	if r.Final != nil {
		s.Ended = true
		s.Leaves[h.Size-1] = LeafHash(r.Final.Closing.Append(nil))
	}
	return s, nil
}

// Contradiction is why two statements about one log cannot both be true, and whose
// signatures are under both of them.
type Contradiction struct {
	Why      string
	Logs     []string // keys that signed both as the log
	Cosigned []string // witnesses of the policy that cosigned both
}

// Contradict compares two statements about one log, and returns nil if both can be true.
// It fails with ErrOrigin if they are about different logs.
func Contradict(a, b Statement) (*Contradiction, error) {
	if a.Origin != b.Origin {
		return nil, fmt.Errorf("%w: one is of %s, the other of %s", ErrOrigin, a.Origin, b.Origin)
	}
	why := contradiction(a, b)
	if why == "" {
		why = contradiction(b, a)
	}
	if why == "" {
		return nil, nil
	}
	c := &Contradiction{Why: why}
	for _, l := range a.Logs {
		if slices.Contains(b.Logs, l) {
			c.Logs = append(c.Logs, l)
		}
	}
	for _, w := range a.Cosigned {
		if slices.ContainsFunc(b.Cosigned, func(x Cosigned) bool { return x.Key == w.Key }) {
			c.Cosigned = append(c.Cosigned, w.Witness)
		}
	}
	return c, nil
}

// contradiction returns what a says that b denies; empty if nothing.
func contradiction(a, b Statement) string {
	if a.Size == b.Size && a.Root != b.Root {
		return fmt.Sprintf("both have %d entries, and not the same ones", a.Size)
	}
	for _, number := range slices.Sorted(maps.Keys(a.Leaves)) {
		if leaf, ok := b.Leaves[number]; ok && leaf != a.Leaves[number] {
			return fmt.Sprintf("entry %d is another one in each of them", number)
		}
	}
	if last := b.last(); a.Ended && last >= a.Size {
		return fmt.Sprintf("one ends with entry %d, and the other goes on to entry %d", a.Size-1, last)
	}
	return ""
}

// last returns the highest number of an entry that a statement says there is; 0 for none.
func (s Statement) last() uint64 {
	last := max(s.Size, 1) - 1
	for number := range s.Leaves {
		last = max(last, number)
	}
	return last
}
