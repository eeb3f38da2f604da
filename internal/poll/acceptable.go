package poll

import (
	"fmt"
	"strings"
	"unicode"

	"voted/internal/refusal"
)

// LatestTime is the last time that a poll may be given, 9999-12-31T23:59:59.999Z in
// milliseconds since the Unix epoch: RFC 3339 cannot write a later one.
const LatestTime int64 = 253402300799999

const timeRule = "It must lie after 1970-01-01T00:00:00Z and not after 9999-12-31T23:59:59.999Z, in UTC."

// Acceptable returns every reason why a node must not propose the definition, nil if
// there is none. It is stricter than Validate, by which members judge the log: these
// rules depend on tables that grow with Unicode, or are younger than the first logs, so
// members could disagree about them.
func (d Definition) Acceptable() []refusal.FieldError {
	errs := d.Validate()
	wrong := func(field, format string, args ...any) {
		errs = append(errs, refusal.FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	if rule := TitleRule(d.Title); rule != "" && titleFault(d.Title) == "" {
		wrong("title", "%s", rule)
	}
	for i, o := range d.Options[:min(len(d.Options), MaxOptions)] {
		if rule := TitleRule(o.Title); rule != "" && titleFault(o.Title) == "" {
			wrong(Member(Item("options", i), "title"), "%s", rule)
		}
	}
	for _, t := range d.texts() {
		if rule := t.rule(); rule != "" && t.fault() == "" {
			wrong(t.field, "%s", rule)
		}
	}
	for _, t := range d.times() {
		if t.ms > LatestTime && t.ms <= maxTime {
			wrong(t.field, "%s", timeRule)
		}
	}
	if d.MaxBallots > MaxRecords {
		wrong("max_ballots", "It is a number of voters, at most %d; 0 or left out, there is no limit.", uint64(MaxRecords))
	}
	if d.Secrecy == Secret && d.Disclosure == DiscloseBallots && d.Receipts == ReceiptsCounted {
		wrong("receipt", "With the disclosure ballots, whoever may read exports finds the choice to the number on a receipt; use opened, or disclose the profile.")
	}
	if d.MaxBallots > 0 && d.Quorum > d.MaxBallots {
		wrong("quorum", "It can never be met: the poll takes the ballots of %d voters at most.", d.MaxBallots)
	}
	return errs
}

// TitleRule returns the rule that the title s breaks, "" if none. A title must not hold
// invisible characters: they hide text, reverse the rest of a line, or make two titles
// look the same.
func TitleRule(s string) string {
	if fault := titleFault(s); fault != "" {
		return fault
	}
	if at := strings.IndexFunc(s, unseen); at >= 0 {
		for _, r := range s[at:] {
			return fmt.Sprintf("A title must not hold characters that cannot be seen; take out U+%04X at byte %d.", r, at+1)
		}
	}
	return ""
}

// unseen reports whether a character has no shape of its own: Unicode's format characters
// (zero width, direction) and separators of lines and paragraphs.
func unseen(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }

// TimeRule returns the rule that a time, in milliseconds since the Unix epoch, breaks, ""
// if none. 0 stands for no time.
func TimeRule(ms int64) string {
	if ms < 0 || ms > LatestTime {
		return timeRule
	}
	return ""
}
