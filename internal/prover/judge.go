package prover

import "voted/proof"

// Verdict is what a member answers that is asked to sign a head.
type Verdict uint8

// The verdicts.
const (
	// Unknown: it has no such log, is in doubt about its own state, or cannot sign now.
	Unknown Verdict = iota + 1
	// Behind: it cannot tell yet, or has signed a later head. It may sign the next one.
	Behind
	// Differs: its own ballots have another root.
	Differs
	// Forked: it has signed a head that this log does not continue. It never signs the log
	// again.
	Forked
	// Signed: it signed.
	Signed
)

// String returns the verdict as metrics and logs show it.
func (v Verdict) String() string {
	switch v {
	case Behind:
		return "behind"
	case Differs:
		return "differs"
	case Forked:
		return "forked"
	case Signed:
		return "signed"
	}
	return "unknown"
}

// mark is the newest point of a log that this member signed.
type mark struct {
	Point
	forked bool // it never signs this log again
}

// standing is what a member that is asked knows by itself.
type standing struct {
	known bool   // it has this log, and no doubt about its state
	size  uint64 // leaves of its own box
	mark  mark   // size 0: it never signed this log
	// rootAt returns its own root at a size that its box has.
	rootAt func(size uint64) (proof.Hash, error)
}

// judge decides whether a member may sign a head. The conditions come in this order: it
// knows the log, has as many records itself, finds the same root, and has signed nothing
// that this head does not extend. The caller then writes the mark, syncs it, and signs: so
// the newest mark is never behind a signature.
//
// A head that is smaller than the mark is no fork where both are in the member's own box,
// only late. And where the box is still smaller than the mark, the member cannot tell.
func judge(ask Point, own standing) (Verdict, error) {
	if !own.known || ask.Size == 0 {
		return Unknown, nil
	}
	if own.size < ask.Size {
		return Behind, nil
	}
	root, err := own.rootAt(ask.Size)
	if err != nil {
		return Unknown, err
	}
	if root != ask.Root {
		return Differs, nil
	}
	return own.extends(ask)
}

// extends judges a head that is in the member's own box by the mark.
func (own standing) extends(ask Point) (Verdict, error) {
	switch {
	case own.mark.forked:
		return Forked, nil
	case own.mark.Size == 0:
		return Signed, nil
	case own.size < own.mark.Size:
		return Behind, nil
	}
	root, err := own.rootAt(own.mark.Size)
	switch {
	case err != nil:
		return Unknown, err
	case root != own.mark.Root:
		return Forked, nil
	case own.mark.Size > ask.Size:
		return Behind, nil
	}
	return Signed, nil
}
