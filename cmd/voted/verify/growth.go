package verify

import (
	"fmt"

	"voted/cmd/voted/display"
	"voted/proof"
)

// Growth checks that a later head continues an earlier one without a change to it. The
// policy may be nil; then nobody's signature is looked at. The log has the entries up to
// the later head; it may be nil where both have the same size.
func Growth(older, newer []byte, p *proof.Policy, log *Log, w Words) *Verdict {
	a, v := headOf("earlier", older, p)
	if v != nil {
		return v
	}
	b, v := headOf("later", newer, p)
	if v != nil {
		return v
	}
	if a.Origin != b.Origin {
		return refuse(Undecided, "These heads are of two logs, %s and %s: neither continues the other.", a.Origin, b.Origin)
	}
	if a.Size > b.Size {
		return refuse(Undecided, "The first file has %s records and the second %s; give the earlier head first.", display.Int(records(a.Checkpoint)), display.Int(records(b.Checkpoint)))
	}
	if v := grown(a.Checkpoint, b.Checkpoint, log); v != nil {
		return v
	}
	v = &Verdict{Outcome: Right, Records: records(b.Checkpoint)}
	v.head(b)
	said := "%s has grown from %s to %s without a change to the earlier ones."
	if a.Size == b.Size {
		said = "%s is the same in both: %[3]s, and not one was changed."
	}
	v.Sentences = []string{fmt.Sprintf(said, v.Poll, display.Int(records(a.Checkpoint)), plural(records(b.Checkpoint), "record"))}
	if p == nil {
		v.Sentences = append(v.Sentences, "Whose signatures these are was not looked at; give --policy for that.")
	} else {
		v.Sentences = append(v.Sentences, w.signers(p, b)+".")
	}
	return v
}

// records returns how many ballots a head speaks of: its entries without the definition.
// Whether the last one is the closing it does not say.
func records(c proof.Checkpoint) uint64 { return max(c.Size, 1) - 1 }

// headOf reads a checkpoint, and checks it where there is a policy.
func headOf(which string, file []byte, p *proof.Policy) (proof.Head, *Verdict) {
	if p != nil {
		h, err := p.Check(file)
		if err != nil {
			v := because(err)
			v.Sentences[0] = "The " + which + " head cannot be trusted. " + v.Sentences[0]
			return proof.Head{}, v
		}
		return h, nil
	}
	n, err := proof.ParseNote(file)
	if err != nil {
		return proof.Head{}, because(fmt.Errorf("the %s head: %w", which, err))
	}
	c, err := proof.ParseCheckpoint(n.Text)
	if err != nil {
		return proof.Head{}, because(fmt.Errorf("the %s head: %w", which, err))
	}
	return proof.Head{Checkpoint: c}, nil
}

// grown compares two heads of one log, and returns nil if the later one continues the
// earlier one.
func grown(a, b proof.Checkpoint, log *Log) *Verdict {
	if a.Size == b.Size {
		if err := proof.CheckConsistency(a.Size, b.Size, a.Root, b.Root, nil); err != nil {
			return because(err)
		}
		return nil
	}
	if log == nil {
		return refuse(Undecided, "The heads have %s and %s records, and alone they do not show whether one continues the other; give the log with --log-dir.", display.Int(records(a)), display.Int(records(b)))
	}
	if log.checkpoint.Origin != b.Origin {
		return refuse(Undecided, "The directory has the log of %s, and the heads are of %s.", log.checkpoint.Origin, b.Origin)
	}
	root, err := log.root(b.Size)
	if err != nil {
		return unread(err)
	}
	if root != b.Root {
		return refuse(Undecided, "The log in the directory is not the one of the later head; fetch it again.")
	}
	root, err = log.root(a.Size)
	if err != nil {
		return unread(err)
	}
	if root != a.Root {
		return because(fmt.Errorf("%w: the later one has other entries among its first %s", proof.ErrInconsistent, display.Int(a.Size)))
	}
	return nil
}

// unread is the verdict where the log in the directory cannot be read, which is no fault of those
// who signed its head.
func unread(err error) *Verdict {
	v := because(err)
	v.Outcome = Undecided
	v.Sentences[0] = "The log in the directory cannot be used. " + v.Sentences[0]
	return v
}
