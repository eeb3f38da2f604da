package rollfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"voted/internal/poll"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

func reader(t testing.TB, text string, table bool) Reader {
	t.Helper()
	lines, err := textfile.NewLines(strings.NewReader(text), &textfile.UTF8, MaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	if table {
		return NewCSV(lines, Columns{}, 0)
	}
	return NewNDJSON(lines)
}

// entries reads a whole roll: "voter/weight", or "!" and what is wrong.
func entries(t testing.TB, r Reader) (got []string) {
	t.Helper()
	if err := r.Begin(); err != nil {
		return []string{"!" + err.Error()}
	}
	for {
		e, err := r.Next()
		var f *textfile.Fault
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.As(err, &f):
			got = append(got, "!"+f.Error())
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, fmt.Sprintf("%s/%d", e.Voter, e.Weight))
		}
	}
}

func TestWhatIsMisspeltOrTwiceOnALineOfARollIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"voter":"v","weight":3}`:                      "v/3",
		` { "weight" : 1000000 , "voter" : "v" } `:      "v/1000000",
		`{"voter":"Zoe\u0308"}`:                         "Zoë/1",
		`{"voter":"a","weight":2}{"voter":"b"}`:         "!line 1: column 25: something follows the object; write one object a line",
		`{"voter":"c","voter":"d"}`:                     `!line 1: column 14: "voter" stands twice; keep one`,
		`{"voter":"c","wieght":2}`:                      `!line 1: column 14: "wieght" is not known here; leave it out, or correct its spelling`,
		`{"VOTER":"c"}`:                                 `!line 1: column 2: "VOTER" is not known here; leave it out, or correct its spelling`,
		`{"voter":"c","weight":2.5}`:                    `!line 1: column 23: a weight is a whole number from 1 to 1000000, not "2.5"`,
		`{"voter":"c","weight":0}`:                      `!line 1: column 23: a weight is a whole number from 1 to 1000000, not "0"`,
		`{"voter":"c","weight":1000001}`:                `!line 1: column 23: a weight is a whole number from 1 to 1000000, not "1000001"`,
		`{"voter":"c","weight":"2"}`:                    "!line 1: column 23: the weight must be a whole number without quotes",
		`{"voter":"c","weight":null}`:                   "!line 1: column 23: the weight must be a whole number without quotes",
		`{"voter":7}`:                                   `!line 1: column 10: the voter must be a string, such as "v-17"`,
		`{"weight":7}`:                                  `!line 1: column 1: it names no voter; write one object such as {"voter":"v-17","weight":3}`,
		`{}`:                                            `!line 1: column 1: it names no voter; write one object such as {"voter":"v-17","weight":3}`,
		`["v"]`:                                         `!line 1: column 1: write one object such as {"voter":"v-17","weight":3}`,
		`{"voter":"v",}`:                                `!line 1: column 13: this is not valid JSON; write one object such as {"voter":"v-17","weight":3}`,
		`{"voter":"v"`:                                  `!line 1: column 13: this is not valid JSON; write one object such as {"voter":"v-17","weight":3}`,
		`{"voter":"ann@example.org "}`:                  "!line 1: column 10: character 16 of the voter id is U+0020 (space), white space at its end: leave it out",
		`{"voter":"` + strings.Repeat("v", 300) + `"}`:  "!line 1: column 10: the voter id has 300 bytes, and the most is 256: shorten it",
		`{"` + strings.Repeat("n", 100) + `":"a long"}`: `!line 1: column 2: "` + strings.Repeat("n", 64) + `" is not known here; leave it out, or correct its spelling`,
	} {
		if got := entries(t, reader(t, line, false)); !slices.Equal(got, []string{want}) {
			t.Errorf("%s reads as\n%q, want\n%q", line, got, want)
		}
	}
}

func TestATableOfARollIsReadAsStrictlyAsItsObjects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"with weights":                 {"voter,weight\nv1,3\n\"v2, jr\", 1\n", "v1/3 v2, jr/1"},
		"without":                      {"Voter\nv1\n", "v1/1"},
		"decomposed letters":           {"voter\nZoe\u0308\n", "Zoë/1"},
		"a blank around a plain cell":  {"voter,weight\nsp2 ,3\n", "sp2/3"},
		"a blank in quotes":            {"voter,weight\n\"sp2 \",3\n", "!line 2: column 1: character 4 of the voter id is U+0020 (space), white space at its end: leave it out"},
		"a no-break space":             {"voter\n\u00a0cy\n", "!line 2: column 1: character 1 of the voter id is U+00A0 (no-break space), white space at its beginning: leave it out"},
		"no voter":                     {"weight,voter\n1,\n", "!line 2: column 3: the voter id is empty: give 1 to 256 bytes of UTF-8"},
		"half a weight":                {"voter,weight\nv1,2.5\nv2,1\n", "!line 2: column 4: a weight is a whole number from 1 to 1000000, not \"2.5\" v2/1"},
		"no weight":                    {"voter,weight\nv1,\n", "!line 2: column 4: a weight is a whole number from 1 to 1000000, not \"\""},
		"a member list with addresses": {"E-Mail;Name;Weight\na@x;Ann;2\n", "a@x/2"},
	} {
		if got := strings.Join(entries(t, reader(t, c.text, true)), " "); got != c.want {
			t.Errorf("%s: it reads as\n%s, want\n%s", name, got, c.want)
		}
	}
}

// FuzzRollFile checks that whatever a text holds, reading it ends, lines only go forward,
// and what is taken is a voter and a weight that may stand on a roll.
func FuzzRollFile(f *testing.F) {
	for _, text := range []string{
		"voter,weight\nv1,3\n\"v2, jr\",1\n", "\ufeffVOTER\nv1\n", "voter;weight\nv1;0\n", "voter,weight\nv1\n", "voter\n\"v1\n", "voter\n\u00a0v\n", "\xff,1", "\xff\xfe\x00\x00v",
		`{"voter":"v1","weight":4}` + "\n\n" + `{"voter":"v2"}`, `{"voter":"v1","wieght":2}`, `{"voter":1}`, "{", "",
	} {
		f.Add([]byte(text), text != "" && text[0] != '{')
	}
	f.Fuzz(func(t *testing.T, text []byte, table bool) {
		if _, err := textfile.NewLines(bytes.NewReader(text), &textfile.UTF8, MaxLineBytes); err != nil {
			return // no text at all
		}
		r := reader(t, string(text), table)
		if r.Begin() != nil {
			return
		}
		line := 0
		for range len(text) + 1 {
			e, err := r.Next()
			var fault *textfile.Fault
			switch {
			case errors.As(err, &fault):
				e.Line = fault.Line
			case err != nil:
				return
			default:
				if id, wrong := voterid.Canonical(e.Voter); wrong != nil || id != e.Voter || e.Weight < 1 || e.Weight > poll.MaxWeight {
					t.Fatalf("%q is taken as %+v", text, e)
				}
			}
			if e.Line <= line || r.Consumed() < e.Line {
				t.Fatalf("line %d comes after line %d, and %d are consumed", e.Line, line, r.Consumed())
			}
			line = e.Line
		}
		t.Fatalf("%d bytes hold more lines than bytes", len(text))
	})
}

// FuzzRollFormats holds the two readers against each other: a table and an object that say
// the same are taken or refused alike, as the same voter with the same weight.
func FuzzRollFormats(f *testing.F) {
	f.Add("v-17", uint32(3))
	f.Add("Zoe\u0308, \"jr\"", uint32(0))
	f.Add(" a", uint32(1000001))
	f.Fuzz(func(t *testing.T, voter string, weight uint32) {
		if strings.ContainsAny(voter, "\r\n") || !utf8.ValidString(voter) {
			return
		}
		object, err := json.Marshal(map[string]any{"voter": voter, "weight": weight})
		if err != nil {
			t.Fatal(err)
		}
		quoted := `"` + strings.ReplaceAll(voter, `"`, `""`) + `"`
		one := entries(t, reader(t, fmt.Sprintf("voter,weight\n%s,%d\n", quoted, weight), true))
		other := entries(t, reader(t, string(object), false))
		if len(one) != 1 || len(other) != 1 || (one[0][0] == '!') != (other[0][0] == '!') || one[0][0] != '!' && one[0] != other[0] {
			t.Fatalf("%q with %d is read as %q in a table, as %q in an object", voter, weight, one, other)
		}
	})
}

