package profilefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"voted/internal/profile"
	"voted/internal/profilefile/cvr"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// A small file of each kind. The tables below damage them.
const (
	bltFile = `4 2            # candidates, seats
-4
3 1 2 0
2 - 2=3 0
(v7) 3 1 3 0
1 0
0
"Ann"
"Bo" "Cy"
"Di # not a comment"
"Board"
`
	soiFile = `# FILE NAME: board.toi
# TITLE: Board
# DATA TYPE: toi
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 6
# NUMBER UNIQUE ORDERS: 3
# ALTERNATIVE NAME 1: Ann
# ALTERNATIVE NAME 2: Bo
# ALTERNATIVE NAME 3: Cy
3: 1,2
2: {2, 3},1
1: 3
`
	abifFile = `{title: "Board"}
{max_rating: 5}
# the options
=A:[Ann]
=B:[Bo]
=[Cy Lo]:[Cy]
3:A/5>B/2   # a comment
2:"Cy Lo"/4,A/1
1:
`
	ndjsonFile = `{"voter":"v1","ranking":["ann",["bo","cy"]]}
{"ranking":["bo",null,"cy","bo"],"count":3}
{"ranking":[]}
`
	csvFile = `ranking;count
ann>bo=cy;1
bo>_>cy>bo;3
;2
`
	rctabFile = `ballot,Ann,Bo,Cy
1,1,2,2
2,,1,3
3,,,
`
	cvrFile = `{"@type":"CastVoteRecordReport","Version":"1.0.0",
"CVR":[
{"CurrentSnapshotId":"1-round-2","CVRSnapshot":[
  {"@id":"1","Type":"original","CVRContest":[{"ContestId":"k","CVRContestSelection":[
    {"ContestSelectionId":"sa","SelectionPosition":[{"HasIndication":"yes","NumberVotes":1,"Rank":1}]},
    {"ContestSelectionId":"sb","SelectionPosition":[{"HasIndication":"yes","NumberVotes":1,"Rank":3}]}]}]},
  {"@id":"1-round-1","Type":"interpreted","CVRContest":[{"ContestId":"k","CVRContestSelection":[]}]},
  {"@id":"1-round-2","Type":"interpreted","CVRContest":[{"ContestId":"k","CVRContestSelection":[]}]}]},
{"CurrentSnapshotId":"2","CVRSnapshot":[{"@id":"2","Type":"original","CVRContest":[{"ContestId":"k"}]}]}],
"Election":[{"@id":"el","Contest":[{"@id":"k","Name":"Board","ContestSelection":[
  {"@id":"sa","Code":[{"Type":"other","OtherType":"vendor-label","Value":"Ann"}]},
  {"@id":"sb","Code":[{"Type":"other","OtherType":"vendor-label","Value":"Bo"}]}]}]}]}
`
)

func read(t *testing.T, text string, asked Asked) *Found {
	t.Helper()
	found, err := Read(strings.NewReader(text), asked)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return found
}

func TestAFileOfEachKindIsRecognisedAndRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		kind Kind
		form tally.Form
		want string
	}{
		"BLT":     {bltFile, BLT, tally.Ranking, "ann bo cy di-not-a-comment; 3×[[0] [1]] 2×[[] [1 2]] 1×[[2] [0] [2]] 1×[]"},
		"PrefLib": {soiFile, PrefLib, tally.Ranking, "Ann Bo Cy; 3×[[0] [1]] 2×[[1 2] [0]] 1×[[2]]"},
		"ABIF":    {abifFile, ABIF, tally.Scores, "A B cy-lo; 3×[{0 5} {1 2}] 2×[{0 1} {2 4}] 1×[]"},
		"NDJSON":  {ndjsonFile, NDJSON, tally.Ranking, "ann bo cy; 1×[[0] [1 2]] 3×[[1] [] [2] [1]] 1×[]"},
		"CSV":     {csvFile, CSV, tally.Ranking, "ann bo cy; 1×[[0] [1 2]] 3×[[1] [] [2] [1]] 2×[]"},
		"RCTab":   {rctabFile, RCTab, tally.Ranking, "Ann Bo Cy; 1×[[0] [1 2]] 1×[[1] [] [2]] 1×[]"},
		"the CVR that RCTab writes, types without a prefix": {cvrFile, CVR, tally.Ranking, "Ann Bo; 1×[[0] [] [1]] 1×[]"},
	} {
		found := read(t, c.text, Asked{})
		if found.Kind != c.kind || found.Form != c.form {
			t.Errorf("%s: taken for %s with %s", name, found.Kind, FormName(found.Form))
		}
		if got := shown(found.Profile); !strings.EqualFold(got, c.want) {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
	}
}

