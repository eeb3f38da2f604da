package api

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"voted/internal/auth"
)

func TestAPollIsCreatedOnceUnderAChosenID(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	a := g.do("PUT", "/v1/polls/p", twoOptions).want(201).has("Location", "/v1/polls/p").has("ETag", `"1"`).has("Voted-Index", "1")
	want := `{"id":"p","title":"","options":[{"id":"ann","title":"ann"},{"id":"bo","title":"bo"}],"method":"plurality",` +
		`"min_selections":1,"max_selections":1,"revote":"never","results":"live","secrecy":"secret","max_ballots":0,"eligibility":"anyone",` +
		`"state":"open","ballots":0,"revision":1,"created_at":"2026-12-01T12:00:00.000Z"}` + "\n"
	if a.body != want {
		t.Errorf("the poll is\n%swant\n%s", a.body, want)
	}
	g.do("PUT", "/v1/polls/p", `{"id":"p","options":[{"id":"ann","title":"ann"},"bo"],"method":"plurality"}`).want(200)
	g.do("PUT", "/v1/polls/p", `{"options":["ann","bo"],"revote":"until_close"}`).want(409).code("poll_exists")
}

func TestADefinitionKeepsEverythingItSays(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("PUT", "/v1/polls/p", `{"id":"p","title":"Wahl \u00fc","options":[{"id":"ann","title":"Ann"},{"id":"bo"},"cy"],"method":"score",
		"min_selections":0,"max_selections":2,"max_score":7,"revote":"until_close","results":"after_close","secrecy":"open",
		"opens_at":"2026-12-01T14:00:00+01:00","closes_at":"2026-12-02T20:00:00.250Z","max_ballots":9,"eligibility":"roll","quorum":5}`).want(201)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`{"id":"p","title":"Wahl ü","options":[{"id":"ann","title":"Ann"},{"id":"bo","title":""},{"id":"cy","title":"cy"}],` +
		`"method":"score","min_selections":0,"max_selections":2,"max_score":7,"revote":"until_close","results":"after_close","secrecy":"open",` +
		`"opens_at":"2026-12-01T13:00:00.000Z","closes_at":"2026-12-02T20:00:00.250Z","max_ballots":9,"eligibility":"roll","quorum":5,"state":"scheduled","revision":1`).lacks(`"ballots"`)
}

func TestDefinitionsThatCannotBeUsedNameTheField(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, c := range []struct{ body, field string }{
		{`{"options":["ann"]}`, "options"},
		{`{}`, "options"},
		{`{"options":["ann","ann"]}`, "options[1].id"},
		{`{"options":["ann",{"id":"b o"}]}`, "options[1].id"},
		{`{"options":["ann",null]}`, "options[1].id"},
		{`{"options":["ann","bo"],"id":"q"}`, "id"},
		{`{"options":["ann","bo"],"method":"lottery"}`, "method"},
		{`{"options":["ann","bo"],"min_selections":-1}`, "min_selections"},
		{`{"options":["ann","bo"],"min_selections":2}`, "min_selections"},
		{`{"options":["ann","bo"],"max_selections":3}`, "max_selections"},
		{`{"options":["ann","bo"],"max_score":3}`, "max_score"},
		{`{"options":["ann","bo"],"revote":"always"}`, "revote"},
		{`{"options":["ann","bo"],"results":"Live"}`, "results"},
		{`{"options":["ann","bo"],"secrecy":"hidden"}`, "secrecy"},
		{`{"options":["ann","bo"],"opens_at":"1970-01-01T00:00:00Z"}`, "opens_at"},
		{`{"options":["ann","bo"],"closes_at":"2026-01-01T00:00:00Z"}`, "closes_at"},
		{`{"options":["ann","bo"],"title":"a\u0007b"}`, "title"},
	} {
		g.do("PUT", "/v1/polls/p", c.body).want(422).code("invalid_poll").holds(`{"field":"` + c.field + `"`)
	}
	g.do("PUT", "/v1/polls/-p", twoOptions).want(422).code("invalid_poll").holds(`{"field":"id"`)
	g.do("POST", "/v1/polls", `{"id":"p","options":["ann","bo"]}`, "Idempotency-Key", "k").want(422).holds(`{"field":"id"`)
}

