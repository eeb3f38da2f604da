package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// Option is one thing that can be chosen.
type Option struct {
	ID          string
	Title       string
	Description string // plain text
}

// Revote is whether a ballot may be replaced.
type Revote uint8

// The revote rules.
const (
	RevoteNever Revote = iota
	RevoteUntilClose
)

// Visibility is when results may be seen.
type Visibility uint8

// The result visibilities.
const (
	ResultsLive Visibility = iota
	ResultsAfterClose
)

// Secrecy is whether voter ids are kept.
type Secrecy uint8

// The kinds of secrecy. In a secret poll only voter keys reach the log.
const (
	Secret Secrecy = iota
	Open
)

// Eligibility is who may vote.
type Eligibility uint8

// The kinds of eligibility. With a roll, only those on it.
const (
	Anyone Eligibility = iota
	OnRoll
)

// Marking is how ballots must be filled in.
type Marking uint8

// The markings.
const (
	Strict   Marking = iota // what is no proper ballot is refused
	AsMarked                // as on paper: overvotes, skipped ranks and repeated options are taken and counted by the rules
)

// Definition is a poll's question and rules. It is never changed in place: a patch makes
// a new one.
type Definition struct {
	ID            string
	Title         string
	Options       []Option
	Method        string // a name known to package tally
	MinSelections int
	MaxSelections int
	MaxScore      int // highest score an option can get; 0 if scores are not used
	Revote        Revote
	Results       Visibility
	Secrecy       Secrecy
	OpensAt       int64 // milliseconds since the Unix epoch; 0: at once
	ClosesAt      int64 // milliseconds since the Unix epoch; 0: only by Close
	MaxBallots    uint64
	Eligibility   Eligibility
	Quorum        uint64 // voters whose ballots are needed for the result to bind; 0: none
	Ballots       Marking
	Counting      tally.Settings // what is asked of the method: seats, tie-break, lot and rules
	Disclosure    Disclosure
	Receipts      Receipts
	Audience      Audience
	Order         OptionOrder // on ballots
	Description   string      // plain text
	Contact       string      // of whom voters ask: a line of plain text
}

// DefaultMethod is the method of a definition that names none.
const DefaultMethod = "plurality"

// WithDefaults fills in the fields that were left out, by the method's conventions: one
// selection for plurality (as many as there are seats), any number for the others.
func (d Definition) WithDefaults() Definition {
	if d.Method == "" {
		d.Method = DefaultMethod
	}
	m, ok := tally.ByName(d.Method)
	if !ok {
		return d
	}
	if d.MaxSelections == 0 {
		d.MaxSelections = len(d.Options)
		if d.Method == "plurality" {
			d.MaxSelections = min(max(1, d.Counting.Seats), len(d.Options))
		}
	}
	if m.Form == tally.Scores && d.MaxScore == 0 {
		d.MaxScore = m.DefaultMaxScore
	}
	d.Counting = plainly(m, d.Counting)
	return d.plainlyShown()
}

