package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/ballotfile"
	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// fileOf opens a file of ballots as the command line does.
func fileOf(t testing.TB, text string, table bool) ballotfile.Reader {
	t.Helper()
	lines, err := textfile.NewLines(strings.NewReader(text), nil, ballotfile.MaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	if table {
		return ballotfile.NewCSV(lines, "", 0)
	}
	return ballotfile.NewNDJSON(lines)
}

// someMarks draws what a voter may put on a ballot of a poll.
func someMarks(t *rapid.T, rules *poll.Rules) poll.Marks {
	var ids []string
	for _, o := range rules.Options {
		ids = append(ids, o.ID)
	}
	ids = rapid.Permutation(ids).Draw(t, "options")
	ids = ids[:rapid.IntRange(rules.MinSelections, rules.MaxSelections).Draw(t, "named")]
	var m poll.Marks
	switch rules.Form() {
	case tally.Choice:
		m.Selections = ids
	case tally.Ranking:
		method, _ := tally.ByName(rules.Method)
		for i, id := range ids {
			if i > 0 && method.Ties && rapid.Bool().Draw(t, "tied") {
				m.Ranking[len(m.Ranking)-1] = append(m.Ranking[len(m.Ranking)-1], id)
				continue
			}
			m.Ranking = append(m.Ranking, []string{id})
		}
	case tally.Scores:
		for _, id := range ids {
			m.Scores = append(m.Scores, poll.Score{Option: id, Points: rapid.IntRange(0, rules.MaxScore).Draw(t, "points")})
		}
	}
	return m
}

// Whatever a poll holds, of each method, open or secret: what an export writes is read as
// the same ballots of the same voters, and nothing of it is refused.
func TestWhatAnExportWritesAnImportReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := poll.NewState()
		definition := poll.Definition{
			ID: "p", Method: rapid.SampledFrom(tally.Names()).Draw(rt, "method"), Secrecy: rapid.SampledFrom([]poll.Secrecy{poll.Secret, poll.Open}).Draw(rt, "secrecy"),
			Options: []poll.Option{{ID: "a"}, {ID: "b.~_-0"}, {ID: "C"}, {ID: "d"}},
		}.WithDefaults()
		definition.MinSelections = 0
		s.Begin(poll.Stamp{Index: 1})
		if r := s.Do(poll.Create{Definition: definition}); r.Err != nil {
			rt.Fatal(r.Err)
		}
		s.End()
		rules := s.Rules("p")
		want := map[string]string{} // canonical selections by voter
		s.Begin(poll.Stamp{Index: 2})
		for _, voter := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"v", "Zoë", `a "b", c`, "=1+1", "x;y|z", "'q", "a>b=c:5", "日本"}), rapid.ID[string]).Draw(rt, "voters") {
			selections, faults := rules.Encode(someMarks(rt, rules))
			if faults != nil {
				rt.Fatal(faults)
			}
			ballot := poll.Ballot{Poll: "p", Key: rules.Key(voter), Selections: selections}
			if rules.Secrecy == poll.Open {
				ballot.Voter = voter
				want[voter] = string(selections)
			} else {
				want[ballot.Key.String()] = string(selections)
			}
			if o := s.Cast(s.Find("p"), &ballot); o.Kind != poll.Counted {
				rt.Fatalf("%+v", o)
			}
		}
		s.End()
		for _, table := range []bool{true, false} {
			capture, _, refused := s.Capture("p")
			if refused != nil {
				rt.Fatal(refused)
			}
			var out bytes.Buffer
			e := newExporter(&capture)
			write := e.writeNDJSON
			if table {
				write = e.writeCSV
			}
			if err := write(t.Context(), &out, &capture); err != nil {
				rt.Fatal(err)
			}
			got := readBack(rt, t, rules, out.String(), table)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				rt.Fatalf("%s\nis read as %q, want %q", out.String(), got, want)
			}
		}
	})
}

// readBack reads an export as a file of ballots.
func readBack(rt *rapid.T, t *testing.T, rules *poll.Rules, text string, table bool) map[string]string {
	r := fileOf(t, text, table)
	if err := r.Begin(); err != nil {
		rt.Fatalf("%s\n%v", text, err)
	}
	got := map[string]string{}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			rt.Fatalf("%s\n%v", text, err)
		}
		read := ballotjson.Ballot{Marks: b.Marks, Field: b.Field}
		selections, faults := read.Encode(rules)
		if faults != nil {
			rt.Fatalf("%s\n%v", text, faults)
		}
		got[b.Voter] = string(selections)
	}
	if len(got) > 0 && r.Keyed() != (rules.Secrecy == poll.Secret) {
		rt.Fatalf("%s\nis keyed: %v", text, r.Keyed())
	}
	return got
}

// FuzzLineOfAFile compares the two readers of a line of ballots, that of the bulk route
// and that of files: except for lines of exports they accept the same lines, as the same
// ballots.
func FuzzLineOfAFile(f *testing.F) {
	all := plainRules(f)
	for _, seed := range append(slices.Clone(plainSeeds), `{"voter":"z","selections":["ann"],"if_verison":1}`, `{"ballot":1,"voter":"v","selections":["ann"],"version":1}`, `{"voter":"Zoe\u0308","selections":["ann"]}`, `{"voter":" v","selections":["ann"]}`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\r\n") || textfile.Blank(line) || len(line) > ballotfile.MaxLineBytes {
			return
		}
		lines, err := textfile.NewLines(bytes.NewReader(line), &textfile.UTF8, ballotfile.MaxLineBytes)
		if err != nil {
			return // an archive, or the like
		}
		file := ballotfile.NewNDJSON(lines)
		b, fileErr := file.Next()
		if len(file.Ignored()) > 0 || file.Keyed() {
			return // a line of an export
		}
		for _, rules := range all {
			g := newGatherer(rules)
			d := ballotjson.Get()
			c := &chunk{}
			refused := g.ballot(c, d, textfile.TrimMark(line))
			d.Release()
			if refused != nil && refused.Code == refusal.InvalidBallot {
				continue // of a poll that asks for other ballots
			}
			if (refused == nil) != (fileErr == nil) {
				t.Fatalf("%q: the route says %v, the file %v", line, refused, fileErr)
			}
			if refused != nil {
				continue
			}
			read := ballotjson.Ballot{Marks: b.Marks, Field: b.Field}
			selections, faults := read.Encode(rules)
			got := c.ballots[0]
			if faults != nil || !bytes.Equal(got.Selections, selections) || got.Key != rules.Key(b.Voter) || got.IfVersion != b.IfVersion {
				t.Fatalf("%q: the route reads %+v, the file %+v", line, got, b)
			}
		}
	})
}
