package profilefile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Kind is a format of files.
type Kind string

// The kinds.
const (
	NDJSON  Kind = "ndjson"
	CSV     Kind = "csv"
	BLT     Kind = "blt"
	PrefLib Kind = "preflib"
	ABIF    Kind = "abif"
	CVR     Kind = "cvr"
	RCTab   Kind = "rctab-csv"
)

// Kinds are all kinds, in the order to show them.
var Kinds = []Kind{NDJSON, CSV, BLT, PrefLib, ABIF, CVR, RCTab}

// Names lists the names of all kinds.
func Names() []string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return names
}

// titles are the kinds for people.
var titles = map[Kind]string{
	NDJSON: "NDJSON", CSV: "CSV", BLT: "BLT", PrefLib: "PrefLib", ABIF: "ABIF", CVR: "NIST cast vote records", RCTab: "RCTab's CSV",
}

// String is the kind for people.
func (k Kind) String() string { return titles[k] }

var (
	prefLibLine = regexp.MustCompile(`^# ?[A-Z][A-Z ]*[0-9 ]*:`)
	bltLine     = regexp.MustCompile(`^[0-9]+[ \t]+[0-9]+[ \t]*(#.*)?$`)
	abifFact    = regexp.MustCompile(`^\{[ \t]*['"]?[A-Za-z_0-9 ]+['"]?[ \t]*:.*\}[ \t]*(#.*)?$`)
	abifBallot  = regexp.MustCompile(`^[0-9]+[ \t]*:`)
	ballotName  = regexp.MustCompile(`"(voter|voter_key|selections|ranking|scores|ballot|count|version|weight|index|cast_at)"[ \t]*:`)
	twoMembers  = regexp.MustCompile(`"[ \t]*:.*[,{][ \t]*"[^"]*"[ \t]*:`) // JSON with more than one name
	ranksOnly   = regexp.MustCompile(`^[0-9 \t,;|"]*$`)
)

// Find finds the kind of a file by its beginning, in UTF-8: whole lines, and perhaps the
// beginning of another one. ok is false if it is none that is known.
func Find(beginning []byte) (k Kind, ok bool) {
	text := strings.TrimPrefix(string(beginning), "\uFEFF")
	if strings.HasPrefix(strings.TrimSpace(text), "{") && report(beginning) {
		return CVR, true
	}
	var first, second string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case first == "" && prefLibLine.MatchString(line):
			return PrefLib, true
		case line[0] == '#':
			continue
		case first == "":
			first = line
			continue
		}
		if second == "" {
			second = line
		}
	}
	switch {
	case first == "":
		return "", false
	case first[0] == '{' && ballotName.MatchString(first):
		return NDJSON, true
	case first[0] == '{' && twoMembers.MatchString(first):
		return "", false
	case first[0] == '=' || abifFact.MatchString(first) || abifBallot.MatchString(first):
		return ABIF, true
	case bltLine.MatchString(first):
		return BLT, true
	case first[0] == '{' || first[0] == '[' || !strings.ContainsAny(first, ",;\t|") && !ballotTitle(first):
		return "", false
	case !ballotTitle(first) && (second == "" || ranksOnly.MatchString(second)):
		return RCTab, true
	}
	return CSV, true
}

// report reports whether a beginning of JSON is that of a report of cast vote records.
func report(beginning []byte) bool {
	for _, sign := range []string{"CastVoteRecordReport", `"CVRSnapshot"`, `"ReportGeneratingDeviceIds"`, `"GpUnit"`} {
		if bytes.Contains(beginning, []byte(sign)) {
			return true
		}
	}
	return false
}

// ballotTitle reports whether a line of titles has one for ballots.
func ballotTitle(line string) bool {
	titles := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return strings.ContainsRune(",;\t|\" ", r) })
	return slices.ContainsFunc(titles, func(title string) bool {
		return title == "selections" || title == "ranking" || title == "scores"
	})
}
