package poll

import (
	"iter"

	"voted/proof"
)

// Audited is a record as auditors see it: with what its entry in the log seals, if it
// counts. A record that was superseded stays sealed.
type Audited struct {
	Cast    // Selections, Version, Index, CastAt and Weight only if it counts
	Entry   proof.BallotEntry
	Opening proof.Opening // only if it counts
	Counts  bool          // no later record supersedes it
}

// Audit yields every record, in the order of the box. It takes what Current takes.
func (c *Capture) Audit() iter.Seq[Audited] {
	return func(yield func(Audited) bool) {
		weightOf, s := c.weights(), c.sealer()
		superseded := c.superseded()
		for n := uint32(1); n <= c.box.n; n++ {
			a := Audited{Counts: !superseded.has(n)}
			a.Entry, a.Opening = s.entry(n, nil)
			if a.Counts {
				a.Cast = c.cast(n)
				a.Weight = weightOf(&a.Key)
			} else {
				a.Opening = proof.Opening{}
				a.Cast = Cast{Receipt: Receipt{Ballot: n}, Key: a.Entry.Key}
			}
			if !yield(a) {
				return
			}
		}
	}
}