// shown writes a profile for people.
func shown(p *profile.Profile) string {
	var b strings.Builder
	for i, o := range p.Options {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(o.ID)
	}
	b.WriteByte(';')
	for _, g := range p.Groups {
		var marks any = g.Ranking
		switch p.Form {
		case tally.Choice:
			marks = g.Choice
		case tally.Scores:
			marks = g.Scores
		case tally.Ranking:
		}
		fmt.Fprintf(&b, " %d×%v", g.Weight, marks)
	}
	return b.String()
}

func TestWhatAFileSaysOfTheCountIsKept(t *testing.T) {
	t.Parallel()
	if p := read(t, bltFile, Asked{}); p.Title != "Board" || p.Seats != 2 || len(p.Withdrawn) != 1 || p.Withdrawn[0] != 3 {
		t.Errorf("BLT: %q, %d seats, withdrawn %v", p.Title, p.Seats, p.Withdrawn)
	}
	if p := read(t, abifFile, Asked{}); p.Title != "Board" || p.MaxScore != 5 {
		t.Errorf("ABIF: %q, at most %d points", p.Title, p.MaxScore)
	}
	if p := read(t, cvrFile, Asked{}); p.Title != "Board" || p.Options[1].Title != "Bo" {
		t.Errorf("CVR: %q, options %v", p.Title, p.Options)
	}
	// By a method of rankings, the ranks of a line are read, and by one of scores its scores.
	if p := read(t, "1:A/5>B/2\n", Asked{Form: tally.Ranking, FormTold: true}); p.Groups[0].Ranking[1][0] != 1 {
		t.Errorf("ABIF: %v", p.Groups)
	}
	cat := strings.NewReplacer("toi", "cat", "6\n# NUMBER UNIQUE ORDERS: 3", "5\n# NUMBER CATEGORIES: 3", "3: 1,2", "3: 1,2,{}", "2: {2, 3},1", "2: {2,3},{},1", "1: 3\n", "").Replace(soiFile)
	if p := read(t, cat, Asked{Form: tally.Scores, FormTold: true}); shown(p.Profile) != "Ann Bo Cy; 3×[{0 2} {1 1}] 2×[{0 0} {1 2} {2 2}]" {
		t.Errorf("categories as scores: %s", shown(p.Profile))
	}
	if p := read(t, cat, Asked{}); shown(p.Profile) != "Ann Bo Cy; 3×[[0] [1]] 2×[[1 2] [] [0]]" {
		t.Errorf("categories as ranks: %s", shown(p.Profile))
	}
}

// damage is a file with one thing wrong, and where that should be seen.
type damage struct {
	file, old, new string
	line, column   int
	want           string
}

