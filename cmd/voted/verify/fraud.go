package verify

import (
	"fmt"
	"strings"

	"voted/cmd/voted/display"
	"voted/proof"
)

// Fraud checks whether two documents, receipts, heads or promises, cannot both be honest, and
// against whom that is proof. It is Right if they cannot. The log has the entries of the larger of
// two heads of different sizes, or of a head that a promise is compared with; it may be nil.
func Fraud(a, b []byte, p *proof.Policy, log *Log) *Verdict {
	first, v := stated("first", a, p)
	if v != nil {
		return v
	}
	second, v := stated("second", b, p)
	if v != nil {
		return v
	}
	c, err := proof.Contradict(first, second)
	if err != nil {
		return refuse(Undecided, "These two are of different logs, so neither says anything about the other: %s.", detailOf(err))
	}
	if proof.IsPromise(b) && !proof.IsPromise(a) {
		a, b, first, second = b, a, second, first
	}
	if proof.IsPromise(a) {
		promise, err := p.Promised(a)
		if err != nil {
			return because(err)
		}
		return fate(&promise, b, second, p, log)
	}
	if c == nil {
		if c, v = throughLog(first, second, log); v != nil {
			return v
		}
	}
	if len(c.Cosigned) == 0 && len(c.Logs) == 0 {
		return refuse(Undecided, "These two cannot both be true: %s. But nobody signed both, so it is proof against nobody.", c.Why)
	}
	v = &Verdict{Outcome: Right, Against: c.Cosigned}
	v.head(proof.Head{Checkpoint: first.Checkpoint})
	if len(c.Cosigned) == 0 { // the key of a log names no member
		v.Against = []string{"the key of the log"}
	}
	names := and(v.Against)
	signed := "signed"
	if len(v.Against) == 1 {
		signed = "alone signed"
	}
	v.Sentences = []string{
		fmt.Sprintf("%s %s two logs of %s that exclude each other: %s. The signatures are good. This is proof against %s.", capitalName(v.Against, names), signed, v.Poll, c.Why, names),
	}
	return v
}

// capitalName begins a sentence with names, which are written as the policy has them.
func capitalName(against []string, names string) string {
	if len(against) == 1 && strings.HasPrefix(names, "the ") {
		return capital(names)
	}
	return names
}

func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// stated reads one document: a receipt, a head, or a promise.
func stated(which string, file []byte, p *proof.Policy) (proof.Statement, *Verdict) {
	var s proof.Statement
	var err error
	switch {
	case isReceipt(file):
		var r *proof.Receipt
		if r, err = proof.ParseReceipt(file); err == nil {
			s, err = p.State(r)
		}
	case proof.IsPromise(file):
		var promise proof.Promised
		if promise, err = p.Promised(file); err == nil {
			s = promise.Statement()
		}
	default:
		s.Head, err = p.Signers(file)
	}
	if err != nil {
		v := because(err)
		v.Outcome = Undecided
		v.Sentences[0] = "The " + which + " document is itself not good, so it is proof of nothing. " + v.Sentences[0]
		return s, v
	}
	return s, nil
}

// throughLog compares heads of different sizes by the log of the larger one.
func throughLog(first, second proof.Statement, log *Log) (*proof.Contradiction, *Verdict) {
	a, b := first, second
	if a.Size > b.Size {
		a, b = b, a
	}
	v := grown(a.Checkpoint, b.Checkpoint, log)
	switch {
	case v == nil:
		return nil, refuse(Wrong, "These two can both be honest: one continues the other.")
	case v.Outcome == Undecided:
		return nil, v
	}
	// A log that has the later head, and other entries at the size of the earlier one: at
	// that size it says what the signers of the later one vouch for.
	root, err := log.root(a.Size)
	if err != nil {
		return nil, unread(err)
	}
	vouched := b
	vouched.Checkpoint.Size, vouched.Root, vouched.Leaves, vouched.Ended = a.Size, root, nil, false
	c, err := proof.Contradict(a, vouched)
	if err != nil || c == nil {
		return nil, v
	}
	c.Why = fmt.Sprintf("one with %s entries does not continue the one with %s", display.Int(b.Size), display.Int(a.Size))
	return c, nil
}
