package verify

import (
	"bytes"
	"fmt"
	"io"
	"iter"

	"voted/cmd/voted/display"
	"voted/internal/recount"
	"voted/proof"
)

// Held is what an audit file is held against.
type Held struct {
	Checkpoint []byte        // a head of the poll's log that covers all of the file
	Log        *Log          // the published log, which names an entry that is another one; may be nil
	Roll       []recount.Own // the roll as its owner has it; nil: it is not compared
	Told       Told
}

// Export checks what auditors were given of a poll: that every ballot that counts opens to what
// was sealed, once for each voter and as often as the roll says, that it makes the log that a
// quorum signed, and what it comes to.
func Export(audit io.Reader, p *proof.Policy, held Held, w Words) *Verdict {
	h, err := p.Check(held.Checkpoint)
	if err != nil {
		v := because(err)
		v.Sentences[0] = "The head cannot be trusted. " + v.Sentences[0]
		return v
	}
	watch, stop := held.Log.compare(h)
	defer stop()
	a, err := recount.ReadAudit(audit, watch)
	if err == nil {
		err = isSigned(a, h)
	}
	if err == nil && held.Roll != nil {
		err = a.CompareRoll(held.Roll)
	}
	if err != nil {
		return because(err)
	}
	c, err := recount.Count(a.Rules, a.Lines, held.Told.Lot)
	if err != nil {
		return because(err)
	}
	replaced := uint64(a.Replaced())
	v := &Verdict{Outcome: Right, Records: uint64(a.Records), Voters: uint64(a.Voters), Replaced: &replaced, Closed: a.Closing != nil}
	v.head(h)
	if err := v.counted(c, held.Told); err != nil {
		return because(err)
	}
	v.Sentences = append(v.audited(a, held, c, w.signers(p, h)), v.Sentences...)
	return v
}

// audited are the sentences about a file that is right.
func (v *Verdict) audited(a *recount.Audit, held Held, c *recount.Counted, signers string) []string {
	state := "The poll is not closed in it, so ballots may follow."
	if v.Closed {
		state = "The poll closed with exactly these choices."
	}
	said := []string{
		fmt.Sprintf("Every one of the %s that count in %s opens to what was sealed: %s, %s replaced. %s.", plural(v.Voters, "ballot"), v.Poll, plural(v.Records, "record"), display.Int(*v.Replaced), signers),
		"No voter has two ballots that count, and the versions of each follow one another. " + state,
	}
	if a.Roll != nil {
		said = append(said, fmt.Sprintf("Everybody who voted is on the roll of %s, and counts as often as it says.", plural(uint64(len(a.Roll)), "voter")))
	}
	if held.Roll != nil {
		said = append(said, "The roll in the file has the same voters and weights"+named(a)+".")
	}
	if !v.Closed {
		return append(said, "As it stands, "+elected(&c.Outcome)+".")
	}
	return append(said, elected(&c.Outcome)+".")
}

// named says how far a roll could be compared.
func named(a *recount.Audit) string {
	if a.Named() {
		return ", and the names of all who voted"
	}
	return ", as far as a secret poll shows: how many there are of each weight"
}

// isSigned checks that an audit file makes the log of a head that was checked.
func isSigned(a *recount.Audit, h proof.Head) error {
	o, err := proof.ParseOrigin(h.Origin)
	if err != nil {
		return err
	}
	switch size := a.Size(); {
	case o.Poll != a.Rules.ID:
		return fmt.Errorf("%w: the file is of the poll %.80q, and the head is of %q", proof.ErrOrigin, a.Rules.ID, o.Poll)
	case size > h.Size:
		return fmt.Errorf("%w: the file has %s of the log, and the head speaks of %s; take a later head", proof.ErrMissing, entriesOf(size), display.Int(h.Size))
	case size < h.Size:
		return fmt.Errorf("%w: the file has %s of the log, and %s were signed", recount.ErrShort, entriesOf(size), display.Int(h.Size))
	}
	root, err := a.Root()
	if err != nil {
		return err
	}
	if root != h.Root {
		return fmt.Errorf("%w: at least one ballot is not what was sealed under its number; --log-dir with the published log names the first", proof.ErrNotInTree)
	}
	return nil
}

func entriesOf(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return display.Int(n) + " entries"
}

// compare returns what compares each entry with the one of a published log. The log must be the
// one of a head, or begin with it.
func (l *Log) compare(h proof.Head) (watch func(number uint64, entry []byte) error, stop func()) {
	if l == nil {
		return nil, func() {}
	}
	if err := l.begins(h.Checkpoint); err != nil {
		return func(uint64, []byte) error { return err }, func() {}
	}
	next, stop := iter.Pull(l.Entries(0, h.Size))
	return func(number uint64, entry []byte) error {
		published, ok := next()
		if ok && !bytes.Equal(published, entry) {
			return fmt.Errorf("%w: entry %s is another one in the published log", proof.ErrSeal, display.Int(number))
		}
		return l.err
	}, stop
}