func TestIdsThatDifferInCaseOrWidthAloneArePaired(t *testing.T) {
	t.Parallel()
	var l Lookalikes
	for i, voter := range []string{"Ann", "bo", "ann", "ＡＮＮ", "ann", "bo", "straße", "STRASSE", "zoë", "zoe"} {
		l.Add(voter, i+1)
	}
	want := []Pair{{"Ann", 1, "ann", 3}, {"Ann", 1, "ＡＮＮ", 4}, {"straße", 7, "STRASSE", 8}}
	if !slices.Equal(l.Pairs, want) || l.Found != 3 || l.Full {
		t.Errorf("found are %d: %v", l.Found, l.Pairs)
	}
	for i := range 2 * maxPairs {
		l.Add(fmt.Sprintf("V-%d", i), i)
		l.Add(fmt.Sprintf("v-%d", i), i)
	}
	if len(l.Pairs) != maxPairs || l.Found != 3+2*maxPairs {
		t.Errorf("%d of %d pairs are kept", len(l.Pairs), l.Found)
	}
}

// endless gives the same line again and again.
type endless struct {
	line []byte
	n    int
}

func (e *endless) Next() ([]byte, error) {
	if e.n++; e.n == 1 {
		return []byte("voter,weight"), nil
	}
	return e.line, nil
}

func (e *endless) Number() int { return e.n }

func BenchmarkRollLine(b *testing.B) {
	for name, r := range map[string]Reader{
		"ndjson": NewNDJSON(&endless{line: []byte(`{"voter":"member-4711","weight":3}`), n: 1}),
		"csv":    NewCSV(&endless{line: []byte("member-4711,3")}, Columns{}, ','),
	} {
		if err := r.Begin(); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
