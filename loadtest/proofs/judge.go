package proofs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"voted/harness/ledger"
	"voted/proof"
)

// Verdict is what the proofs of a run have shown.
type Verdict struct {
	Sampled int // ballots
	During  int // of these, with a proof during the load, which was checked
	After   int // of these, with a proof after it, which was checked
	// Late are how many milliseconds after the answers the proofs were there, during the load,
	// sorted.
	Late     []float64
	Findings []ledger.Finding
}

// Judge checks the proofs of a run from its files alone. The error matches os.ErrNotExist where
// no proofs were taken.
func Judge(dir string) (*Verdict, error) {
	all, err := loadSample(dir)
	if err != nil {
		return nil, err
	}
	j := judge{dir: dir, verdict: &Verdict{Sampled: len(all)}, polls: map[string]*checker{}}
	for i := range all {
		if err := j.ballot(&all[i]); err != nil {
			return nil, err
		}
	}
	slices.Sort(j.verdict.Late)
	return j.verdict, nil
}

type judge struct {
	dir     string
	verdict *Verdict
	polls   map[string]*checker
}

// ballot checks both proofs of a ballot. A proof that did not come while something was broken is
// late at most; afterwards it must be there.
func (j *judge) ballot(b *Ballot) error {
	c, err := j.checker(b.Poll)
	if err != nil {
		return err
	}
	if b.Late > 0 {
		j.verdict.Late = append(j.verdict.Late, b.Late)
		if err := j.proof(c, b, during, &j.verdict.During); err != nil {
			return err
		}
	}
	if b.Refused != "" {
		j.find(b, "it was acknowledged, and in the end there is no proof of it: "+b.Refused)
		return nil
	}
	return j.proof(c, b, after, &j.verdict.After)
}

// proof checks one file, and counts it if it is good.
func (j *judge) proof(c *checker, b *Ballot, when string, good *int) error {
	file, err := os.ReadFile(b.file(j.dir, when))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		j.find(b, "the proof "+when+" the load is missing")
		return nil
	case err != nil:
		return fmt.Errorf("a proof cannot be read: %w", err)
	}
	if err := c.check(b, file, when); err != nil {
		j.find(b, "the proof "+when+" the load is not good: "+err.Error())
		return nil
	}
	*good++
	return nil
}

func (j *judge) find(b *Ballot, what string) {
	j.verdict.Findings = append(j.verdict.Findings, ledger.Finding{Fault: ledger.Unproven, Poll: b.Poll, Voter: b.Voter, What: what})
}

func (j *judge) checker(poll string) (*checker, error) {
	c := j.polls[poll]
	if c == nil {
		policy, err := loadPolicy(j.dir, poll)
		if err != nil {
			return nil, err
		}
		c = &checker{policy: policy, heads: map[uint64]proof.Statement{}, entries: map[uint64]proof.Statement{}}
		j.polls[poll] = c
	}
	return c, nil
}

// checker checks the proofs of one poll, each by itself and against the others.
type checker struct {
	policy  *proof.Policy
	heads   map[uint64]proof.Statement // by size: the first that was seen
	entries map[uint64]proof.Statement // by the number of the ballot: the same
}

// check returns what is wrong with a proof.
func (c *checker) check(b *Ballot, file []byte, when string) error {
	r, err := proof.ParseReceipt(file)
	if err != nil {
		return err
	}
	head, err := r.Check(c.policy)
	switch {
	case err != nil:
		return err
	case r.Poll != b.Poll || r.Voter != b.Voter:
		return fmt.Errorf("%w: it is of %s in %s", proof.ErrVoter, r.Voter, r.Poll)
	case !b.fits(r.Number, when):
		return fmt.Errorf("it is of ballot %d, and the voter was acknowledged with %d, and with %d at last", r.Number, b.First, b.Last)
	}
	s, err := c.policy.State(r)
	if err != nil {
		return err
	}
	return errors.Join(agree(c.heads, head.Size, s), agree(c.entries, r.Number, s))
}

// fits reports whether a proof may be of the ballot with a number.
func (b *Ballot) fits(number uint64, when string) bool {
	switch {
	case b.Unsure:
		return number >= b.First
	case when == during:
		return number == b.First || number == b.Last // it may have been replaced just then
	}
	return number == b.Last
}

// agree compares a statement with an earlier one about the same thing. Both are signed: what
// contradicts is proof against who signed.
func agree(known map[uint64]proof.Statement, at uint64, s proof.Statement) error {
	before, ok := known[at]
	if !ok {
		known[at] = s
		return nil
	}
	x, err := proof.Contradict(before, s)
	if err == nil && x != nil {
		err = errors.New("it contradicts another proof: " + x.Why)
	}
	return err
}
