package api

import (
	"strings"
	"testing"
)

func TestReadersOfASecretPollSeeHowManyChoseWhatOnceItHasClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		poll    string
		ballots []string // of v0, v1, …
		ndjson  string
		csv     string
	}{
		"choices": {
			revotable,
			[]string{forBo, forAnn, forBo, `{"selections":["bo"]}`},
			`{"selections":["ann"],"count":1}` + "\n" + `{"selections":["bo"],"count":3}` + "\n", "selections,count\nann,1\nbo,3\n",
		},
		"rankings, one of them alone": {
			ranked,
			[]string{`{"ranking":["cy","ann"]}`, `{"ranking":["ann"]}`, `{"ranking":["cy","ann"]}`},
			`{"ranking":["ann"],"count":1}` + "\n" + `{"ranking":["cy","ann"],"count":2}` + "\n", "ranking,count\nann,1\ncy>ann,2\n",
		},
		"scores":     {scored, []string{`{"scores":{"ann":5,"bo":0}}`}, `{"scores":{"ann":5,"bo":0},"count":1}` + "\n", "scores,count\nann=5;bo=0,1\n"},
		"no ballots": {twoOptions, nil, "", "selections,count\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a secret poll that is open
			g := newRig(t)
			g.poll("p", c.poll)
			for i, b := range c.ballots {
				g.cast("p", "v"+string(rune('0'+i)), b)
			}
			// then nothing is shown but its results
			g.do("GET", "/v1/polls/p/ballots", "").want(409).code("poll_not_closed").holds("once the poll has closed")
			g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(409).code("poll_not_closed")
			// and once it has closed its choices, sorted, with neither number nor key nor time
			g.close("p")
			if a := g.do("GET", "/v1/polls/p/ballots", "").want(200).has("Content-Type", mediaNDJSON); a.body != c.ndjson {
				t.Errorf("the profile is\n%swant\n%s", a.body, c.ndjson)
			}
			if a := g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200).has("Content-Type", "text/csv"); a.body != c.csv {
				t.Errorf("the profile is\n%swant\n%s", a.body, c.csv)
			}
			g.do("HEAD", "/v1/polls/p/ballots", "").want(200)
		})
	}
}

func TestAProfileCountsReplacedBallotsOnceAndSumsWeights(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"revote":"until_close","eligibility":"roll"}`)
	g.upload("p", `{"voter":"u","weight":3}`+"\n"+`{"voter":"v","weight":1000000}`+"\n"+`{"voter":"w"}`).want(200)
	g.cast("p", "u", forAnn)
	g.cast("p", "v", forAnn)
	g.cast("p", "w", forBo)
	g.do("PUT", "/v1/polls/p/ballots/w", forAnn, "If-Match", `"1"`).want(200)
	g.do("PUT", "/v1/polls/p/ballots/u", forBo, "If-Match", `"1"`).want(200)
	g.close("p")
	want := `{"selections":["ann"],"count":2,"weight":1000001}` + "\n" + `{"selections":["bo"],"count":1,"weight":3}` + "\n"
	if a := g.do("GET", "/v1/polls/p/ballots", "").want(200); a.body != want {
		t.Errorf("the profile is\n%swant\n%s", a.body, want)
	}
	if a := g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200); a.body != "selections,count,weight\nann,2,1000001\nbo,1,3\n" {
		t.Errorf("the profile is\n%s", a.body)
	}
}

func TestPollsThatHideTheirResultsHideTheirProfileAndTheirLog(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", secretTill)
	g.cast("p", "v", forAnn)
	g.do("GET", "/v1/polls/p/ballots", "").want(403).code("results_hidden")
	g.do("GET", "/v1/polls/p/audit", "").want(403).code("results_hidden")
	g.close("p")
	g.do("GET", "/v1/polls/p/ballots", "").want(200)
	g.do("GET", "/v1/polls/p/audit", "").want(200)
}

func TestOpenPollsAndPollsThatDiscloseTheirBallotsShowThemWhileTheyAreOpen(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for id, definition := range map[string]string{"open": roll, "shown": shownSecret} {
		g.poll(id, definition)
		g.cast(id, "v", forAnn)
		if a := g.do("GET", "/v1/polls/"+id+"/ballots", "").want(200); !strings.HasPrefix(a.body, `{"ballot":1,"voter`) {
			t.Errorf("%s: the export is %s", id, a.body)
		}
	}
}
