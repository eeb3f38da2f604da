package api

import (
	"strings"
	"testing"
)

// Whatever is not exactly a request of the contract must change nothing.
func TestMalformedBodiesChangeNothing(t *testing.T) {
	t.Parallel()
	ballots := []string{
		``, ` `, `null`, `1`, `"ann"`, `["ann"]`, `{`, `}`, `{}`, `{"selections"}`,
		`{"selections":["ann"]`, `{"selections":["ann"]}}`, `{"selections":["ann"]} {}`, `{"selections":["ann"]}x`,
		`{"selections":["ann"],}`, `{"selections":["ann",]}`, `{'selections':['ann']}`, `{selections:["ann"]}`,
		`{"selections":["ann"],"selections":["bo"]}`, `{"selections":["ann"],"Selections":["bo"]}`,
		`{"Selections":["ann"]}`, `{"SELECTIONS":["ann"]}`, `{"selection":["ann"]}`,
		`{"selections":["ann"],"weight":2}`, `{"selections":["ann"],"voter":"other"}`, `{"selections":["ann"],"if_version":1}`,
		`{"selections":["ann"],"ranking":["ann"]}`, `{"selections":["ann"],"scores":{}}`,
		`{"selections":"ann"}`, `{"selections":null}`, `{"selections":{"ann":1}}`, `{"selections":[1]}`, `{"selections":[null]}`,
		`{"selections":[["ann"]]}`, `{"selections":[true]}`, `{"ranking":[[["ann"]]]}`, `{"ranking":["ann",nul`, `{"ranking":["ann",nil]}`, `{"ranking":"ann"}`, `{"ranking":[1]}`,
		`{"scores":[]}`, `{"scores":{"ann":"5"}}`, `{"scores":{"ann":1.5}}`, `{"scores":{"ann":1e2}}`, `{"scores":{"ann":null}}`,
		`{"scores":{"ann":99999999999999999999}}`, `{"scores":{"ann":1,"ann":2}}`, `{"scores":{"ann":01}}`,
		"{\"selections\":[\"ann\"]}\x00", "\xef\xbb\xbf{\"selections\":[\"ann\"]}", "{\"selections\":[\"an\xff\"]}",
		`{"selections":["\ud800"]}`, `{"selections":["\x61nn"]}`, `// ann` + "\n" + forAnn, `{"selections":["ann"]/**/}`,
		strings.Repeat("[", 100_000), `{"selections":` + strings.Repeat("[", 20_000),
	}
	definitions := []string{
		``, `null`, `[]`, `"p"`, `{`, `{"options":["ann","bo"]}x`, `{"options":["ann","bo"]}{}`,
		`{"options":["ann","bo"],"options":["ann","bo"]}`, `{"Options":["ann","bo"]}`, `{"options":["ann","bo"],"colour":"red"}`,
		`{"options":[{"id":"ann","name":"Ann"},"bo"]}`, `{"options":[{"id":"ann","id":"bo"},"bo"]}`, `{"options":[1,2]}`, `{"options":"ann"}`,
		`{"options":["ann","bo"],"title":5}`, `{"options":["ann","bo"],"max_selections":"1"}`, `{"options":["ann","bo"],"max_selections":1.5}`,
		`{"options":["ann","bo"],"max_ballots":-1}`, `{"options":["ann","bo"],"opens_at":"soon"}`, `{"options":["ann","bo"],"opens_at":1}`,
		`{"options":["ann","bo"],"closes_at":"2026-12-09"}`, "{\"options\":[\"ann\",\"bo\"],\"title\":\"\xff\"}",
	}
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"revote":"until_close","min_selections":0}`)
	g.cast("p", "u", forAnn)
	before := g.b.digest()
	refused := func(a answer, body string) {
		t.Helper()
		if a.status != 400 {
			t.Errorf("status %d for %.80q: %s", a.status, body, a.body)
		}
		if g.b.digest() != before {
			t.Fatalf("the state changed with %.80q", body)
		}
	}
	for _, body := range ballots {
		refused(g.do("PUT", "/v1/polls/p/ballots/v", body, "Content-Type", "application/json"), body)
	}
	for _, body := range definitions {
		refused(g.do("PUT", "/v1/polls/new", body, "Content-Type", "application/json"), body)
		refused(g.do("POST", "/v1/polls", body, "Content-Type", "application/json", "Idempotency-Key", "k"), body)
	}
	for _, tag := range []string{"*", "1", `W/"1"`, `"0"`, `"01"`, `""`, `"-1"`, `"+1"`, `"1", "2"`, `"4294967296"`, `"x"`, `"1`} {
		refused(g.do("PUT", "/v1/polls/p/ballots/u", forBo, "If-Match", tag), tag)
		refused(g.do("PATCH", "/v1/polls/p", `{"title":"x"}`, "If-Match", tag), tag)
	}
	refused(g.do("PUT", "/v1/polls/p/ballots/u", forBo, "If-Match", `"1"`, "If-Match", `"1"`), "two If-Match")
}