// Validate returns everything that is wrong with the definition, nil if nothing is.
func (d Definition) Validate() []refusal.FieldError {
	var errs []refusal.FieldError
	wrong := func(field, format string, args ...any) {
		errs = append(errs, refusal.FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	if !ValidID(d.ID) {
		wrong("id", "%s", idRule)
	}
	if msg := titleFault(d.Title); msg != "" {
		wrong("title", "%s", msg)
	}
	d.checkOptions(wrong)
	d.checkRules(wrong)
	d.checkTimes(wrong)
	return errs
}

// namedTime is a time of a definition with the name of its field.
type namedTime struct {
	field string
	ms    int64
}

func (d Definition) times() [2]namedTime {
	return [2]namedTime{{"opens_at", d.OpensAt}, {"closes_at", d.ClosesAt}}
}

func (d Definition) checkTimes(wrong func(field, format string, args ...any)) {
	for _, t := range d.times() {
		if t.ms < 0 || t.ms > maxTime {
			wrong(t.field, "%s", timeRule)
		}
	}
	if d.OpensAt != 0 && d.ClosesAt != 0 && d.ClosesAt <= d.OpensAt {
		wrong("closes_at", "The poll must close after it opens.")
	}
}

func (d Definition) checkOptions(wrong func(field, format string, args ...any)) {
	if len(d.Options) < 2 {
		wrong("options", "Name at least two options.")
	}
	if len(d.Options) > MaxOptions {
		wrong("options", "At most %d options are possible.", MaxOptions)
		return
	}
	seen := make(map[string]bool, len(d.Options))
	for i, o := range d.Options {
		if !ValidID(o.ID) {
			wrong(Member(Item("options", i), "id"), "%s", idRule)
		}
		if seen[o.ID] {
			wrong(Member(Item("options", i), "id"), "The option %q is named twice.", o.ID)
		}
		seen[o.ID] = true
		if msg := titleFault(o.Title); msg != "" {
			wrong(Member(Item("options", i), "title"), "%s", msg)
		}
	}
}

func (d Definition) checkRules(wrong func(field, format string, args ...any)) {
	m, ok := tally.ByName(d.Method)
	if !ok {
		wrong("method", "The method %q is not available here; choose one of %s.", d.Method, strings.Join(tally.Names(), ", "))
		return
	}
	d.checkCounts(wrong)
	if m.Form == tally.Scores && (d.MaxScore < 1 || d.MaxScore > MaxScore) {
		wrong("max_score", "It must be between 1 and %d.", MaxScore)
	}
	if m.Form != tally.Scores && d.MaxScore != 0 {
		wrong("max_score", "The method %s does not use scores; leave it out.", d.Method)
	}
	d.checkCounting(m, wrong)
	if d.Revote > RevoteUntilClose {
		wrong("revote", "Use never or until_close.")
	}
	if d.Results > ResultsAfterClose {
		wrong("results", "Use live or after_close.")
	}
	if d.Secrecy > Open {
		wrong("secrecy", "Use secret or open.")
	}
	d.checkDisclosure(wrong)
	d.checkPresentation(wrong)
	if d.Eligibility > OnRoll {
		wrong("eligibility", "Use anyone or roll.")
	}
	if d.Quorum > MaxRecords {
		wrong("quorum", "It is a number of voters, at most %d.", uint64(MaxRecords))
	}
}

// checkCounts checks how many options a ballot may name. If options are missing, it
// reports only that, not the counts that follow from it.
func (d Definition) checkCounts(wrong func(field, format string, args ...any)) {
	most := d.MaxSelections
	switch {
	case len(d.Options) < 2:
		most = max(most, 1)
	case most < 1 || most > len(d.Options):
		wrong("max_selections", "It must be between 1 and the number of options.")
		most = len(d.Options)
	}
	if d.MinSelections < 0 || d.MinSelections > most {
		wrong("min_selections", "It must be between 0 and max_selections.")
	}
}

const idRule = "Use 1 to 64 letters, digits, '.', '_', '~' or '-', beginning with a letter or digit."

// ValidID reports whether s can be the id of a poll or an option.
func ValidID(s string) bool {
	if s == "" || len(s) > MaxIDBytes {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._~-", rune(c))) {
			return false
		}
	}
	return true
}

func titleFault(s string) string {
	switch {
	case len(s) > MaxTitleBytes:
		return fmt.Sprintf("A title has at most %d bytes.", MaxTitleBytes)
	case !utf8.ValidString(s):
		return "A title must be valid UTF-8."
	case strings.ContainsFunc(s, unicode.IsControl):
		return "A title must not hold control characters."
	}
	return ""
}

// SamePoll reports whether a and b define the same poll: ids, rules and times.
func SamePoll(a, b Definition) bool {
	return string(a.AppendCanonical(nil)) == string(b.AppendCanonical(nil))
}

// fingerprint differs for definitions that differ.
func (d Definition) fingerprint() Digest { return sha256.Sum256(d.AppendCanonical(nil)) }

// AppendCanonical appends the definition's canonical encoding, the one that
// commands, snapshots and digests share. Its form is fixed: strings are a uvarint
// length and the bytes, numbers are uvarints, in the order of the fields. The settings of
// the count, what is shown, and what people read are there only if they are not the
// default; see counting, disclosing and presenting.
func (d Definition) AppendCanonical(b []byte) []byte {
	b = appendString(b, d.ID)
	b = appendString(b, d.Title)
	b = binary.AppendUvarint(b, uint64(len(d.Options)))
	for _, o := range d.Options {
		b = appendString(b, o.ID)
		b = appendString(b, o.Title)
	}
	b = appendString(b, d.Method)
	for _, n := range []uint64{
		uint64(d.MinSelections), uint64(d.MaxSelections), uint64(d.MaxScore),
		uint64(d.Revote), uint64(d.Results), uint64(d.Secrecy),
		uint64(d.OpensAt), uint64(d.ClosesAt), d.MaxBallots,
	} {
		b = binary.AppendUvarint(b, n)
	}
	eligibility := uint64(d.Eligibility)
	if d.asks() {
		eligibility |= counting
	}
	if d.shows() {
		eligibility |= disclosing
	}
	if d.presents() {
		eligibility |= presenting
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, eligibility), d.Quorum)
	if d.asks() {
		b = d.appendCounting(b)
	}
	if d.shows() {
		b = d.appendDisclosure(b)
	}
	if d.presents() {
		b = d.appendPresentation(b)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
