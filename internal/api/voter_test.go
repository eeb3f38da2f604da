package api

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"voted/internal/auth"
	"voted/internal/voterid"
)

// isVoter reports whether an id is one that the core may be given.
func isVoter(id string) bool {
	canonical, err := voterid.Canonical(id)
	return err == nil && canonical == id
}

// zoe is one name in its two writings, as a path has them.
const (
	composed   = "Zo%C3%AB"
	decomposed = "Zoe%CC%88"
)

func TestOneNameIsOneVoterHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for name, secrecy := range map[string]string{"in an open poll": "open", "in a secret poll": "secret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", `{"options":["ann","bo"],"revote":"until_close","disclosure":"ballots","secrecy":"`+secrecy+`"}`)
			first := g.do("PUT", "/v1/polls/p/ballots/"+decomposed, forAnn).want(201).
				has("Location", "/v1/polls/p/ballots/"+composed).holds(`"voter":"Zoë","outcome":"counted","version":1,"ballot":1`)
			g.do("PUT", "/v1/polls/p/ballots/"+composed, forAnn).want(200).has("Idempotent-Replayed", "true").
				holds(strings.Replace(strings.TrimPrefix(first.body, "{"), "counted", "replayed", 1))
			g.do("PUT", "/v1/polls/p/ballots/"+composed, forBo).want(409).code("already_voted")
			g.bulk("p", "{\"voter\":\"Zoe\u0308\",\"selections\":[\"ann\"]}\n"+`{"voter":"Zo\u0065\u0308","selections":["ann"]}`+"\n"+
				"{\"voter\":\"Zo\u00eb\",\"selections\":[\"bo\"],\"if_version\":1}\n").want(200).
				holds(`{"line":1,"outcome":"replayed","ballot":1,"version":1}`).
				holds(`{"line":2,"outcome":"replayed","ballot":1,"version":1}`).
				holds(`{"line":3,"outcome":"replaced","ballot":2,"version":2}`)
			for _, written := range []string{composed, decomposed} {
				g.do("GET", "/v1/polls/p/ballots/"+written, "").want(200).holds(`"voter":"Zoë","outcome":"replaced","version":2`)
			}
			export := g.do("GET", "/v1/polls/p/ballots", "").want(200)
			if secrecy == "open" {
				export.holds(`"voter":"Zoë"`)
			}
			if n := strings.Count(export.body, "\n"); n != 1 {
				t.Fatalf("%d ballots are exported:\n%s", n, export.body)
			}
			g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":1`)
		})
	}
}

func TestAVoterOnARollMayVoteHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	g.upload("p", "{\"voter\":\"Zoe\u0308\",\"weight\":3}").want(200).holds(`"added":1`)
	g.upload("p", "voter,weight\nZo\u00eb,3\n\"Zoe\u0308\",3\n", "Content-Type", mediaCSV).want(200).holds(`"added":0,"changed":0,"unchanged":2`)
	for _, written := range []string{composed, decomposed} {
		g.do("GET", "/v1/polls/p/roll/"+written, "").want(200).holds(`"voter":"Zoë","weight":3,"eligible":true`)
	}
	g.do("PUT", "/v1/polls/p/ballots/"+composed, forAnn).want(201)
	g.do("DELETE", "/v1/polls/p/roll/"+decomposed, "").want(204)
	g.do("GET", "/v1/polls/p/roll/"+composed, "").want(200).holds(`"eligible":false,"voted":true`)
}

func TestVotersWhoseNamesDifferInCaseOrWidthAreTwo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	for _, voter := range []string{"ann", "Ann", "1", "%EF%BC%91", "fi", "%EF%AC%81"} {
		g.cast("p", voter, forAnn)
	}
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":6`)
}

