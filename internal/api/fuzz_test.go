package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"voted/internal/poll"
)

// FuzzBallot checks that whatever is taken as a ballot is one: JSON that the
// standard library reads as well, with exactly one of the three fields; and that
// what the path names as a voter can be one.
func FuzzBallot(f *testing.F) {
	f.Add([]byte(forAnn), "v-17", false)
	f.Add([]byte(`{"ranking":["bo",["ann","cy"]]}`), "a%2Fb", false)
	f.Add([]byte(`{"voter":"v","if_version":3,"scores":{"ann":5,"bo":0}}`), "%2e%2e", true)
	f.Add([]byte(`{"selections":["ann"],"selections":[]}`), "%", true)
	f.Fuzz(func(t *testing.T, body []byte, path string, bulk bool) {
		d := ballotDecoders.Get().(*ballotDecoder)
		defer ballotDecoders.Put(d)
		if voter, err := voterOf(path); err == nil && (!poll.ValidVoter(voter) || !utf8.ValidString(voter)) {
			t.Errorf("%q is taken as a voter", voter)
		}
		b, err := d.decode(body, bulk)
		if err != nil {
			var refusal *poll.Error
			if !errors.As(err, &refusal) || refusal.Code != poll.CodeMalformedRequest {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("%q is taken, but is no JSON object: %v", body, err)
		}
		fields := 0
		for _, name := range []string{"selections", "ranking", "scores"} {
			if _, ok := plain[name]; ok {
				fields++
			}
		}
		if fields != 1 || bulk && !poll.ValidVoter(b.voter) || !bulk && len(plain) != 1 {
			t.Errorf("%q is taken as %+v", body, b)
		}
	})
}

// FuzzHeaders checks that the parsers of header fields return only what they may.
func FuzzHeaders(f *testing.F) {
	f.Add(`"1"`, `wait=5`, `"k"`, `text/csv;q=0.5, */*`)
	f.Add(`W/"1"`, `foo="a\",wait=2";x, WAIT = "3"`, `"a\"b"`, `application/json;q=2`)
	f.Add(`*`, `wait`, `k`, `;q=`)
	f.Fuzz(func(t *testing.T, match, prefer, key, accept string) {
		if n, err := ifMatch([]string{match}); err == nil && match != `"`+itoa(int64(n))+`"` {
			t.Errorf("If-Match %q is taken as %d", match, n)
		}
		if wait, ok := preferredWait([]string{prefer}); ok && (wait < 0 || wait > time.Hour) {
			t.Errorf("Prefer %q is taken as %v", prefer, wait)
		}
		if k, err := idempotencyKey([]string{key}); err == nil {
			if k == "" || len(k) > poll.MaxKeyBytes || strings.ContainsFunc(k, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("Idempotency-Key %q is taken as %q", key, k)
			}
		}
		if q := quality([]string{accept}, mediaJSON); math.IsNaN(q) || q < 0 || q > 1 {
			t.Errorf("Accept %q weighs %v", accept, q)
		}
		_ = ifNoneMatch([]string{match}, `"1"`)
	})
}

// FuzzLines checks that the lines of a bulk upload are those of its body, however
// it arrives.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), 1)
	f.Add([]byte("\n"), 3)
	f.Add(bytes.Repeat([]byte("x"), 33), 7)
	f.Add(append(bytes.Repeat([]byte("x"), 200), "\ny"...), 64)
	f.Fuzz(func(t *testing.T, body []byte, step int) {
		const limit = 32 // short, so that long lines are tried often
		l := &lineReader{r: bufio.NewReaderSize(&drip{body, max(step, 1)}, 64), limit: limit, beforeWait: func() {}}
		want := strings.Split(string(body), "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		for i := 0; ; i++ {
			err := l.await()
			if err != nil {
				if i != len(want) || !errors.Is(err, io.EOF) {
					t.Fatalf("%d of %d lines, then %v", i, len(want), err)
				}
				return
			}
			line, err := l.next()
			if i >= len(want) {
				t.Fatalf("a line too many: %q", line)
			}
			expected := strings.TrimSuffix(want[i], "\r")
			if long := len(expected) > limit; long != errors.Is(err, errLineTooLong) || !long && string(line) != expected {
				t.Fatalf("line %d is %.40q, %v", i+1, line, err)
			}
		}
	})
}

// drip gives a few bytes at a time.
type drip struct {
	rest []byte
	step int
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.rest[:min(d.step, len(d.rest))])
	d.rest = d.rest[n:]
	return n, nil
}

// FuzzDefinition checks that a definition that is taken is one that the rules allow, and
// that it is the same again when it was written and read once more.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"options":["a","b"]}`))
	f.Add([]byte(`{"id":"p","title":"T","options":[{"id":"a","title":"A"},"b"],"method":"stv","min_selections":1,"max_selections":2,"revote":"until_close","results":"after_close","secrecy":"open","opens_at":"2026-12-01T08:00:00Z","closes_at":"2026-12-02T20:00:00+02:00","max_ballots":7,"eligibility":"roll","quorum":3}`))
	f.Add([]byte(`{"options":["a","a"],"options":[],"closes_at":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var body definitionBody
		if err := unmarshal(b, &body); err != nil {
			return
		}
		d, err := body.definition("p")
		if err != nil {
			return
		}
		if wrong := d.Validate(); len(wrong) > 0 {
			t.Fatalf("%q is taken, and is %v", b, wrong)
		}
	})
}

// FuzzPatch checks that a patch that is taken holds times that RFC 3339 can write;
// which of them a poll may have is for the rules.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(`{"title":"T","opens_at":null,"closes_at":"2026-12-02T20:00:00Z"}`))
	f.Add([]byte(`{"title":null,"closes_at":"1969-12-31T23:59:59Z"}`))
	f.Add([]byte(`{"opens_at":1e999,"opens_at":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var body patchBody
		if err := unmarshal(b, &body); err != nil {
			return
		}
		var c poll.Patch
		if err := body.into(&c); err != nil {
			return
		}
		for _, ms := range []*int64{c.OpensAt, c.ClosesAt} {
			if ms != nil && (*ms < -62167219200000 || *ms > 253402300799999) {
				t.Fatalf("%q is taken with the time %d", b, *ms)
			}
		}
	})
}