func TestADamagedFileIsRefusedWithThePlaceOfTheDamage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]damage{
		"BLT: 2^63 as a count":             {bltFile, "3 1 2 0", "9223372036854775808 1 2 0", 3, 1, "more ballots than can be counted"},
		"BLT: no ballots":                  {bltFile, "3 1 2 0", "0.5 1 2 0", 3, 1, "whole number"},
		"BLT: a candidate too high":        {bltFile, "2 - 2=3 0", "2 - 2=5 0", 4, 5, "no candidate"},
		"BLT: a candidate too low":         {bltFile, "3 1 2 0", "3 1 00 0", 3, 5, "no candidate"},
		"BLT: twice at one rank":           {bltFile, "2 - 2=3 0", "2 - 2=2 0", 4, 1, "twice at one rank"},
		"BLT: a name twice":                {bltFile, `"Cy"`, `"Ann"`, 9, 6, "candidates 1 and 3"},
		"BLT: a ballot without its end":    {bltFile, "1 0\n0\n", "1 0\n", 7, 1, "among the ballots"},
		"BLT: no end of a name":            {bltFile, `"Ann"`, `"Ann`, 8, 1, "not closed"},
		"BLT: another withdrawal":          {bltFile, "-4\n", "-4 -4\n", 2, 4, "withdrawn twice"},
		"BLT: too many names":              {bltFile, `"Board"`, `"Ed" "Board"`, 11, 6, "goes on"},
		"BLT: the title is missing":        {bltFile, "\"Board\"\n", "", 10, 0, "ends before the title"},
		"BLT: no seats":                    {bltFile, "4 2 ", "4 0 ", 1, 3, "number of seats"},
		"BLT: too many candidates":         {bltFile, "4 2 ", "99999 2 ", 1, 1, "number of candidates"},
		"PrefLib: a voter too few":         {soiFile, "1: 3\n", "", 11, 0, "6 voters"},
		"PrefLib: an order too few":        {soiFile, "1: 3\n", "1: 2,3\n", 0, 0, ""},
		"PrefLib: cut in a tie":            {soiFile, "2: {2, 3},1\n1: 3\n", "2: {2, 3", 11, 9, "not closed"},
		"PrefLib: a tie in soi":            {soiFile, "TYPE: toi", "TYPE: soi", 11, 11, "has none"},
		"PrefLib: not complete":            {soiFile, "TYPE: toi", "TYPE: toc", 10, 7, "all in each order"},
		"PrefLib: an option twice":         {soiFile, "3: 1,2", "3: 1,1", 10, 6, "twice"},
		"PrefLib: no such option":          {soiFile, "3: 1,2", "3: 1,4", 10, 6, "no such option"},
		"PrefLib: 2^63 as a count":         {soiFile, "3: 1,2", "9223372036854775808: 1,2", 10, 1, "more ballots"},
		"PrefLib: a name twice":            {soiFile, "3: Cy", "3: Ann", 9, 23, "options 1 and 3"},
		"PrefLib: a line of heading twice": {soiFile, "# TITLE: Board", "# DATA TYPE: toi", 3, 14, "twice"},
		"PrefLib: matching data":           {soiFile, "TYPE: toi", "TYPE: wmd", 3, 14, "cannot be counted"},
		"PrefLib: no name":                 {soiFile, "# ALTERNATIVE NAME 3: Cy\n", "", 9, 0, "2 options of 3"},
		"ABIF: an unknown option":          {abifFile, "3:A/5>B/2", "3:A/5>X/2", 7, 7, "no line of its own"},
		"ABIF: an option named twice":      {abifFile, "=B:[Bo]", "=A:[Bo]", 5, 2, "named twice"},
		"ABIF: an option twice":            {abifFile, "3:A/5>B/2", "3:A/5>A/2", 7, 3, "twice"},
		"ABIF: too many points":            {abifFile, "A/5>", "A/6>", 7, 3, "max_rating is 5"},
		"ABIF: 2^63 as a count":            {abifFile, "3:A", "9223372036854775808:A", 7, 1, "more ballots"},
		"ABIF: no end of a name":           {abifFile, `"Cy Lo"/4`, `"Cy Lo/4`, 8, 3, "close it"},
		"ABIF: another line":               {abifFile, "1:\n", "one: A\n", 9, 1, "no count of ballots"},
		"ABIF: an unknown type":            {abifFile, "{max_rating: 5}", "{ballot_type: dice}", 2, 14, "ballot_type"},
		"NDJSON: cut":                      {ndjsonFile, `"bo"],"count":3}`, `"bo"],"coun`, 2, 0, "whole copy"},
		"NDJSON: 2^63 as a count":          {ndjsonFile, `"count":3`, `"count":9223372036854775808`, 2, 0, "more ballots"},
		"NDJSON: no ballots":               {ndjsonFile, `"count":3`, `"count":0`, 2, 0, "0 times"},
		"NDJSON: a misspelt name":          {ndjsonFile, `"count"`, `"coutn"`, 2, 0, "not known"},
		"NDJSON: a name twice":             {ndjsonFile, `"count":3`, `"count":3,"count":3`, 2, 0, "twice"},
		"NDJSON: another kind of ballot":   {ndjsonFile, `{"ranking":[]}`, `{"selections":[]}`, 3, 0, "one kind"},
		"NDJSON: no option's id":           {ndjsonFile, `"cy","bo"`, `"c y","bo"`, 2, 0, "no id"},
		"NDJSON: a voter twice":            {ndjsonFile, `{"ranking":[]}`, `{"voter":"v1","ranking":[]}`, 3, 0, "line 1 too"},
		"NDJSON: a version":                {ndjsonFile, `"count":3`, `"if_version":3`, 2, 0, "last ballot"},
		"NDJSON: two on a line":            {ndjsonFile, `"count":3}`, `"count":3}{}`, 2, 0, "one a line"},
		"NDJSON: a number for an option":   {ndjsonFile, `null`, `7`, 2, 0, "id of an option"},
		"CSV: 2^63 as a count":             {csvFile, "cy>bo;3", "cy>bo;9223372036854775808", 3, 12, "more ballots"},
		"CSV: no option":                   {csvFile, "ann>bo=cy", "ann>>cy", 2, 5, "missing"},
		"CSV: a column too few":            {csvFile, "ann>bo=cy;1", "ann>bo=cy", 2, 0, "fewer columns"},
		"CSV: weights":                     {csvFile, "ranking;count", "ranking;weight", 1, 0, "exports only"},
		"CSV: two kinds of ballots":        {csvFile, "ranking;count", "ranking;scores", 1, 0, "one kind"},
		"CSV: a title twice":               {csvFile, "ranking;count", "ranking;ranking", 1, 0, "twice"},
		"RCTab: no rank":                   {rctabFile, "2,,1,3", "2,,x,3", 3, 4, "no rank"},
		"RCTab: the rank 0":                {rctabFile, "2,,1,3", "2,,0,3", 3, 4, "no rank"},
		"RCTab: a rank of 2^31":            {rctabFile, "2,,1,3", "2,,2147483648,3", 3, 4, "no rank"},
		"RCTab: an option twice":           {rctabFile, "Ann,Bo", "Bo,Bo", 1, 0, "twice"},
		"CVR: cut":                         {cvrFile, `"Value":"Bo"}]}]}]}]}` + "\n", `"Val`, 12, 0, "in the middle"},
		"CVR: more behind it":              {cvrFile, `"Bo"}]}]}]}]}`, `"Bo"}]}]}]}]}{}`, 12, 0, "behind"},
		"CVR: another version":             {cvrFile, `"1.0.0"`, `"2.0.0"`, 12, 0, "version"},
		"CVR: another report":              {cvrFile, `"CastVoteRecordReport"`, `"ElectionReport"`, 12, 0, "type of the report"},
		"CVR: no such snapshot":            {cvrFile, `{"CurrentSnapshotId":"2"`, `{"CurrentSnapshotId":"3"`, 9, 0, "no snapshot"},
		"CVR: an unknown selection":        {cvrFile, `"ContestSelectionId":"sb"`, `"ContestSelectionId":"sx"`, 6, 0, "no such selection"},
		"CVR: a selection twice":           {cvrFile, `{"@id":"sb"`, `{"@id":"sa"`, 12, 0, "twice"},
		"CVR: a rank of 2^31":              {cvrFile, `"Rank":3`, `"Rank":2147483648`, 6, 0, "whole number from 1"},
		"CVR: a name twice":                {cvrFile, `"Version":"1.0.0",`, `"Version":"1.0.0","Version":"1.0.0",`, 1, 0, "twice"},
	} {
		if !strings.Contains(c.file, c.old) {
			t.Errorf("%s: nothing is damaged", name)
			continue
		}
		whole := read(t, c.file, Asked{})
		_, err := Read(strings.NewReader(strings.Replace(c.file, c.old, c.new, 1)), Asked{Kind: whole.Kind})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var fault *textfile.Fault
		if !errors.As(err, &fault) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if fault.Line != c.line || c.column > 0 && fault.Column != c.column || !strings.Contains(fault.Detail, c.want) {
			t.Errorf("%s: got %v, want line %d, column %d: …%s…", name, err, c.line, c.column, c.want)
		}
	}
}

