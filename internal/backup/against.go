package backup

import (
	"fmt"

	"voted/internal/poll"
	"voted/proof"
)

// Held is how a backup compares with a head that was signed.
type Held struct {
	Poll string `json:"poll"`
	Log  string `json:"log"` // name of the log
	// Signed and Held are how many entries of the log the head stands for, and how many of
	// these the backup has; its definition and its closing are entries too.
	Signed uint64 `json:"signed"`
	Held   uint64 `json:"held"`
	// Whole: the backup has all that was signed, unchanged.
	Whole bool `json:"whole"`
	// Fault says in a sentence why it has not; empty if it has.
	Fault string `json:"fault,omitempty"`
}

// against compares a state that was read from a backup of a cluster with a head of one of its polls.
func against(state *poll.State, cluster string, head proof.Checkpoint) (*Held, error) {
	origin, err := proof.ParseOrigin(head.Origin)
	if err != nil {
		return nil, err
	}
	h := &Held{Poll: origin.Poll, Log: head.Origin, Signed: head.Size}
	lineage := state.Lineage(cluster)
	c, _, refused := state.Capture(origin.Poll)
	switch {
	case refused != nil:
		h.Fault = "The backup does not have the poll " + origin.Poll + ": restoring it drops all that was signed."
		return h, nil
	case lineage != origin.Lineage:
		h.Fault = fmt.Sprintf("The backup is of the history %s, and the head is of the history %s: a restore or a recovery lies between them.", lineage, origin.Lineage)
		return h, nil
	}
	if h.Held = min(c.LogSize(), head.Size); h.Held < head.Size {
		missing := head.Size - h.Held
		h.Fault = fmt.Sprintf("The backup has %d of the %d entries that were signed: restoring it drops %d, whose voters may hold proofs.", h.Held, head.Size, missing)
		return h, nil
	}
	root, err := rootOf(&c, head.Size)
	if err != nil {
		return nil, err
	}
	if h.Whole = root == head.Root; !h.Whole {
		h.Fault = fmt.Sprintf("The backup has other entries than the %d that were signed: one of them was changed, or the poll is another one.", head.Size)
	}
	return h, nil
}

// rootOf returns the root of the first entries of a poll's log.
func rootOf(c *poll.Capture, size uint64) (proof.Hash, error) {
	var tree proof.Tree
	if err := tree.Grow(size, c.Leaves); err != nil {
		return proof.Hash{}, err
	}
	view, err := tree.At(size, c.Leaves)
	if err != nil {
		return proof.Hash{}, err
	}
	return view.Root()
}
