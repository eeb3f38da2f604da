package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzBallotFile holds that reading a file of ballots ends, that lines and offsets only
// go forward, and that what is taken for a ballot has a voter and a choice.
func FuzzBallotFile(f *testing.F) {
	for _, seed := range []string{
		"voter,selections\nv1,ann;bo\nv2,\n", "\ufeffVoter,Ranking,if_version\nv1,bo;ann=cy,3\n\"v, 2\",\"ann\",x\n", "voter,scores\nv1,ann:5;bo:0\nv2,ann\n",
		"voter,selections,ranking\n", "voter\n", "voter,selections\n\"v1\nv2,ann\n", "voter,selections\nv\"1,ann\nv2,ann\n",
		`{"voter":"v1","selections":["ann"]}` + "\n\n" + `{"voter":"v2","ranking":["ann",["bo","cy"]],"if_version":2}` + "\r\n",
		`{"voter":"v1","scores":{"ann":5}}`, `{"voter":"v1"}` + "\n" + `{"selections":["ann"]}` + "\n[]\nnull", "{", "",
	} {
		f.Add([]byte(seed), seed != "" && seed[0] != '{')
	}
	f.Fuzz(func(t *testing.T, text []byte, csv bool) {
		format := "ndjson"
		if csv {
			format = "csv"
		}
		r, err := newBallotReader("-", format, bytes.NewReader(text))
		if err != nil {
			return
		}
		var line uint64
		var offset int64
		for range len(text) + 1 {
			b, err := r.next()
			var bad *lineError
			switch {
			case errors.As(err, &bad):
				if bad.Line <= line {
					t.Fatalf("line %d is refused after line %d: %v", bad.Line, line, bad)
				}
				line = bad.Line
			case err != nil:
				return // the end, or a file of which nothing more can be read
			case b.Line <= line || b.Offset <= offset || b.Offset > int64(len(text)):
				t.Fatalf("a ballot at line %d, offset %d after line %d, offset %d", b.Line, b.Offset, line, offset)
			case b.Voter == "":
				t.Fatalf("line %d is taken without a voter", b.Line)
			case !csv && b.Ballot.Selections == nil && b.Ballot.Ranking == nil && b.Ballot.Scores == nil:
				t.Fatalf("line %d is taken without a choice", b.Line)
			default:
				line, offset = b.Line, b.Offset
			}
		}
		if _, err := r.next(); !errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes hold more lines than bytes: %v", len(text), err)
		}
	})
}

// FuzzRollFile holds that reading a roll ends, and that every entry has a voter, and in
// CSV a weight.
func FuzzRollFile(f *testing.F) {
	for _, seed := range []string{
		"voter,weight\nv1,3\n\"v2, jr\",1\n", "\ufeffVOTER\nv1\n", "voter,weight\nv1,0\n", "voter,weight\nv1\n", "voter,weight\n,1\n", "v1,3\n",
		"voter\n\"v1\n", "voter,weight\nv1, 4294967296\n", `{"voter":"v1","weight":4}` + "\n\n" + `{"voter":"v2"}`, `{"voter":"v1","wieght":2}`, `{"voter":1}`, "{", "",
	} {
		f.Add([]byte(seed), seed != "" && seed[0] != '{')
	}
	f.Fuzz(func(t *testing.T, text []byte, csv bool) {
		format := "ndjson"
		if csv {
			format = "csv"
		}
		r, err := newRollReader("-", format, bytes.NewReader(text))
		if err != nil {
			return
		}
		for range len(text) + 1 {
			e, err := r.next()
			if err != nil {
				return // the end, or a line that is not an entry, after which nothing is read
			}
			if e.Voter == "" || csv && e.Weight == 0 {
				t.Fatalf("%+v is taken for an entry", e)
			}
		}
		t.Fatalf("%d bytes hold more lines than bytes", len(text))
	})
}