func TestAFileThatIsCutShortAnywhereIsRefusedOrEndsAtALine(t *testing.T) {
	t.Parallel()
	for _, file := range []string{bltFile, soiFile, cvrFile} {
		kind := read(t, file, Asked{}).Kind
		for end := range len(strings.TrimRight(file, "\n}\"]")) {
			if found, err := Read(strings.NewReader(file[:end]), Asked{Kind: kind}); err == nil {
				t.Fatalf("%s: cut at %d of %d, it is read as %s", kind, end, len(file), shown(found.Profile))
			}
		}
	}
}

func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	files := map[Kind]string{BLT: bltFile, PrefLib: soiFile, ABIF: abifFile, NDJSON: ndjsonFile, CSV: csvFile, RCTab: rctabFile, CVR: cvrFile}
	for kind, file := range files {
		for _, other := range Kinds {
			if _, err := Read(strings.NewReader(file), Asked{Kind: other}); (err == nil) != (other == kind) {
				t.Errorf("a file of %s, read as %s: %v", kind, other, err)
			}
		}
	}
	for _, text := range []string{"", "\n\n", "hello\n", `{"poll":{"id":"lunch"}}`, `{"id":"lunch","options":["a","b"]}`, "[1,2]", "<xml/>", "# only a comment\n"} {
		var unknown *UnknownKindError
		if _, err := Read(strings.NewReader(text), Asked{}); !errors.As(err, &unknown) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOtherBallotsThanTheMethodCountsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file string
		form tally.Form
	}{{bltFile, tally.Scores}, {soiFile, tally.Choice}, {ndjsonFile, tally.Choice}, {csvFile, tally.Scores}, {cvrFile, tally.Choice}, {rctabFile, tally.Choice}, {"1:A>B\n", tally.Scores}, {"1:A>B\n", tally.Choice}, {"1:A/5,B/4\n", tally.Ranking}} {
		if found, err := Read(strings.NewReader(c.file), Asked{Form: c.form, FormTold: true}); err == nil {
			t.Errorf("as %s: %s", FormName(c.form), shown(found.Profile))
		}
	}
}