func TestWhatIsNoVoterIDIsRefusedOnEveryRouteWithItsPlaceAndChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ voter, detail string }{
		"Latin-1":                    {"zo\xeb", "Character 3 of the voter id is the byte 0xEB, which is not UTF-8: write the id in UTF-8."},
		"a blank at the end":         {"ann@example.org ", "Character 16 of the voter id is U+0020 (space), white space at its end: leave it out."},
		"a blank at the beginning":   {" ann", "Character 1 of the voter id is U+0020 (space), white space at its beginning: leave it out."},
		"NBSP at the beginning":      {"\u00a0cy", "Character 1 of the voter id is U+00A0 (no-break space), white space at its beginning: leave it out."},
		"a zero width space":         {"an\u200bn", "Character 3 of the voter id is U+200B (zero width space), which cannot be seen: leave it out."},
		"a direction control":        {"\u202eann", "Character 1 of the voter id is U+202E (direction control), which cannot be seen: leave it out."},
		"a byte order mark":          {"\ufeffann", "Character 1 of the voter id is U+FEFF (byte order mark), which cannot be seen: leave it out."},
		"a control character":        {"a\tb", "Character 2 of the voter id is U+0009 (tab), a control character: leave it out."},
		"one that Unicode lacks":     {"a\u0378", "Character 2 of the voter id is U+0378, which stands for nothing in Unicode"},
		"dots that a path would eat": {"..", `No voter can be called "..", which a path cannot carry: choose another id.`},
		"too long":                   {strings.Repeat("\u00e9", 129), "The voter id has 258 bytes, and the most is 256: shorten it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", members)
			before := g.b.digest()
			path := url.PathEscape(c.voter)
			if strings.Trim(path, ".") == "" {
				path = strings.ReplaceAll(path, ".", "%2E")
			}
			for _, a := range []answer{
				g.do("PUT", "/v1/polls/p/ballots/"+path, forAnn),
				g.do("GET", "/v1/polls/p/ballots/"+path, ""),
				g.do("GET", "/v1/polls/p/roll/"+path, ""),
				g.do("DELETE", "/v1/polls/p/roll/"+path, ""),
			} {
				a.want(422).code("invalid_voter")
				if detail, _ := a.json()["detail"].(string); !strings.HasPrefix(detail, c.detail) {
					t.Errorf("the detail is %s", detail)
				}
			}
			if !utf8.ValidString(c.voter) {
				return // JSON and CSV say of the line, not of the id, that it is not UTF-8
			}
			quoted, _ := jsontext.AppendQuote(nil, c.detail[1:]) // in a roll the column stands before it
			said := strings.Trim(string(quoted), `"`)
			line, _ := jsontext.AppendQuote([]byte(`{"voter":`), c.voter)
			for _, a := range []answer{
				g.upload("p", "\n"+string(line)+"}"),
				g.upload("p", "voter\n\""+c.voter+"\"", "Content-Type", mediaCSV),
				g.bulk("p", "\n"+string(line)+`,"selections":["ann"]}`),
			} {
				a.want(200).holds(`{"line":2,"code":"invalid_voter","detail":"`).holds(said).lacks("counted").lacks(`"added":1`)
			}
			if g.b.digest() != before {
				t.Error("something was changed")
			}
		})
	}
}

func TestALineWithoutAVoterIsRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.bulk("p", `{"selections":["ann"]}`+"\n"+`{"voter":"","selections":["ann"]}`).want(200).
		holds(`{"line":1,"code":"malformed_request"`).
		holds(`{"line":2,"code":"invalid_voter","detail":"The voter id is empty: give 1 to 256 bytes of UTF-8."}`)
}

func TestBytesThatAreNotUTF8NeverBecomeAVoter(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	before := g.b.digest()
	g.upload("p", "{\"voter\":\"zo\xeb\"}\n{\"voter\":\"zo\\udceb\"}").want(200).holds(`"refused":2`)
	g.bulk("p", "{\"voter\":\"zo\xeb\",\"selections\":[\"ann\"]}\n{\"voter\":\"zo\\udceb\",\"selections\":[\"ann\"]}\n").want(200).
		holds(`{"line":1,"code":"malformed_request"`).holds(`{"line":2,"code":"malformed_request"`)
	g.upload("p", "voter\nzo\xeb\nzo\xe9\n", "Content-Type", mediaCSV).want(200).holds(`"refused":2`)
	if g.b.digest() != before {
		t.Error("something was changed")
	}
}

func TestACredentialLetsItsVoterVoteHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) {
		o.Auth = doorman{
			"admin": {Roles: auth.Admin, Name: "admin"},
			"zoe":   {Roles: auth.Voter, Name: "voter:1", Voter: "Zo\u00eb", Poll: "p"},
		}
	})
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/p/ballots/"+decomposed, forAnn, as("zoe")...).want(201).holds(`"voter":"Zoë"`)
	g.do("GET", "/v1/polls/p/ballots/"+composed, "", as("zoe")...).want(200).holds(`"voter":"Zoë"`)
	g.do("PUT", "/v1/polls/p/ballots/Zoe", forAnn, as("zoe")...).want(403).code("forbidden")
	g.do("PUT", "/v1/polls/p/ballots/Zo%EB", forAnn, as("zoe")...).want(403).code("forbidden")
}

