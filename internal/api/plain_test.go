package api

import (
	"bytes"
	"testing"

	"voted/internal/ballotjson"
	"voted/internal/poll"
)

// plainRules are the rules that plain ballots are read against in these tests, one
// for each form.
func plainRules(t testing.TB) []*poll.Rules {
	t.Helper()
	s := poll.NewState()
	options := []poll.Option{{ID: "ann"}, {ID: "bo"}, {ID: "cy"}}
	var all []*poll.Rules
	for i, d := range []poll.Definition{
		{ID: "one"}, {ID: "some", Method: "approval", MinSelections: 0}, {ID: "ranked", Method: "irv", MinSelections: 1}, {ID: "scored", Method: "score", MinSelections: 1},
	} {
		d.Options = options
		s.Begin(poll.Stamp{Index: uint64(i + 1)})
		if r := s.Do(poll.Create{Definition: d.WithDefaults()}); r.Err != nil {
			t.Fatal(r.Err)
		}
		s.End()
		all = append(all, s.Rules(d.ID))
	}
	return all
}

var plainSeeds = []string{
	`{"selections":["ann"]}`, `{"voter":"v-1","selections":["ann"]}`, `{"selections":["cy","ann"],"voter":"x y","if_version":7}`,
	` { "voter" : "v" , "ranking" : [ "bo" , "ann" ] } `, `{"voter":"v","scores":{"ann":5,"bo":0}}`, `{"voter":"v","selections":[]}`,
	`{"voter":"v","selections":["ann","ann"]}`, `{"voter":"v","selections":["an\u006e"]}`, `{"voter":"é","selections":["ann"]}`,
	`{"voter":"v","voter":"w","selections":["ann"]}`, `{"voter":"v","selections":["ann"],}`, `{"voter":"v","selections":["ann",]}`,
	`{"voter":"v","scores":{"ann":05}}`, `{"voter":"v","scores":{"ann":5.0}}`, `{"voter":"v","scores":{"ann":5e0}}`, `{"voter":"v","scores":{"ann":-0}}`,
	`{"voter":"v","selections":["ann"]}{}`, `{"voter":".","selections":["ann"]}`, `{"voter":"","selections":["ann"]}`, `{"voter":"v","if_version":0,"selections":["ann"]}`,
	`{"voter":"v","ranking":[["ann","bo"],"cy"]}`, `{"voter":"v","selections":["ann"],"x":1}`, `["ann"]`, `{}`, ``, `{"voter":"v","if_version":12345678901,"selections":["ann"]}`,
}

// agree fails where the quick reader takes a ballot that the strict one refuses, or
// reads something else in it.
func agree(t *testing.T, rules *poll.Rules, data []byte, bulk bool) (quick bool) {
	t.Helper()
	var s plainBallot
	before := []byte("kept")
	p, ok := s.scan(data, rules, bulk, before)
	if !ok {
		return false
	}
	d := ballotjson.Get()
	defer d.Release()
	b, err := d.Decode(data, bulk)
	if err != nil {
		t.Fatalf("%q: read as a plain ballot, refused by the strict reader: %v", data, err)
	}
	want, faults := b.Encode(rules)
	if faults != nil {
		t.Fatalf("%q: read as a plain ballot of %s, but it breaks the rules: %v", data, rules.ID, faults)
	}
	if got := bytes.TrimPrefix(p.selections, before); !bytes.Equal(got, want) || string(p.voter) != b.Voter || p.ifVersion != b.IfVersion {
		t.Fatalf("%q: read as %x by %q replacing %d, the strict reader says %x by %q replacing %d", data, got, p.voter, p.ifVersion, want, b.Voter, b.IfVersion)
	}
	return true
}

func TestPlainBallotsAreReadAsTheStrictReaderReadsThem(t *testing.T) {
	t.Parallel()
	quick := 0
	for _, rules := range plainRules(t) {
		for _, seed := range plainSeeds {
			for _, bulk := range []bool{false, true} {
				if agree(t, rules, []byte(seed), bulk) {
					quick++
				}
			}
		}
	}
	if quick < 8 {
		t.Errorf("only %d of the plain seeds took the quick way", quick)
	}
}

func FuzzPlainBallot(f *testing.F) {
	all := plainRules(f)
	for _, seed := range plainSeeds {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, bulk bool) {
		for _, rules := range all {
			agree(t, rules, data, bulk)
		}
	})
}

func BenchmarkPlainBallot(b *testing.B) {
	rules := plainRules(b)[0]
	line := []byte(`{"voter":"voter-1234567","selections":["bo"]}`)
	var s plainBallot
	arena := make([]byte, 0, 16)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		p, ok := s.scan(line, rules, true, arena)
		if !ok {
			b.Fatal("not plain")
		}
		_ = rules.KeyOfBytes(p.voter)
	}
}
