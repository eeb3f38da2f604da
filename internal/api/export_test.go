package api

import "testing"

func TestAnExportShowsTheBallotsThatCount(t *testing.T) {
	t.Parallel()
	const at = `"cast_at":"2026-12-01T12:00:00.000Z"}` + "\n"
	g := newRig(t)
	g.poll("roll", roll)
	g.cast("roll", "u", forAnn)
	g.cast("roll", "a%22b,c", forAnn)
	g.do("PUT", "/v1/polls/roll/ballots/u", forBo, "If-Match", `"1"`).want(200)
	a := g.do("GET", "/v1/polls/roll/ballots", "").want(200).has("Content-Type", mediaNDJSON).has("Voted-Index", "4")
	if want := `{"ballot":2,"voter":"a\"b,c","selections":["ann"],"version":1,"index":3,` + at +
		`{"ballot":3,"voter":"u","selections":["bo"],"version":2,"index":4,` + at; a.body != want {
		t.Errorf("the export is\n%swant\n%s", a.body, want)
	}
	a = g.do("GET", "/v1/polls/roll/ballots?format=csv", "", "Accept", "application/x-ndjson").want(200).has("Content-Type", "text/csv")
	if want := "ballot,voter,selections,version,index,cast_at\n" +
		"2,\"a\"\"b,c\",ann,1,3,2026-12-01T12:00:00.000Z\n3,u,bo,2,4,2026-12-01T12:00:00.000Z\n"; a.body != want {
		t.Errorf("the export is\n%swant\n%s", a.body, want)
	}
}

func TestASecretPollsExportNamesNoVoter(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "voter-17", forAnn)
	g.do("GET", "/v1/polls/p/ballots", "").want(200).holds(`"voter_key":"`).lacks("voter-17")
	g.do("GET", "/v1/polls/p/ballots", "", "Accept", "text/csv, */*;q=0.1").want(200).holds("ballot,voter_key,selections").lacks("voter-17")
}

func TestExportsWriteBallotsAsClientsDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, poll, ballot, json, csv string }{
		{"several selections", `{"options":["ann","bo"],"method":"approval"}`, `{"selections":["bo","ann"]}`, `"selections":["ann","bo"]`, ",ann;bo,"},
		{"a blank ballot", `{"options":["ann","bo"],"min_selections":0}`, `{"selections":[]}`, `"selections":[]`, ",,"},
		{"a ranking", ranked, `{"ranking":["cy","ann"]}`, `"ranking":["cy","ann"]`, ",cy>ann,"},
		{"scores", scored, `{"scores":{"bo":0,"ann":5}}`, `"scores":{"ann":5,"bo":0}`, ",ann=5;bo=0,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", c.poll)
			g.cast("p", "v", c.ballot)
			g.do("GET", "/v1/polls/p/ballots", "").want(200).holds(c.json)
			g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200).holds(c.csv)
		})
	}
}

func TestFormatsThatAreNotProduced(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("GET", "/v1/polls/p/ballots?format=cvr", "").want(406).code("not_acceptable")
	g.do("GET", "/v1/polls/p/ballots?format=preflib", "").want(406).code("not_acceptable")
	g.do("GET", "/v1/polls/p/ballots?format=xls", "").want(400).code("malformed_request")
	g.do("GET", "/v1/polls/p/ballots", "", "Accept", "text/html").want(406)
	g.do("HEAD", "/v1/polls/p/ballots", "").want(200).has("Content-Type", mediaNDJSON)
	g.do("GET", "/v1/polls/q/ballots", "").want(404).code("poll_not_found")
}