func TestAKeyedPollIsMadeOnce(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	first := g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", `"k-1"`).want(201).has("Idempotent-Replayed", "")
	id := first.json()["id"].(string)
	if len(id) != 26 || first.header.Get("Location") != "/v1/polls/"+id {
		t.Errorf("the poll %q is at %q", id, first.header.Get("Location"))
	}
	for _, key := range []string{`"k-1"`, "k-1"} {
		again := g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", key).want(201).has("Idempotent-Replayed", "true")
		if again.body != first.body || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("the replay differs: %s", again.body)
		}
	}
	other := g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", "k-2").want(201)
	if other.json()["id"] == id {
		t.Error("another key made no other poll")
	}
	g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", `"`).want(400).code("malformed_request")
}

func TestAPatchChangesTitleAndTimes(t *testing.T) {
	t.Parallel()
	const patch = "application/merge-patch+json"
	g := newRig(t)
	g.poll("p", `{"title":"a","options":["ann","bo"],"closes_at":"2026-12-05T00:00:00Z"}`)
	g.do("PATCH", "/v1/polls/p", `{"title":"b"}`, "Content-Type", patch, "If-Match", `"1"`).want(200).has("ETag", `"2"`).holds(`"title":"b"`)
	g.do("PATCH", "/v1/polls/p", `{"title":"c"}`, "If-Match", `"1"`).want(412).code("version_mismatch").has("ETag", `"2"`)
	g.do("PATCH", "/v1/polls/p", `{"closes_at":"2026-12-06T00:00:00Z"}`).want(200).holds(`"closes_at":"2026-12-06T00:00:00.000Z"`)
	g.do("PATCH", "/v1/polls/p", `{"closes_at":null,"title":null}`).want(200).lacks("closes_at").holds(`"title":""`)
	g.do("PATCH", "/v1/polls/p", `{}`).want(200).has("ETag", `"4"`)
	g.do("PATCH", "/v1/polls/p", `{"closes_at":"2020-01-01T00:00:00Z"}`).want(422).code("invalid_poll")
	for _, body := range []string{`{"method":"irv"}`, `{"title":1}`, `{"closes_at":"tomorrow"}`, `{"closes_at":5}`, `null`, `[]`, `{"title":"a","title":"b"}`} {
		g.do("PATCH", "/v1/polls/p", body).want(400).code("malformed_request")
	}
	g.close("p")
	g.do("PATCH", "/v1/polls/p", `{"title":"d"}`).want(409).code("poll_closed")
	g.do("PATCH", "/v1/polls/q", `{"title":"d"}`).want(404).code("poll_not_found")
}

func TestARetriedPatchIsKnownByItsKeyAndContent(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("PATCH", "/v1/polls/p", `{"title":"a"}`, "Idempotency-Key", "k", "If-Match", `"1"`).want(200).has("ETag", `"2"`).has("Idempotent-Replayed", "")
	g.do("PATCH", "/v1/polls/p", `{"title":"a"}`, "Idempotency-Key", "k", "If-Match", `"1"`).want(200).has("ETag", `"2"`).has("Idempotent-Replayed", "true")
	g.do("PATCH", "/v1/polls/p", `{"title":"b"}`).want(200).has("ETag", `"3"`)
	g.do("PATCH", "/v1/polls/p", `{"title":"a"}`, "Idempotency-Key", "k", "If-Match", `"1"`).want(200).has("Idempotent-Replayed", "true").holds(`"title":"b"`)
	for _, other := range []string{`{"title":"b"}`, `{"title":"a","closes_at":"2027-01-01T00:00:00Z"}`} {
		g.do("PATCH", "/v1/polls/p", other, "Idempotency-Key", "k", "If-Match", `"1"`).want(422).code("idempotency_key_reused").lacks("Idempotent-Replayed")
	}
	g.do("PATCH", "/v1/polls/p", `{"title":"a"}`, "Idempotency-Key", "k").want(422).code("idempotency_key_reused") // without its condition it is another one
	g.poll("q", twoOptions)
	g.do("PATCH", "/v1/polls/q", `{"title":"c"}`, "Idempotency-Key", "k").want(200).holds(`"title":"c"`) // a key is a poll's own
}

func TestKeysBelongToTheCredentialThatSentThem(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) {
		o.Auth = doorman{"alice": {Roles: auth.Admin, Name: "alice"}, "bob": {Roles: auth.Admin, Name: "bob"}}
	})
	create := func(who, body string) answer {
		return g.do("POST", "/v1/polls", body, "Idempotency-Key", `"job-1"`, "Authorization", "Bearer "+who)
	}
	first := create("alice", twoOptions).want(201).has("Idempotent-Replayed", "")
	if second := create("bob", twoOptions).want(201).has("Idempotent-Replayed", ""); second.json()["id"] == first.json()["id"] {
		t.Error("bob got alice's poll")
	}
	create("bob", ranked).want(422).code("idempotency_key_reused")
	create("alice", twoOptions).want(201).has("Idempotent-Replayed", "true")
	at := first.header.Get("Location")
	patch := func(who, title string) answer {
		return g.do("PATCH", at, `{"title":"`+title+`"}`, "Idempotency-Key", "k", "Authorization", "Bearer "+who)
	}
	patch("alice", "hers").want(200)
	patch("bob", "his").want(200).has("Idempotent-Replayed", "").holds(`"title":"his"`)
	patch("alice", "hers").want(200).has("Idempotent-Replayed", "true").holds(`"title":"his"`)
}

func TestAKeyWhosePollWasDeletedNamesNoPlaceAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	at := g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", "k").want(201).header.Get("Location")
	g.do("POST", at+"/close", "").want(200)
	g.do("DELETE", at, "").want(204)
	g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", "k").want(404).code("poll_not_found").
		has("Location", "").has("Idempotent-Replayed", "").holds("was deleted since; send a fresh key")
}

func TestACreationSentAgainAfterAPatchShowsThePollAsItIs(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("PATCH", "/v1/polls/p", `{"title":"new"}`).want(200)
	g.do("PUT", "/v1/polls/p", twoOptions).want(200).has("ETag", `"2"`).holds(`"title":"new"`)
	g.do("PUT", "/v1/polls/p", ranked).want(409).code("poll_exists")
}

func TestRetryAfterIsWhenTheSameRequestCanSucceed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	patch := func(i int) answer { return g.do("PATCH", "/v1/polls/p", fmt.Sprintf(`{"title":"%d"}`, i)) }
	for i := range 64 {
		patch(i).want(200)
		g.b.pass(time.Second)
	}
	wait, err := strconv.Atoi(patch(64).want(429).code("too_many_requests").header.Get("Retry-After"))
	if err != nil || wait != 600-64 {
		t.Fatalf("Retry-After is %d seconds, %v", wait, err)
	}
	g.b.pass(time.Duration(wait)*time.Second - time.Millisecond)
	patch(64).want(429).has("Retry-After", "1")
	g.b.pass(time.Millisecond)
	patch(64).want(200)
}

func TestClosingAndDeletingMayBeRepeated(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("DELETE", "/v1/polls/p", "").want(409).code("poll_not_closed")
	first := g.do("POST", "/v1/polls/p/close", "").want(200).holds(`"state":"closed"`).holds(`"closed_index":3`)
	g.b.pass(time.Hour)
	if again := g.do("POST", "/v1/polls/p/close", "{}").want(200); again.body != first.body {
		t.Errorf("closing again says %s", again.body)
	}
	g.do("POST", "/v1/polls/p/close", `{"at":1}`).want(400)
	g.do("DELETE", "/v1/polls/p", "").want(204)
	g.do("DELETE", "/v1/polls/p", "").want(204)
	g.do("DELETE", "/v1/polls/q", "").want(404).code("poll_not_found")
	g.do("GET", "/v1/polls/p", "").want(404).code("poll_not_found")
	g.do("PUT", "/v1/polls/p", twoOptions).want(409).code("poll_exists")
	g.do("PUT", "/v1/polls/p/ballots/v", forAnn).want(404).code("poll_not_found")
}

func TestTheListComesInPages(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/v1/polls", "").want(200).holds(`{"polls":[]}`)
	for i := range 5 {
		g.poll(fmt.Sprintf("p%d", i), twoOptions)
	}
	g.close("p1")
	g.close("p3")
	ids := func(query string) (all []string) {
		for token := ""; ; {
			page := g.do("GET", "/v1/polls?page_size=2"+query+token, "").want(200).json()
			for _, p := range page["polls"].([]any) {
				all = append(all, p.(map[string]any)["id"].(string))
			}
			next, more := page["next_page_token"].(string)
			if !more {
				return all
			}
			token = "&page_token=" + next
		}
	}
	for query, want := range map[string]string{"": "[p0 p1 p2 p3 p4]", "&state=closed": "[p1 p3]", "&state=open": "[p0 p2 p4]", "&state=scheduled": "[]"} {
		if got := fmt.Sprint(ids(query)); got != want {
			t.Errorf("%q lists %s, want %s", query, got, want)
		}
	}
	token := g.do("GET", "/v1/polls?page_size=2", "").json()["next_page_token"].(string)
	for _, query := range []string{"page_size=0", "page_size=1001", "page_size=x", "page_size=", "state=done", "page_token=!", "page_token=", "state=open&page_token=" + token} {
		g.do("GET", "/v1/polls?"+query, "").want(400).code("malformed_request")
	}
}

func TestAPageOfLargePollsIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	var options []string
	for i := range 1024 {
		options = append(options, fmt.Sprintf(`{"id":"o%d","title":"%s"}`, i, strings.Repeat(`\"`, 1024)))
	}
	definition := `{"options":[` + strings.Join(options, ",") + `]}`
	var want []string
	for i := range 3 {
		want = append(want, fmt.Sprintf("p%d", i), fmt.Sprintf("small%d", i))
		g.poll(want[2*i], definition)
		g.poll(want[2*i+1], twoOptions)
	}
	var got []string
	pages := 0
	for token := ""; ; pages++ {
		a := g.do("GET", "/v1/polls?page_size=1000"+token, "").want(200)
		if len(a.body) > maxPageBytes+1024 {
			t.Errorf("page %d has %d bytes", pages, len(a.body))
		}
		page := a.json()
		for _, p := range page["polls"].([]any) {
			got = append(got, p.(map[string]any)["id"].(string))
		}
		next, more := page["next_page_token"].(string)
		if !more {
			break
		}
		token = "&page_token=" + next
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || pages < 2 {
		t.Errorf("%d pages list %v, not %v", pages, got, want)
	}
}
