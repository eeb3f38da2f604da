package poll

import (
	"crypto/sha256"
	"iter"

	"voted/proof"
)

// A poll's log, by which others can check its box, is derived from the box and never
// stored. Leaf 0 is the definition, leaf n is record n, and one more leaf follows once the
// poll has closed. Equal boxes give equal leaves, on every member and after every restore.

// LogSize returns how many leaves the poll's log has; 0 if the poll was deleted.
func (c *Capture) LogSize() uint64 {
	switch {
	case c.deleted:
		return 0
	case c.Closed():
		return uint64(c.box.n) + 2
	}
	return uint64(c.box.n) + 1
}

// Leaves yields the entries of the poll's log from number from up to, not including, to,
// or to the end of the log if it is shorter. An entry is valid until the next one is
// asked for. The last leaf of a closed poll takes a pass over all records.
func (c *Capture) Leaves(from, to uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var entry, selections []byte
		s := c.sealer()
		for n := from; n < min(to, c.LogSize()); n++ {
			switch {
			case n == 0:
				entry = c.rules.logEntry().Append(entry[:0])
			case n <= uint64(c.box.n):
				e, o := s.entry(uint32(n), selections[:0])
				selections = o.Selections
				entry = e.Append(entry[:0])
			default:
				e := c.Closing()
				entry = e.Append(entry[:0])
			}
			if !yield(entry) {
				return
			}
		}
	}
}

// AppendLogged appends the part of the definition that leaf 0 is made of: its canonical
// encoding without what a patch may change, that is, with an empty title and no times.
func (d Definition) AppendLogged(b []byte) []byte {
	d.Title, d.OpensAt, d.ClosesAt = "", 0, 0
	return d.AppendCanonical(b)
}

// logEntry is the poll's leaf 0.
func (r *Rules) logEntry() proof.DefinitionEntry {
	return proof.DefinitionEntry{
		Derivation: proof.KeyThatOpens, Disclosure: uint8(r.Discloses()),
		Salt: proof.CommitSalt(r.Salt), Rules: sha256.Sum256(r.AppendLogged(nil)),
	}
}

// Entry returns the entry of a record in the poll's log, and what opens it. The number
// must be that of a record.
func (c *Capture) Entry(number uint32) (proof.BallotEntry, proof.Opening) {
	return c.sealer().entry(number, nil)
}

// sealer makes the entries of records.
type sealer struct {
	c   *Capture
	key [32]byte // opens every entry of the poll
}

func (c *Capture) sealer() *sealer {
	return &sealer{c: c, key: proof.SealKey(c.rules.Salt, c.rules.ID)}
}

// entry makes the entry of a record, and what opens it, with the room of selections.
func (s *sealer) entry(number uint32, selections []byte) (proof.BallotEntry, proof.Opening) {
	r := s.c.box.record(number)
	o := proof.Opening{
		Nonce: proof.SealNonce(s.key, number), Version: r.Version, Index: r.Index, CastAt: uint64(r.CastAt),
		Selections: append(selections, s.c.entries[r.Selections]...),
	}
	return proof.BallotEntry{Key: r.Key, Supersedes: r.Supersedes, Seal: o.Seal()}, o
}
