package ballotfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"voted/internal/textfile"
	"voted/internal/voterid"
)

func open(t testing.TB, text string, table bool) Reader {
	t.Helper()
	lines, err := textfile.NewLines(strings.NewReader(text), &textfile.UTF8, MaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	if table {
		return NewCSV(lines, "", 0)
	}
	return NewNDJSON(lines)
}

// ballots reads a whole file: voter, version and marks of each ballot, or "!" and what is
// wrong.
func ballots(t testing.TB, r Reader) (got []string) {
	t.Helper()
	if err := r.Begin(); err != nil {
		return []string{"!" + err.Error()}
	}
	for {
		b, err := r.Next()
		var f *textfile.Fault
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.As(err, &f):
			got = append(got, "!"+f.Error())
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, fmt.Sprintf("%s %d %s %v", b.Voter, b.IfVersion, b.Field, show(b)))
		}
	}
}

func show(b Ballot) any {
	switch b.Field {
	case "ranking":
		return b.Marks.Ranking
	case "scores":
		return b.Marks.Scores
	}
	return b.Marks.Selections
}

func TestNothingOnALineOfBallotsIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a misspelt name":           {`{"voter":"z1","selections":["a"],"if_verison":1}`, "!line 1: column 34: if_verison: This name is not known here; leave it out, or correct its spelling."},
		"a name twice":              {`{"voter":"z2","selections":["a"],"selections":["b"]}`, "!line 1: column 34: selections: This name stands here twice; keep one."},
		"names in another case":     {`{"VOTER":"z4","SELECTIONS":["a"]}`, "!line 1: column 2: VOTER: This name is not known here; leave it out, or correct its spelling."},
		"a weight":                  {`{"voter":"z5","selections":["a"],"weight":5}`, "!line 1: column 34: weight: This name is not known here; leave it out, or correct its spelling."},
		"two voters":                {`{"voter":"z6","voter":"z7","selections":["a"]}`, "!line 1: column 15: voter: This name stands here twice; keep one."},
		"two objects":               {`{"voter":"z8","selections":["a"]}{"voter":"z9","selections":["a"]}`, "!line 1: column 34: Something follows the object at byte 34; send one object, on one line."},
		"preferences in columns":    {"voter,ranking\nq1,bo,ann,cy\nq2,bo\n", "!line 2: column 7: it has more columns than the first line, which has 2|q2 0 ranking [[bo]]"},
		"columns of one title":      {"voter,ranking,ranking\nq1,bo,ann\n", `!line 1: the title "ranking" stands twice, over the columns 2 and 3; keep one`},
		"columns without titles":    {"voter,ranking,,\nq1,bo,ann,cy\n", "!line 2: column 7: column 3 has a value and no title; give it one in the first line"},
		"a misspelt title":          {"voter,selections,if_verison\nv,a,1\n", `!line 1: the title "if_verison" of column 3 is almost "if_version"; correct it, or take the column out`},
		"a column of weights":       {"voter,selections,weight\nv,a,1\n", `!line 1: the column "weight" would be ignored: weights are on the poll's roll; load them with roll load, and take the column out`},
		"a column of versions":      {"voter,selections,Version\nv,a,1\n", `!line 1: the column "version" would be ignored: the version that a ballot replaces is its if_version; correct the title, or take the column out`},
		"two kinds of ballots":      {"voter,ranking,scores\n", "!line 1: the titles name both ranking and scores; ballots are of one kind"},
		"an option with points, 2×": {"voter,scores\nv,a=1;a=2\n", `!line 2: column 7: the option "a" has points twice; keep one`},
		"a version that is none":    {"voter,if_version,scores\nann,x,a=1\nbo,0,a=1\n", "!line 2: column 5: the version that a ballot replaces is a whole number from 1 on, and empty for a first ballot|!line 3: column 4: the version that a ballot replaces is a whole number from 1 on, and empty for a first ballot"},
		"an option that is missing": {"voter,selections\nv,ann;;bo\n", `!line 2: column 7: an option is missing here; take the ";" out, or write the option`},
		"a ranking among choices":   {"voter,selections\nv,ann>bo\n", "!line 2: column 6: options that are chosen stand apart by semicolons, as in ann;bo"},
		"ranks apart by both signs": {"voter,ranking\nv,ann>bo;cy\n", "!line 2: column 9: ranks stand apart by >, the best first, and tied options by =, as in bo>ann=cy"},
	} {
		if got := strings.Join(ballots(t, open(t, c.text, c.text[0] != '{')), "|"); got != c.want {
			t.Errorf("%s: it reads as\n%s, want\n%s", name, got, c.want)
		}
	}
}

func TestFilesOfBallotsAreReadAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want, ignored string
		keyed               bool
	}{
		"choices":                  {"voter,selections\nv1,ann;bo\nv2,\n", "v1 0 selections [ann bo]|v2 0 selections []", "", false},
		"rankings with ties":       {"Voter\tRanking\nv1\tbo > ann=cy\n", "v1 0 ranking [[bo] [ann cy]]", "", false},
		"rankings by older signs":  {"voter,ranking\nv1,bo;ann=cy\n", "v1 0 ranking [[bo] [ann cy]]", "", false},
		"scores":                   {"voter;scores\nv1;\"ann=5;bo=0\"\n", "v1 0 scores [{ann 5} {bo 0}]", "", false},
		"scores by older signs":    {"voter,scores\nv1,ann:5;bo:0\n", "v1 0 scores [{ann 5} {bo 0}]", "", false},
		"versions":                 {"voter,IF VERSION,selections\nv1,2,ann\nv2,,ann\n", "v1 2 selections [ann]|v2 0 selections [ann]", "", false},
		"further columns":          {"Timestamp;E-Mail;Selections\n1 May;a@x;ann\n", "a@x 0 selections [ann]", "Timestamp", false},
		"objects":                  {"\ufeff" + `{"voter":"v1","ranking":["ann",["bo","cy"]],"if_version":2}` + "\r\n\n" + `{"scores":{"ann":5},"voter":"v2"}`, "v1 2 ranking [[ann] [bo cy]]|v2 0 scores [{ann 5}]", "", false},
		"an open poll's export":    {`{"ballot":1,"voter":"v","selections":["ann"],"version":2,"index":9,"cast_at":"2026-11-28T00:00:00.000Z","weight":3}`, "v 0 selections [ann]", "ballot version index cast_at weight", false},
		"a secret poll's export":   {`{"ballot":1,"voter_key":"c870","selections":["ann"],"version":2}`, "c870 0 selections [ann]", "ballot version", true},
		"the same as CSV":          {"ballot,voter_key,selections,version,weight\n1,c870,ann,2,3\n", "c870 0 selections [ann]", "ballot version weight", true},
		"a decomposed voter":       {"voter,selections\nZoe\u0308,ann\n", "Zoë 0 selections [ann]", "", false},
		"an empty file of objects": {"", "", "", false},
	} {
		r := open(t, c.text, c.text != "" && !strings.Contains(c.text, "{"))
		got := strings.Join(ballots(t, r), "|")
		if got != c.want || strings.Join(r.Ignored(), " ") != c.ignored || r.Keyed() != c.keyed {
			t.Errorf("%s: it reads as\n%s, want\n%s\nignored %q, keyed %v", name, got, c.want, r.Ignored(), r.Keyed())
		}
	}
}

// FuzzBallotFile checks that reading a file of ballots ends, that lines only go forward,
// and that what is taken for a ballot has a voter and a choice.
func FuzzBallotFile(f *testing.F) {
	for _, seed := range []string{
		"voter,selections\nv1,ann;bo\nv2,\n", "\ufeffVoter,Ranking,if_version\nv1,bo>ann=cy,3\n\"v, 2\",\"ann\",x\n", "voter;scores\nv1;\"ann=5;bo=0\"\nv2;ann\n",
		"voter,selections,ranking\n", "voter\n", "voter,selections\n\"v1\nv2,ann\n", "voter,selections\nv\"1,ann\nv2,ann\n",
		`{"voter":"v1","selections":["ann"]}` + "\n\n" + `{"voter":"v2","ranking":["ann",["bo","cy"]],"if_version":2}` + "\r\n",
		`{"voter":"v1","scores":{"ann":5}}`, `{"voter":"v1"}` + "\n" + `{"selections":["ann"]}` + "\n[]\nnull", "{", "", "\xff\xfe\x00\x00v",
	} {
		f.Add([]byte(seed), seed != "" && seed[0] != '{')
	}
	f.Fuzz(func(t *testing.T, text []byte, table bool) {
		if _, err := textfile.NewLines(bytes.NewReader(text), &textfile.UTF8, MaxLineBytes); err != nil {
			return // no text at all
		}
		r := open(t, string(text), table)
		if r.Begin() != nil {
			return
		}
		line := 0
		for range len(text) + 1 {
			b, err := r.Next()
			var fault *textfile.Fault
			switch {
			case errors.As(err, &fault):
				b.Line = fault.Line
			case err != nil:
				return // the end
			default:
				if _, wrong := voterid.Canonical(b.Voter); wrong != nil || !slices.Contains([]string{"selections", "ranking", "scores"}, b.Field) {
					t.Fatalf("%q is taken as %+v", text, b)
				}
			}
			if b.Line <= line {
				t.Fatalf("line %d comes after line %d", b.Line, line)
			}
			line = b.Line
		}
		t.Fatalf("%d bytes hold more lines than bytes", len(text))
	})
}
