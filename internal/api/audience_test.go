package api

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/auth"
)

const (
	forEverybody = `{"options":["ann","bo"],"audience":"anyone"}`
	hiddenAnyway = `{"options":["ann","bo"],"audience":"anyone","results":"after_close"}`
)

// openReads are what an audience of anyone opens.
var openReads = []string{"/v1/polls/{poll}", "/v1/polls/{poll}/results", "/v1/polls/{poll}/results/stream", "/v1/polls/{poll}/results/repeats", "/v1/polls/{poll}/ballots"}

func TestAnAudienceOfAnyoneOpensFiveReadsAndNothingElse(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/pub", forEverybody, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/p", twoOptions, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/pub/ballots/bo", forAnn, as("gateway")...).want(201)
	g.do("POST", "/v1/polls/pub/close", "", as("admin")...).want(200) // so that streams end
	g.do("POST", "/v1/polls/p/close", "", as("admin")...).want(200)
	walked := 0
	for template, methods := range permissions {
		for method, roles := range methods {
			for _, id := range []string{"pub", "p", "none"} {
				walked++
				path := strings.NewReplacer("{poll}", id, "{voter}", "ann", "{id}", "n9", "{tile}", "0/000", "{code}", "not_found").Replace(template)
				open := id == "pub" && method == http.MethodGet && slices.Contains(openReads, template)
				for _, who := range []string{"", "nobody"} {
					got := g.do(method, path, "", as(who)...).status
					if refused := got == http.StatusUnauthorized; refused == (open || roles.Has(auth.Anybody)) {
						t.Errorf("%s %s by %q: %d", method, path, who, got)
					}
				}
				if open {
					g.do(method, path, "", as("metrics")...).want(200) // who has no credential may not see more
				}
			}
		}
	}
	if walked < 90 {
		t.Errorf("%d routes were walked", walked)
	}
}

func TestWhatIsHiddenIsHiddenFromEverybodyToo(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/pub", hiddenAnyway, as("admin")...).want(201)
	g.do("PUT", "/v1/polls/pub/ballots/bo", forAnn, as("gateway")...).want(201)
	for _, path := range []string{"/results", "/results?consistency=stale", "/results?format=report", "/results/stream", "/results/repeats", "/ballots"} {
		g.do("GET", "/v1/polls/pub"+path, "").want(403).code("results_hidden")
	}
	g.do("GET", "/v1/polls/pub", "").want(200).lacks(`"ballots"`).holds(`"audience":"anyone"`)
	g.do("POST", "/v1/polls/pub/close", "", as("admin")...).want(200)
	g.do("GET", "/v1/polls/pub/results", "").want(200).holds(`"ballots":1`)
	g.do("GET", "/v1/polls/pub/ballots", "").want(200).holds(`{"selections":["ann"],"count":1}`)
}

// What a page shows of a poll must be there on a node that cannot reach the others.
func TestAPollIsReadFromANodeThatIsCutOff(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.b.set(func(b *backend) { b.syncHeld, b.age = make(chan struct{}), 1250*time.Millisecond })
	g.do("GET", "/v1/polls/p?consistency=stale", "").want(200).has("Voted-Age", "1.250")
	g.do("GET", "/v1/polls/p", "", "Prefer", "wait=0").want(503).code("unavailable")
	g.do("GET", "/v1/polls/p?consistency=old", "").want(400)
}

// A profile names no ballot. What names some needs a role, whoever the audience of the
// results is.
func TestSingleBallotsAreForNoAudience(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	for id, definition := range map[string]string{
		"open":  `{"options":["ann","bo"],"audience":"anyone","secrecy":"open"}`,
		"shown": `{"options":["ann","bo"],"audience":"anyone","disclosure":"ballots"}`,
	} {
		g.do("PUT", "/v1/polls/"+id, definition, as("admin")...).want(201)
		g.do("GET", "/v1/polls/"+id+"/results", "").want(200)
		g.do("GET", "/v1/polls/"+id+"/ballots", "").want(401)
		g.do("GET", "/v1/polls/"+id+"/ballots", "", as("reader")...).want(200)
	}
	g.do("PUT", "/v1/polls/live", forEverybody, as("admin")...).want(201)
	g.do("GET", "/v1/polls/live/ballots", "").want(409).code("poll_not_closed") // two of them would show a choice
}

