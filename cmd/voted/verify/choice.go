package verify

import (
	"fmt"
	"strings"

	"voted/internal/recount"
	"voted/proof"
)

// Choice is Receipt for a voter who remembers the choice: what the receipt shows must be it, in
// the notation of a cell of text, such as ann, bo>ann or ann=5;bo=0. What the numbers in a
// receipt mean is in the definition of the log.
func Choice(file []byte, p *proof.Policy, voter, choice string, log *Log, w Words) *Verdict {
	v := Receipt(file, p, voter, log, w)
	if v.Outcome != Right {
		return v
	}
	r, err := proof.ParseReceipt(file)
	switch {
	case err != nil:
		return because(err)
	case r.Opening == nil:
		return refuse(Undecided, "Your ballot in %s counts, and this receipt does not show what it chose. Receipts of polls that say \"receipt\":\"opened\" do.", v.Poll)
	case log == nil:
		return refuse(Undecided, "What a receipt chose is in it by the numbers of the options. Give the published log with --log-dir, which says what they mean.")
	}
	definition, first, err := log.definition()
	if err != nil {
		return because(err)
	}
	rules, err := recount.Definition(definition, first)
	if err != nil {
		return because(err)
	}
	is, chosen, err := recount.Chose(rules, r.Opening.Selections, choice)
	switch {
	case err != nil:
		return refuse(Undecided, "Nobody can have chosen that in this poll: %s.", strings.TrimSuffix(detailOf(err), "."))
	case !is:
		return refuse(Wrong, "Your ballot in %s is recorded as record %d, and it chose %s, not %s.", v.Poll, r.Number, chosen, choice)
	}
	v.Sentences = append(v.Sentences, fmt.Sprintf("It chose %s, as you say.", chosen))
	return v
}

// definition reads the definition in the directory of a log, and the entry that has its hash.
func (l *Log) definition() (text []byte, first proof.DefinitionEntry, err error) {
	if text, err = readFile(l.files, definitionFile); err != nil {
		return nil, first, err
	}
	for entry := range l.Entries(0, 1) {
		first, err = proof.ParseDefinitionEntry(entry)
	}
	if err == nil {
		err = l.err
	}
	return text, first, err
}
