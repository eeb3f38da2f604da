// Package verify checks receipts and published logs without a network, and says what came
// of it in sentences for people: voters, observers, courts. What is checked, and how, is in
// package proof; here are the files and the words.
package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/recount"
	"voted/proof"
)

// Outcome is what a check came to.
type Outcome string

// The outcomes.
const (
	Right     Outcome = "right"
	Wrong     Outcome = "wrong"     // shown to be false, or not shown to be true
	Undecided Outcome = "undecided" // other files are needed, or another command line
)

// Verdict is the answer of one check. As JSON it is what --json prints.
type Verdict struct {
	Outcome   Outcome  `json:"verdict"`
	Sentences []string `json:"sentences"` // the first says it all, the others what it means

	Poll     string   `json:"poll,omitempty"`
	Log      string   `json:"log,omitempty"` // name of the log
	Voter    string   `json:"voter,omitempty"`
	Ballot   uint64   `json:"ballot,omitempty"`
	Records  uint64   `json:"records,omitempty"`
	Voters   uint64   `json:"voters,omitempty"`
	Replaced *uint64  `json:"replaced,omitempty"`
	Closed   bool     `json:"closed,omitempty"`
	SignedBy []string `json:"signed_by,omitempty"`
	SignedAt string   `json:"signed_at,omitempty"` // RFC 3339
	Against  []string `json:"against,omitempty"`   // of verify fraud
	Promise  string   `json:"promise,omitempty"`   // of verify fraud: kept, not_covered or broken
	Tracker  string   `json:"tracker,omitempty"`

	Result json.RawMessage `json:"result,omitempty"` // that was counted, as results of polls have it
}

// refuse is a verdict of one sentence.
func refuse(o Outcome, format string, args ...any) *Verdict {
	return &Verdict{Outcome: o, Sentences: []string{fmt.Sprintf(format, args...)}}
}

// reasons are the sentences for what a check of package proof found, by its error. The
// first that fits is taken; %s is the detail.
var reasons = []struct {
	err     error
	outcome Outcome
	text    string
}{
	{recount.ErrDefinition, Wrong, "The rules of the poll are not those that were signed: %s. Options or rules were changed"},
	{recount.ErrProfile, Wrong, "The choices are not those that the poll closed with: %s"},
	{recount.ErrShort, Wrong, "Ballots are missing: %s"},
	{recount.ErrRoll, Wrong, "The roll does not fit: %s"},
	{recount.ErrWeight, Wrong, "A ballot does not count as often as the roll says: %s"},
	{recount.ErrResult, Wrong, "The ballots do not come to this result: %s"},
	{recount.ErrUnfinished, Undecided, "The result in the file was made while the poll was open. Fetch it again: the final one says certified"},
	{recount.ErrLot, Undecided, "A lot decides between options that are equal: %s. Give the order that was drawn, with --lot"},
	{proof.ErrNoQuorum, Undecided, "The policy asks nobody to sign, so it proves nothing. Get the poll's own policy, or give --allow-no-quorum to take the word of one key"},
	{proof.ErrOrigin, Wrong, "This is of another poll, cluster or history than the policy: %s"},
	{proof.ErrSignature, Wrong, "A signature is false: %s. Somebody changed the file, or made it up"},
	{proof.ErrUnsigned, Wrong, "No member signed this for the poll itself: %s"},
	{proof.ErrQuorum, Wrong, "Too few signed this: %s"},
	{proof.ErrVoter, Wrong, "This ballot is another voter's: %s"},
	{proof.ErrSeal, Wrong, "The choice in this file is not the one that was recorded: %s"},
	{proof.ErrSuperseded, Wrong, "This ballot does not count any more: %s"},
	{proof.ErrEnded, Wrong, "The poll's log does not end as its closing says: %s"},
	{proof.ErrChain, Wrong, "A voter is counted more than once, or not at all: %s"},
	{proof.ErrInconsistent, Wrong, "The later head does not continue the earlier one: %s. Records were dropped, moved or changed"},
	{proof.ErrNotInTree, Wrong, "What was signed does not have this record: %s. The record is missing or altered, or this file is"},
	{proof.ErrMissing, Undecided, "Something that is needed is not there: %s"},
	{proof.ErrMalformed, Wrong, "This is not in the form that it should have: %s"},
}

// because returns the verdict for an error of package proof.
func because(err error) *Verdict {
	for _, r := range reasons {
		if !errors.Is(err, r.err) {
			continue
		}
		detail := strings.ReplaceAll(err.Error(), r.err.Error()+": ", "")
		if strings.Contains(r.text, "%s") {
			return refuse(r.outcome, "%s.", strings.TrimSuffix(fmt.Sprintf(r.text, detail), "."))
		}
		return refuse(r.outcome, "%s.", r.text)
	}
	return refuse(Undecided, "This could not be checked: %v.", err)
}

// Words is how times are shown.
type Words struct {
	Zone *time.Location
}

func (w Words) time(seconds uint64) string {
	return time.Unix(int64(min(seconds, 1<<40)), 0).In(w.Zone).Format("2006-01-02 15:04:05 -07:00")
}

// signers says who signed a head, and when: "Two of three members signed that (n1, n2), …".
func (w Words) signers(p *proof.Policy, h proof.Head) string {
	if h.Under != nil {
		p = h.Under
	}
	if len(h.Cosigned) == 0 {
		return "Nobody but the log's own key signed that"
	}
	var names []string
	for _, c := range h.Cosigned {
		names = append(names, c.Witness)
	}
	share := fmt.Sprintf("%s of %s", capital(spelled(len(names))), spelled(len(p.Witnesses)))
	if len(names) == len(p.Witnesses) {
		share = "All " + spelled(len(names))
	}
	return fmt.Sprintf("%s %s signed that (%s), %s", share, kind(p, h.Origin), strings.Join(names, ", "), w.time(h.At()))
}

// kind says what the witnesses of a policy are: members of the cluster, or others too.
func kind(p *proof.Policy, origin string) string {
	o, err := proof.ParseOrigin(origin)
	for _, x := range p.Witnesses {
		if err != nil || !strings.HasPrefix(x.Key.Name(), o.Log+"/") {
			return "signers"
		}
	}
	return "members"
}

// head fills in what a head says about itself.
func (v *Verdict) head(h proof.Head) {
	v.Log = h.Origin
	if o, err := proof.ParseOrigin(h.Origin); err == nil {
		v.Poll = o.Poll
	}
	for _, c := range h.Cosigned {
		v.SignedBy = append(v.SignedBy, c.Witness)
	}
	if at := h.At(); at > 0 {
		v.SignedAt = time.Unix(int64(min(at, 1<<40)), 0).UTC().Format(time.RFC3339)
	}
}

var numbers = []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

func spelled(n int) string {
	if n < len(numbers) {
		return numbers[n]
	}
	return display.Int(n)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// plural returns "1 record", "70,000 records".
func plural(n uint64, what string) string { return display.Plural(int64(min(n, 1<<62)), what) }