func TestADeletedPollIsNobodysToRead(t *testing.T) {
	t.Parallel()
	g := guardedRig(t)
	g.do("PUT", "/v1/polls/pub", forEverybody, as("admin")...).want(201)
	g.do("POST", "/v1/polls/pub/close", "", as("admin")...).want(200)
	g.do("GET", "/v1/polls/pub", "").want(200)
	g.do("DELETE", "/v1/polls/pub", "", as("admin")...).want(204)
	for _, template := range openReads {
		g.do("GET", strings.Replace(template, "{poll}", "pub", 1), "").want(401)
	}
}

func TestADefinitionSaysWhatPeopleRead(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const all = `{"title":"T","options":[{"id":"ann","title":"Ann","description":"Was here\nbefore."},"bo"],"audience":"anyone","option_order":"shuffled","description":"Whom?","contact":"board@example.org"}`
	g.do("PUT", "/v1/polls/p", all).want(201).holds(`"audience":"anyone","option_order":"shuffled","description":"Whom?","contact":"board@example.org"`).
		holds(`{"id":"ann","title":"Ann","description":"Was here\nbefore."}`)
	g.do("PUT", "/v1/polls/p", all).want(200)
	g.do("PUT", "/v1/polls/p", strings.Replace(all, "Whom?", "Who?", 1)).want(409).code("poll_exists")
	g.do("PATCH", "/v1/polls/p", `{"title":"New"}`).want(200).holds(`"description":"Whom?"`).holds(`before.`)
	// What is the default is not shown, and is the same poll as without.
	g.do("PUT", "/v1/polls/q", twoOptions).want(201).lacks("audience").lacks("option_order").lacks("description").lacks("contact")
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo"],"audience":"roles","option_order":"listed","description":"","contact":""}`).want(200)
	for body, field := range map[string]string{
		`{"options":["ann","bo"],"audience":"all"}`:                                         "audience",
		`{"options":["ann","bo"],"option_order":"random"}`:                                  "option_order",
		`{"options":["ann","bo"],"description":"a\r\nb"}`:                                   "description",
		`{"options":["ann",{"id":"bo","description":"` + strings.Repeat("x", 4097) + `"}]}`: "options[1].description",
		`{"options":["ann","bo"],"contact":"a\nb"}`:                                         "contact",
		`{"options":["ann",{"id":"bo","description":"\u202e"}]}`:                            "options[1].description",
	} {
		g.do("PUT", "/v1/polls/s", body).want(422).code("invalid_poll").holds(`"field":"` + field + `"`)
	}
}

// The digest of a certified poll is the one that a backup of it has.
func TestCertifiedResultsHaveTheDigestOfThePoll(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "v1", forAnn)
	g.do("GET", "/v1/polls/p/results", "").want(200).lacks(`"digest"`)
	g.close("p")
	got, _ := g.do("GET", "/v1/polls/p/results", "").want(200).json()["digest"].(string)
	info, _, err := g.h.info("p")
	if err != nil || len(got) != 64 || got != hex.EncodeToString(info.Digest[:]) {
		t.Errorf("the results say %q, the poll has %x, %v", got, info.Digest, err)
	}
	g.do("GET", "/v1/polls/p/results?format=report", "").want(200).holds(got)
	g.poll("q", twoOptions)
	g.cast("q", "v1", forBo)
	g.close("q")
	if other := g.do("GET", "/v1/polls/q/results", "").want(200).json()["digest"]; other == got {
		t.Error("two polls have one digest")
	}
}
