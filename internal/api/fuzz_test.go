package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
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
		d := ballotjson.Get()
		defer d.Release()
		if voter, err := voterOf(path); err == nil && !isVoter(voter) {
			t.Errorf("%q is taken as a voter", voter)
		}
		b, err := d.Decode(body, bulk)
		if err != nil {
			var refused *refusal.Error
			if !errors.As(err, &refused) || refused.Code != refusal.MalformedRequest && refused.Code != refusal.InvalidVoter {
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
		if fields != 1 || bulk && !isVoter(b.Voter) || !bulk && len(plain) != 1 {
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

// FuzzQuery checks that a query which is taken says one thing about each name, and the
// same to a plain reading of it; and that an event id is of this cluster or of none.
func FuzzQuery(f *testing.F) {
	f.Add("since=5&sha256=00", "12-k3j")
	f.Add("since=5;", "12")
	f.Add("since=5&since=6", "-k3j")
	f.Add("%73ince=%35&verbose", "99999999999999999999-k3j")
	f.Add("since=+&=1&&sinse=", "12-k3j-k3j")
	names := []string{"since", "sha256", "verbose"}
	f.Fuzz(func(t *testing.T, raw, id string) {
		if n, ok := readMoment(id, "k3j"); ok && !strings.HasSuffix(id, "-k3j") {
			t.Errorf("the event id %q is taken as %d of this cluster", id, n)
		}
		if checkQuery(raw, names) != nil {
			return
		}
		r := &http.Request{URL: &url.URL{RawQuery: raw}}
		seen := map[string]bool{}
		for pair := range strings.SplitSeq(raw, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			plainName, nameErr := url.QueryUnescape(name)
			plainValue, valueErr := url.QueryUnescape(value)
			if nameErr != nil || valueErr != nil || seen[plainName] || !slices.Contains(names, plainName) || strings.Contains(pair, ";") ||
				plainValue == "" && plainName != "verbose" {
				t.Fatalf("%q is taken", raw)
			}
			seen[plainName] = true
			if got := r.URL.Query().Get(plainName); got != plainValue {
				t.Errorf("%q: %s is read as %q, and says %q", raw, plainName, got, plainValue)
			}
		}
	})
}

// FuzzDefinition checks that a definition that is taken is one that the rules allow, and
// that it is the same poll when it comes again, also with the ids that were made for it.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"options":["a","b"]}`))
	f.Add([]byte(`{"id":"p","title":"T","options":[{"id":"a","title":"A"},"b"],"method":"stv","min_selections":1,"max_selections":2,"revote":"until_close","results":"after_close","secrecy":"open","opens_at":"2026-12-01T08:00:00Z","closes_at":"2026-12-02T20:00:00+02:00","max_ballots":7,"eligibility":"roll","quorum":3}`))
	f.Add([]byte(`{"options":["a","a"],"options":[],"closes_at":"0000-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"options":["Thai food","Zoë","thai food","…",{"id":"thai-food-2"}],"closes_at":"9999-12-31T23:59:59.999Z"}`))
	f.Add([]byte(`{"options":["a\u202eb","\u200b","a\u2028"],"title":"\ufeff","max_selections":0,"max_ballots":18446744073709551615}`))
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
		shown := body
		shown.Options = nil
		for _, o := range d.Options {
			shown.Options = append(shown.Options, optionBody{ID: o.ID, Title: o.Title})
		}
		for _, sent := range []definitionBody{body, shown} {
			if again, err := sent.definition("p"); err != nil || !poll.SamePoll(again, d) {
				t.Fatalf("%q came again as %+v, %v, and was %+v", b, again, err, d)
			}
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
