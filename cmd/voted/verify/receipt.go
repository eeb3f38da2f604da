package verify

import (
	"fmt"
	"strings"

	"voted/cmd/voted/display"
	"voted/proof"
)

// Receipt checks the receipt of one voter under a policy. Where a voter is named, it must
// be theirs. A log is looked at for later ballots of the voter; it may be nil.
func Receipt(file []byte, p *proof.Policy, voter string, log *Log, w Words) *Verdict {
	r, err := proof.ParseReceipt(file)
	if err != nil {
		return refuse(Wrong, "This is not a receipt that can be read: %s. Ask for the file again; mail programs and editors change files.", detailOf(err))
	}
	if voter != "" && voter != r.Voter {
		return refuse(Wrong, "This receipt is not one of %s: it is one of %s.", voter, r.Voter)
	}
	h, err := r.Check(p)
	if err != nil {
		return because(err)
	}
	v := &Verdict{Outcome: Right, Voter: r.Voter, Ballot: r.Number, Records: h.Size - 1, Closed: r.Final != nil, Tracker: r.Tracker()}
	v.head(h)
	if r.Final != nil {
		v.Records, v.Voters = uint64(r.Final.Closing.Records), uint64(r.Final.Closing.Voters)
	}
	line := fmt.Sprintf("Your ballot in %s is counted: record %s of %s. %s.", v.Poll, display.Int(r.Number), display.Int(v.Records), w.signers(p, h))
	after, err := following(r, h, p, log)
	if err != nil {
		return because(err)
	}
	switch {
	case after.ballot != 0:
		return refuse(Wrong, "Your ballot in %s was recorded as record %s, and replaced by record %s since.", v.Poll, display.Int(r.Number), display.Int(after.ballot))
	case r.Final != nil || after.closed:
		line += " It was not replaced before the poll closed."
	case log != nil:
		line += fmt.Sprintf(" Up to record %s nothing replaced it.", display.Int(log.Size()-1))
	default:
		line += " Whether it was replaced later, this file does not say."
	}
	if s := r.Ballot.Supersedes; s != 0 {
		line += fmt.Sprintf(" It took the place of record %s, which does not count.", display.Int(uint64(s)))
	}
	// One line, so that it can be cut out and kept.
	v.Sentences = []string{line + shows(r) + " Its mark is " + v.Tracker + "; keep this file."}
	return v
}

// Restored checks whether the ballot of a receipt is in the log that was begun after a
// restore, or after the recovery of a cluster, under that log's own policy. The receipt is good under its own policy, and says
// so; a ballot that the restore dropped is Wrong, and the receipt is proof of it.
func Restored(file []byte, p *proof.Policy, now *Log, nowPolicy *proof.Policy, w Words) *Verdict {
	v := Receipt(file, p, "", nil, w)
	if v.Outcome != Right {
		return v
	}
	r, err := proof.ParseReceipt(file)
	if err != nil {
		return because(err)
	}
	h, err := nowPolicy.Check(now.note)
	if err == nil {
		err = now.whole()
	}
	if err == nil {
		err = follows(v.Log, h.Origin)
	}
	if err != nil {
		v := because(err)
		v.Sentences[0] = "The log after the restore cannot be trusted. " + v.Sentences[0]
		return v
	}
	for e := range now.Entries(r.Number, min(r.Number+1, h.Size)) {
		if proof.LeafHash(e) == r.Ballot.Leaf() {
			v.Log = h.Origin
			v.Sentences = []string{fmt.Sprintf("Your ballot in %s outlived the %s: it is record %s of %s, as before. %s.", v.Poll, beginning(h.Origin), display.Int(r.Number), h.Origin, w.signers(nowPolicy, h))}
			return v
		}
	}
	if now.err != nil {
		return because(now.err)
	}
	dropped := refuse(Wrong, "Your ballot in %s was dropped by a %s: %s had it as record %s, and %s does not have it. This receipt is proof of that: %s signed it. If the poll is open, vote again.",
		v.Poll, beginning(h.Origin), v.Log, display.Int(r.Number), h.Origin, and(v.SignedBy))
	dropped.Poll, dropped.Log, dropped.Voter, dropped.Ballot = v.Poll, h.Origin, v.Voter, v.Ballot
	return dropped
}

// beginning says what a log that is not a poll's first one began with.
func beginning(origin string) string {
	if o, err := proof.ParseOrigin(origin); err == nil && strings.HasPrefix(o.Lineage, "c") {
		return "recovery"
	}
	return "restore"
}

// follows checks that two logs are of one poll, and not of one lineage.
func follows(before, after string) error {
	a, err := proof.ParseOrigin(before)
	if err != nil {
		return err
	}
	b, err := proof.ParseOrigin(after)
	if err != nil {
		return err
	}
	if a.Log != b.Log || a.Poll != b.Poll || a.Lineage == b.Lineage {
		return fmt.Errorf("%w: %s is not the log of the same poll after a restore of %s", proof.ErrOrigin, after, before)
	}
	return nil
}

// shows says what somebody learns to whom the file is shown.
func shows(r *proof.Receipt) string {
	if r.Opening != nil {
		return " Careful: whoever sees this file can learn how you voted."
	}
	return " This file shows that you voted; it does not show how."
}

// later is what a log has after a ballot.
type later struct {
	ballot uint64 // number of the one that replaced it; 0 if none did
	closed bool
}

// following looks for what came after a ballot. It fails if the log is not signed as the policy
// asks, or not one of which the receipt's head is the beginning.
func following(r *proof.Receipt, h proof.Head, p *proof.Policy, log *Log) (later, error) {
	if log == nil {
		return later{}, nil
	}
	if _, err := p.Check(log.note); err != nil {
		return later{}, fmt.Errorf("the log in the directory: %w", err)
	}
	if err := log.begins(h.Checkpoint); err != nil {
		return later{}, err
	}
	number := r.Number
	for e := range log.Entries(r.Number+1, log.Size()) {
		number++
		if proof.IsClosing(e) {
			return later{closed: true}, log.ends(e, number)
		}
		b, err := proof.ParseBallotEntry(e)
		if err != nil {
			return later{}, fmt.Errorf("entry %s of the log: %w", display.Int(number), err)
		}
		if b.Key == r.Ballot.Key {
			return later{ballot: number}, nil
		}
	}
	return later{}, log.err
}
