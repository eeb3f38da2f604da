package api

import (
	"fmt"
	"strings"
	"testing"
)

// hiddenPolls are those whose results no one sees before the close.
const hiddenRevotable = `{"options":["ann","bo"],"results":"after_close","revote":"until_close"}`

func TestWhileResultsAreHiddenNoReceiptCountsTheBallots(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("h", hiddenRevotable)
	const bo = "/v1/polls/h/ballots/bo"
	for i := range 7 {
		g.do("PUT", fmt.Sprint("/v1/polls/h/ballots/v", i), forAnn).want(201).lacks(`"ballot"`)
	}
	g.do("PUT", bo, forAnn).want(201).lacks(`"ballot"`).holds(`"version":1`).holds(`"index":`)
	g.do("PUT", bo, forAnn).want(200).lacks(`"ballot"`).holds(`"replayed"`)
	g.do("PUT", bo, forBo, "If-Match", `"1"`).want(200).lacks(`"ballot"`).holds(`"replaced"`)
	g.do("PUT", bo, forAnn).want(409).code("superseded").lacks(`"ballot"`)
	g.do("PUT", bo, forAnn, "If-Match", `"1"`).want(412).lacks(`"ballot"`)
	g.do("GET", bo, "").want(200).lacks(`"ballot"`).holds(`"version":2`)
	a := g.do("POST", "/v1/polls/h/ballots", `{"voter":"w","selections":["ann"]}`+"\n"+`{"voter":"bo","selections":["bo"]}`, "Content-Type", mediaNDJSON).want(200)
	if a.lacks(`"ballot"`); a.body != `{"line":1,"outcome":"counted","version":1}`+"\n"+`{"line":2,"outcome":"replayed","version":2}`+"\n" {
		t.Errorf("bulk is answered with %s", a.body)
	}
	// After the close the numbers are there, and they are those of the box.
	g.close("h")
	g.do("GET", bo, "").want(200).holds(`"ballot":9`)
	g.do("PUT", bo, forBo).want(200).holds(`"ballot":9`).holds(`"replayed"`)
	a = g.do("POST", "/v1/polls/h/ballots", `{"voter":"w","selections":["ann"]}`, "Content-Type", mediaNDJSON).want(200)
	if want := `{"line":1,"outcome":"replayed","ballot":10,"version":1}` + "\n"; a.body != want {
		t.Errorf("bulk is answered with %s", a.body)
	}
}

func TestWhereResultsAreLiveReceiptsHaveTheirNumbers(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("PUT", "/v1/polls/p/ballots/v", forAnn).want(201).holds(`"ballot":1`)
	g.do("GET", "/v1/polls/p/ballots/v", "").want(200).holds(`"ballot":1`)
	g.do("POST", "/v1/polls/p/ballots", `{"voter":"w","selections":["ann"]}`, "Content-Type", mediaNDJSON).want(200).holds(`"ballot":2`)
}

// The answers about a poll with hidden results and n ballots: except for indexes, times
// and ids of requests they must be the same for every n.
func TestNoAnswerAboutAPollWithHiddenResultsDependsOnTheTurnout(t *testing.T) {
	t.Parallel()
	answers := func(n int) map[string]string {
		g := newRig(t)
		g.poll("h", hiddenRevotable)
		g.poll("r", strings.Replace(hiddenRevotable, "{", `{"eligibility":"roll","quorum":2,`, 1))
		g.upload("r", `{"voter":"me"}`+"\n"+`{"voter":"v0"}`+"\n"+`{"voter":"v1"}`+"\n"+`{"voter":"v2"}`).want(200)
		for i := range n {
			g.cast("h", fmt.Sprint("v", i), forAnn)
			g.cast("r", fmt.Sprint("v", i), forAnn)
		}
		g.cast("h", "me", forAnn)
		g.cast("r", "me", forAnn)
		all := map[string]string{}
		for _, path := range []string{
			"/v1/polls", "/v1/polls/h", "/v1/polls/r", "/v1/polls/h/results", "/v1/polls/h/results?consistency=stale", "/v1/polls/h/results/stream", "/v1/polls/h/results/repeats", "/v1/polls/h/ballots",
			"/v1/polls/h/ballots?format=csv", "/v1/polls/h/ballots/me", "/v1/polls/r/ballots/me", "/v1/polls/r/roll", "/v1/polls/r/roll/me", "/v1/polls/r/results",
		} {
			a := g.do("GET", path, "")
			all[path] = fmt.Sprint(a.status, " ", a.header.Get("Etag"), " ", len(a.header), " ", scrubbed(a.body))
		}
		return all
	}
	few, more := answers(0), answers(3)
	for path, said := range few {
		if more[path] != said {
			t.Errorf("GET %s says, with few ballots,\n%s\nand with more\n%s", path, said, more[path])
		}
	}
}

// scrubbed takes out what differs with every request, or with every entry of the log.
func scrubbed(body string) string {
	for _, name := range []string{`"request_id":`, `"index":`, `"since":`} {
		before, rest, found := strings.Cut(body, name)
		if end := strings.IndexAny(rest, ",}"); found && end >= 0 {
			body = before + rest[end:]
		}
	}
	return body
}