func TestBodiesOfOtherTypesAndSizesChangeNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	before := g.b.digest()
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		code                     string
	}{
		{"no content type", "PUT", anns, forAnn, []string{"Content-Type", ""}, "unsupported_media_type"},
		{"a form", "PUT", anns, forAnn, []string{"Content-Type", "application/x-www-form-urlencoded"}, "unsupported_media_type"},
		{"another charset", "PUT", anns, forAnn, []string{"Content-Type", "application/json; charset=latin1"}, "unsupported_media_type"},
		{"a compressed body", "PUT", anns, forAnn, []string{"Content-Encoding", "gzip"}, "unsupported_media_type"},
		{"a compressed body, said in a second line", "PUT", anns, forAnn, []string{"Content-Encoding", "identity", "Content-Encoding", "gzip"}, "unsupported_media_type"},
		{"a patch of another kind", "PATCH", "/v1/polls/p", `[]`, []string{"Content-Type", "application/json-patch+json"}, "unsupported_media_type"},
		{"JSON where lines are due", "POST", "/v1/polls/p/ballots", forAnn, nil, "unsupported_media_type"},
		{"an answer that cannot be", "PUT", anns, forAnn, []string{"Accept", "application/xml"}, "not_acceptable"},
		{"an answer that is ruled out", "PUT", anns, forAnn, []string{"Accept", "*/*, application/json;q=0"}, "not_acceptable"},
		{"a ballot that is too large", "PUT", anns, forAnn + strings.Repeat(" ", maxBallotBytes), nil, "payload_too_large"},
		{"a definition that is too large", "PUT", "/v1/polls/q", strings.Repeat(" ", maxDefinitionBytes+1), nil, "payload_too_large"},
		{"a body where none is due", "DELETE", "/v1/polls/p", strings.Repeat("x", 17), nil, "payload_too_large"},
	} {
		a := g.do(c.method, c.path, c.body, c.header...)
		if got := a.json()["code"]; got != c.code {
			t.Errorf("%s: %v, want %s", c.name, got, c.code)
		}
	}
	if g.b.digest() != before {
		t.Error("the state changed")
	}
	for _, accepted := range []string{"application/json;q=0.1, */*;q=0", "application/*", "text/html, */*;q=0.1", "APPLICATION/JSON"} {
		g.do("GET", "/v1/polls/p", "", "Accept", accepted).want(200)
	}
	g.do("PUT", anns, forAnn, "Content-Type", `Application/JSON; charset="UTF-8"`).want(201)
}

func TestPollIDsThatCannotBeAreNotFound(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, id := range []string{"-p", "a%20b", "%2F", "%00", "%C3%A9", strings.Repeat("x", 65), "."} {
		for _, path := range []string{"", "/results", "/ballots", "/ballots/v", "/results/stream"} {
			g.do("GET", "/v1/polls/"+id+path, "").want(404).code("poll_not_found")
		}
		g.do("PUT", "/v1/polls/"+id+"/ballots/v", forAnn).want(404).code("poll_not_found")
		g.do("DELETE", "/v1/polls/"+id, "").want(404)
		g.do("POST", "/v1/polls/"+id+"/close", "").want(404)
	}
}
