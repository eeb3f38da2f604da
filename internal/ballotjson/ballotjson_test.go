package ballotjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
)

func TestABallotIsTakenAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Ballot
	}{
		{`{"voter":"v","selections":[]}`, Ballot{Voter: "v", Field: "selections", Marks: poll.Marks{Selections: []string{}}}},
		{`{"voter":"v","selections":["a","b"]}`, Ballot{Voter: "v", Field: "selections", Marks: poll.Marks{Selections: []string{"a", "b"}}}},
		{` {"if_version" : 3 , "ranking":["a",["b","c"]],"voter":"\u0076"} `, Ballot{Voter: "v", IfVersion: 3, Field: "ranking", Marks: poll.Marks{Ranking: [][]string{{"a"}, {"b", "c"}}}}},
		{`{"voter":"v","scores":{"a":0,"b":-5}}`, Ballot{Voter: "v", Field: "scores", Marks: poll.Marks{Scores: []poll.Score{{Option: "a"}, {Option: "b", Points: -5}}}}},
	} {
		d := Get()
		got, err := d.Decode([]byte(c.text), true)
		d.Release()
		if err != nil || got.Voter != c.want.Voter || got.Field != c.want.Field || got.IfVersion != c.want.IfVersion ||
			!slices.Equal(got.Marks.Selections, c.want.Marks.Selections) || !slices.Equal(got.Marks.Scores, c.want.Marks.Scores) ||
			!slices.EqualFunc(got.Marks.Ranking, c.want.Marks.Ranking, slices.Equal) {
			t.Errorf("%s: %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
}

func TestABallotOfAnotherShapeIsRefusedWithItsFieldAndItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, field string
		at          int // of the member, or of the fault in the text
	}{
		{``, "", 0},
		{`[]`, "", 0},
		{`{}`, "selections", 0},
		{`{"selections":["a"]}`, "voter", 0},
		{`{"voter":"v","selections":"a"}`, "selections", 12},
		{`{"voter":"v","selections":["a",5]}`, "selections[1]", 12},
		{`{"voter":"v","ranking":["a",["b",null]]}`, "ranking[1][1]", 12},
		{`{"voter":"v","ranking":["a",{}]}`, "ranking[1]", 12},
		{`{"voter":"v","scores":{"a":1.5}}`, `scores["a"]`, 12},
		{`{"voter":"v","scores":{"a":"1"}}`, `scores["a"]`, 12},
		{`{"voter":"v","scores":{"a":1},"ranking":["a"]}`, "ranking", 29},
		{`{"voter":"v","selections":["a"],"if_version":0}`, "if_version", 31},
		{`{"voter":5,"selections":["a"]}`, "voter", 1},
		{`{"voter":"v","selectons":["a"]}`, "selectons", 12},
		{`{"voter":"v","voter":"w","selections":[]}`, "voter", 13},
		{`{"voter":"v","selections":["a"]} {}`, "", 32},
		{`{"voter":"v","selections":["a"`, "", 30},
	} {
		d := Get()
		_, err := d.Decode([]byte(c.text), true)
		at := d.Offset()
		d.Release()
		var refused *refusal.Error
		field := ""
		if errors.As(err, &refused) && len(refused.Fields) > 0 {
			field = refused.Fields[0].Field
		}
		if err == nil || field != c.field || at != c.at {
			t.Errorf("%s: %v, field %q at byte %d, want %q at %d", c.text, err, field, at, c.field, c.at)
		}
	}
}

// FuzzABallotThatIsTakenIsTheOneThatEncodingJSONReads has encoding/json as its oracle.
func FuzzABallotThatIsTakenIsTheOneThatEncodingJSONReads(f *testing.F) {
	for _, seed := range []string{`{"selections":["a","b"]}`, `{"ranking":["a",["b","c"]]}`, `{"ranking":["a",null,"b"]}`, `{"ranking":["a",nul`, `{"scores":{"a":5,"b":-1}}`, "{\"selections\":[\"\xff\"]}", `{"selections":["a"]}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := Get()
		defer d.Release()
		b, err := d.Decode(data, false)
		if err != nil {
			if !errors.As(err, new(*refusal.Error)) {
				t.Fatalf("%q: %v is no refusal", data, err)
			}
			if d.Offset() < 0 || d.Offset() > len(data) {
				t.Fatalf("%q: the fault is at byte %d", data, d.Offset())
			}
			return
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(data, &all); err != nil || len(all) != 1 {
			t.Fatalf("%q is taken, and encoding/json reads %v, %v", data, all, err)
		}
		same := false
		switch raw := all[b.Field]; b.Field {
		case "selections":
			var ids []string
			same = json.Unmarshal(raw, &ids) == nil && slices.EqualFunc(ids, b.Marks.Selections, cut)
		case "ranking":
			var tiers []json.RawMessage
			same = json.Unmarshal(raw, &tiers) == nil && slices.EqualFunc(tiers, b.Marks.Ranking, func(raw json.RawMessage, tier []string) bool {
				if bytes.HasPrefix(raw, []byte("[")) {
					var ids []string
					return json.Unmarshal(raw, &ids) == nil && slices.EqualFunc(ids, tier, cut)
				}
				if string(raw) == "null" {
					return len(tier) == 0
				}
				var id string
				return json.Unmarshal(raw, &id) == nil && len(tier) == 1 && cut(id, tier[0])
			})
		case "scores":
			var points map[string]int
			same = json.Unmarshal(raw, &points) == nil && len(points) == len(b.Marks.Scores)
			for _, s := range b.Marks.Scores {
				same = same && (len(s.Option) > poll.MaxIDBytes || points[s.Option] == s.Points)
			}
		}
		if !same {
			t.Fatalf("%q is read as %+v", data, b)
		}
	})
}

// cut reports whether an id is the one that was written, or its beginning where it is longer
// than any id.
func cut(written, read string) bool { return read == printable(written) }
