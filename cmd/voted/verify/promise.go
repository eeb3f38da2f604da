package verify

import (
	"bytes"
	"fmt"
	"maps"

	"voted/cmd/voted/display"
	"voted/proof"
)

// What became of a promise.
const (
	promiseKept   = "kept"
	promiseEarly  = "not_covered"
	promiseBroken = "broken"
)

// fate compares a promise with another document: what was promised with what the signers of the
// other one stated. It is Right if they cannot both be honest, as Fraud is.
func fate(promise *proof.Promised, other []byte, stated proof.Statement, p *proof.Policy, log *Log) *Verdict {
	said := promise.Statement()
	if len(stated.Logs) == 0 && len(stated.Cosigned) == 0 {
		return refuse(Undecided, "Nobody whom the policy names signed the other document, so the promise cannot be held against it.")
	}
	if v := shown(promise.Number, &stated, other, log); v != nil {
		return v
	}
	c, err := proof.Contradict(said, stated)
	if err != nil {
		return because(err)
	}
	v := &Verdict{Ballot: promise.Number}
	v.head(proof.Head{Checkpoint: said.Checkpoint})
	switch {
	case c != nil:
		broken(v, c, promise, other, stated, p)
	case proof.IsPromise(other):
		v.Outcome, v.Sentences = Wrong, []string{"These two can both be honest: the promises do not exclude each other."}
	case stated.Size <= promise.Number:
		v.Outcome, v.Promise = Undecided, promiseEarly
		v.Sentences = []string{fmt.Sprintf("It is too early to say: record %s of %s was promised, and the other document has %s. Compare the promise with a later one.",
			display.Int(promise.Number), v.Poll, plural(records(stated.Checkpoint), "record"))}
	default:
		v.Outcome, v.Promise = Wrong, promiseKept
		v.Sentences = []string{fmt.Sprintf("The promise is kept: record %s of %s is the ballot that was promised, as %s signed.", display.Int(promise.Number), v.Poll, and(whoSigned(stated)))}
	}
	return v
}

// shown adds to a statement the entry that was promised, where the statement covers it without
// showing it: it is read from the log. It returns a verdict if that cannot be done.
func shown(number uint64, s *proof.Statement, other []byte, log *Log) *Verdict {
	if _, there := s.Leaves[number]; there || number >= s.Size || proof.IsPromise(other) {
		return nil
	}
	if log == nil {
		return refuse(Undecided, "The other document does not show which ballot record %s is. Give the receipt of that ballot, or the log with --log-dir.", display.Int(number))
	}
	if log.checkpoint.Origin != s.Origin {
		return refuse(Undecided, "The directory has the log of %s, and the documents are of %s.", log.checkpoint.Origin, s.Origin)
	}
	root, err := log.root(s.Size)
	if err != nil {
		return unread(err)
	}
	if root != s.Root {
		return refuse(Undecided, "The log in the directory is not the one that the other document is of; fetch it again.")
	}
	leaves := maps.Clone(s.Leaves)
	if leaves == nil {
		leaves = map[uint64]proof.Hash{}
	}
	for entry := range log.Entries(number, number+1) {
		leaves[number] = proof.LeafHash(entry)
	}
	if log.err != nil {
		return unread(log.err)
	}
	s.Leaves = leaves
	return nil
}

// broken says whose doing it is that a promise was not kept.
func broken(v *Verdict, c *proof.Contradiction, promise *proof.Promised, other []byte, stated proof.Statement, p *proof.Policy) {
	v.Promise = promiseBroken
	key := logKey(promise.By.String())
	whose := fmt.Sprintf("The certificate of %s says which member's it is.", key)
	against := []string{key}
	switch {
	case len(c.Logs) > 0:
		v.Outcome, v.Against = Right, against
		v.Sentences = []string{
			fmt.Sprintf("%s signed both, and they exclude each other: %s. Both signatures are good. This is proof against the member whose key it is.", capital(key), c.Why), whose,
		}
	case proof.IsPromise(other):
		v.Outcome = Undecided
		v.Sentences = []string{fmt.Sprintf("These two cannot both be true: %s. Both signatures are good, so %s or %s lies; the log of %s shows which.", c.Why, key, and(whoSigned(stated)), v.Poll)}
	case quorate(other, p):
		v.Outcome, v.Against = Right, against
		who := and(whoSigned(stated))
		v.Sentences = []string{
			fmt.Sprintf("%s promised what the log of %s does not have: %s. Both signatures are good, of the promise and of the log, which %s signed. This is proof against the member whose key it is, unless %s changed the log together.",
				capital(key), v.Poll, c.Why, who, who), whose,
		}
	default:
		v.Outcome = Undecided
		v.Sentences = []string{fmt.Sprintf("These two cannot both be true: %s. Both signatures are good, but too few signed the log to say who lies, %s or %s.", c.Why, key, and(whoSigned(stated)))}
	}
}

// quorate reports whether as many signed a receipt or a head as the policy asks for.
func quorate(file []byte, p *proof.Policy) bool {
	if isReceipt(file) {
		r, err := proof.ParseReceipt(file)
		if err != nil {
			return false
		}
		file = r.Checkpoint
	}
	_, err := p.Check(file)
	return err == nil
}

func isReceipt(file []byte) bool { return bytes.HasPrefix(file, []byte("c2sp.org/tlog-proof")) }

// whoSigned names those who stated something; the keys of the log where no others did.
func whoSigned(s proof.Statement) (names []string) {
	for _, c := range s.Cosigned {
		names = append(names, c.Witness)
	}
	if len(names) == 0 {
		for _, key := range s.Logs {
			names = append(names, logKey(key))
		}
	}
	return names
}

// logKey names a key of a log, which all members have under the same name, by the number that the
// policy has it with.
func logKey(key string) string {
	v, err := proof.ParseVerifier(key)
	if err != nil {
		return "a log key"
	}
	return fmt.Sprintf("the log key %08x", v.ID())
}