// FuzzVoterOnEveryRoute checks that an id is taken by every route or by none, as one
// voter, and that two ids are one voter if and only if they are one text.
func FuzzVoterOnEveryRoute(f *testing.F) {
	for _, id := range []string{"ann", "Zo\u00eb", "zo\xeb", " ann", "a\u200bn", "..", "a/b", "a%b", "\ufeff", "x\"y", "a\\b", "q\u0307\u0323", strings.Repeat("\u1112\u1161\u11ab", 85)} {
		f.Add(id, "Zoe\u0308")
		f.Add(id, id)
		f.Add(id, norm.NFD.String(id))
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = a[:min(len(a), 1000)], b[:min(len(b), 1000)]
		g := newRig(t)
		g.poll("open", roll)
		g.poll("roll", members)
		takenA := everyRoute(g, a, 1)
		takenB := everyRoute(g, b, 2)
		if !takenA || !takenB {
			return
		}
		again := g.do("PUT", "/v1/polls/open/ballots/"+segment(b), forAnn).want(200).json()
		if one := again["ballot"] == 1.; one != (norm.NFD.String(a) == norm.NFD.String(b)) {
			t.Fatalf("%+q and %+q are one voter: %v", a, b, one)
		}
	})
}

// segment writes an id as one segment of a path.
func segment(id string) string {
	return strings.NewReplacer(".", "%2E").Replace(url.PathEscape(id))
}

// everyRoute uses an id on every route, and reports whether it was taken. n counts the
// ids that were used before, this one included.
func everyRoute(g *rig, id string, n int) bool {
	g.t.Helper()
	if id == "" {
		return false // no path has it
	}
	cast := g.do("PUT", "/v1/polls/open/ballots/"+segment(id), forAnn)
	taken := cast.status == 201 || cast.status == 200
	if !taken {
		cast.want(422).code("invalid_voter")
	}
	plain, err := jsontext.AppendQuote(nil, id)
	if err == nil {
		line := `{"selections":["ann"],"voter":` + string(plain) + "}\n" + `{"selections":["ann"],"voter":` + escapedJSON(id) + "}\n"
		if bulk := g.bulk("open", line).want(200); strings.Count(bulk.body, `"replayed"`) != map[bool]int{true: 2}[taken] {
			g.t.Fatalf("%+q is taken in a path: %v\n%s", id, taken, bulk.body)
		}
		want := map[bool]string{true: `"lines":1,"added":0,"changed":0,"unchanged":1,"refused":0`, false: `"added":0,"changed":0,"unchanged":0,"refused":1`}[taken]
		if !strings.ContainsAny(id, "\r\n") { // CSV on several lines is not taken at all
			first := g.upload("roll", "voter\n\""+strings.ReplaceAll(id, `"`, `""`)+"\"\n", "Content-Type", mediaCSV).want(200)
			if n == 1 && taken {
				first.holds(`"added":1`)
			}
		} else if taken {
			g.t.Fatalf("%+q is taken", id)
		}
		g.upload("roll", `{"voter":`+string(plain)+"}").want(200).holds(want)
	}
	if !taken {
		g.do("GET", "/v1/polls/open/ballots/"+segment(id), "").want(422)
		g.do("GET", "/v1/polls/roll/roll/"+segment(id), "").want(422)
		return false
	}
	voter, _ := cast.json()["voter"].(string)
	if !isVoter(voter) {
		g.t.Fatalf("%+q is taken as %+q", id, voter)
	}
	for _, path := range []string{"/v1/polls/open/ballots/", "/v1/polls/roll/roll/"} {
		if got := g.do("GET", path+segment(id), "").want(200).json()["voter"]; got != voter {
			g.t.Fatalf("%+q is %+q, and %+q at %s", id, voter, got, path)
		}
	}
	return true
}

// escapedJSON writes a string with every character escaped.
func escapedJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r > 0xffff {
			r -= 0x10000
			b.WriteString(`\u` + strconv.FormatInt(0xd800+int64(r>>10), 16) + `\u` + strconv.FormatInt(0xdc00+int64(r&0x3ff), 16))
			continue
		}
		hex := strconv.FormatInt(0x10000+int64(r), 16)
		b.WriteString(`\u` + hex[1:])
	}
	b.WriteByte('"')
	return b.String()
}