func TestAReportOfSeveralContestsNeedsTheNameOfOne(t *testing.T) {
	t.Parallel()
	two := strings.Replace(cvrFile, `"Contest":[`, `"Contest":[{"@id":"j","Name":"Judge","ContestSelection":[{"@id":"sj"}]},`, 1)
	var several *cvr.ContestsError
	if _, err := Read(strings.NewReader(two), Asked{}); !errors.As(err, &several) || len(several.Contests) != 2 {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"k", "Board"} {
		if p := read(t, two, Asked{Contest: name}); len(p.Options) != 2 {
			t.Errorf("%s: %v", name, p.Options)
		}
	}
}

func TestOptionsOfADefinitionAreFoundByIDAndTitle(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "c", Title: "Cy"}, {ID: "ann", Title: "Ann Lee"}, {ID: "b", Title: "Bo"}, {ID: "d", Title: "Di"}}
	text := strings.Replace(soiFile, "1: Ann", "1: Ann Lee", 1)
	if p := read(t, text, Asked{Options: options}); shown(p.Profile) != "c ann b d; 3×[[1] [2]] 2×[[0 2] [1]] 1×[[0]]" {
		t.Errorf("got %s", shown(p.Profile))
	}
	if _, err := Read(strings.NewReader(text), Asked{Options: options[1:]}); err == nil || !strings.Contains(err.Error(), `"Cy"`) {
		t.Errorf("an option that the definition lacks: %v", err)
	}
	if _, err := Read(strings.NewReader(ndjsonFile), Asked{Options: options[1:]}); err == nil || !strings.Contains(err.Error(), `line 1`) {
		t.Errorf("an option that the definition lacks: %v", err)
	}
}

func TestATextFileIsReadInItsEncoding(t *testing.T) {
	t.Parallel()
	latin, err := textfile.Named("latin1")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.ReplaceAll(bltFile, "Bo", "Zo\xeb"))
	if _, err := Read(bytes.NewReader(text), Asked{}); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("read as UTF-8: %v", err)
	}
	found, err := Read(bytes.NewReader(text), Asked{Encoding: &latin})
	if err != nil || found.Options[1].Title != "Zoë" {
		t.Fatalf("%v: %v", err, found)
	}
	wide := []byte{0xff, 0xfe}
	for _, c := range []byte(soiFile) {
		wide = append(wide, c, 0)
	}
	if found, err := Read(bytes.NewReader(wide), Asked{}); err != nil || found.Encoding != "utf-16le" || found.Kind != PrefLib {
		t.Fatalf("UTF-16: %v, %v", err, found)
	}
}
