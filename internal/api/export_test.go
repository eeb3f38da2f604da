package api

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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

func TestAnExportOfAPollWithARollHasTheWeights(t *testing.T) {
	t.Parallel()
	const at = `"cast_at":"2026-12-01T12:00:00.000Z"`
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"secrecy":"open","eligibility":"roll"}`)
	g.upload("p", `{"voter":"u","weight":3}`+"\n"+`{"voter":"v","weight":1000000}`+"\n"+`{"voter":"w"}`).want(200)
	g.cast("p", "v", forAnn)
	g.cast("p", "w", forBo)
	a := g.do("GET", "/v1/polls/p/ballots", "").want(200)
	if want := `{"ballot":1,"voter":"v","selections":["ann"],"version":1,"index":3,` + at + `,"weight":1000000}` + "\n" +
		`{"ballot":2,"voter":"w","selections":["bo"],"version":1,"index":4,` + at + `,"weight":1}` + "\n"; a.body != want {
		t.Errorf("the export is\n%swant\n%s", a.body, want)
	}
	a = g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200)
	if want := "ballot,voter,selections,version,index,cast_at,weight\n" +
		"1,v,ann,1,3,2026-12-01T12:00:00.000Z,1000000\n2,w,bo,1,4,2026-12-01T12:00:00.000Z,1\n"; a.body != want {
		t.Errorf("the export is\n%swant\n%s", a.body, want)
	}
}

func TestAWeightedPollIsCountedAgainFromItsExport(t *testing.T) {
	t.Parallel()
	// Given voters of different weights, some changed before they voted, some dropped
	// afterwards, some of whom replaced their ballots
	const voters = 60
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo","cy"],"method":"irv","revote":"until_close","eligibility":"roll","disclosure":"ballots"}`)
	var lines strings.Builder
	for i := range voters {
		fmt.Fprintf(&lines, `{"voter":"v%d","weight":%d}`+"\n", i, 1+i*i)
	}
	g.upload("p", lines.String()).want(200)
	rankings := []string{`{"ranking":["ann","cy"]}`, `{"ranking":["bo"]}`, `{"ranking":["cy","bo"]}`}
	for i := range voters {
		voter := fmt.Sprint("v", i)
		if i%5 == 0 {
			g.upload("p", fmt.Sprintf(`{"voter":"%s","weight":%d}`, voter, 7+i)).want(200)
		}
		if i%7 == 6 {
			continue // did not vote
		}
		g.cast("p", voter, rankings[i%3])
		if i%4 == 0 {
			g.do("PUT", "/v1/polls/p/ballots/"+voter, rankings[(i+1)%3], "If-Match", `"1"`).want(200)
		}
		if i%6 == 0 {
			g.do("DELETE", "/v1/polls/p/roll/"+voter, "").want(204)
		}
	}
	var told struct {
		Ballots, Weight uint64
		Rounds          []struct{ Votes map[string]uint64 }
	}
	if err := json.Unmarshal([]byte(g.do("GET", "/v1/polls/p/results", "").want(200).body), &told); err != nil {
		t.Fatal(err)
	}
	// when the exports are added up, then they are what the service says
	for format, recount := range map[string]func(*testing.T, string) []firstChoice{"ndjson": firstOfNDJSON, "csv": firstOfCSV} {
		votes, weight := map[string]uint64{}, uint64(0)
		ballots := recount(t, g.do("GET", "/v1/polls/p/ballots?format="+format, "").want(200).body)
		for _, b := range ballots {
			votes[b.option] += b.weight
			weight += b.weight
		}
		if uint64(len(ballots)) != told.Ballots || weight != told.Weight || !maps.Equal(votes, told.Rounds[0].Votes) {
			t.Errorf("%s: %d ballots of weight %d: %v, the service says %+v", format, len(ballots), weight, votes, told)
		}
	}
}

// firstChoice is how an exported ranking begins.
type firstChoice struct {
	option string
	weight uint64
}

func firstOfNDJSON(t *testing.T, export string) (all []firstChoice) {
	for lines := bufio.NewScanner(strings.NewReader(export)); lines.Scan(); {
		var b struct {
			Ranking []string
			Weight  uint64
		}
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		all = append(all, firstChoice{b.Ranking[0], b.Weight})
	}
	return all
}

// firstOfCSV reads the export of a secret poll.
func firstOfCSV(t *testing.T, export string) (all []firstChoice) {
	rows, err := csv.NewReader(strings.NewReader(export)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		first, _, _ := strings.Cut(row[2], ">")
		weight, err := strconv.ParseUint(row[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, firstChoice{first, weight})
	}
	return all
}

func TestASecretPollsExportNamesNoVoter(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", shownSecret)
	g.cast("p", "voter-17", forAnn)
	g.do("GET", "/v1/polls/p/ballots", "").want(200).holds(`"voter_key":"`).lacks("voter-17")
	g.do("GET", "/v1/polls/p/ballots", "", "Accept", "text/csv, */*;q=0.1").want(200).holds("ballot,voter_key,selections").lacks("voter-17")
}

func TestASecretPollsExportTellsNoTimeAndIsInNoOrderOfTime(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", strings.Replace(revotable, "{", `{"disclosure":"ballots",`, 1))
	for i := range 300 {
		g.cast("p", fmt.Sprint("v", i), forAnn)
	}
	g.do("PUT", "/v1/polls/p/ballots/v7", forBo, "If-Match", `"1"`).want(200)
	for _, state := range []string{"open", "closed"} {
		a := g.do("GET", "/v1/polls/p/ballots", "").want(200).lacks("cast_at").lacks("index").lacks("2026-12-01")
		var keys []string
		inOrder := true
		for i, line := range strings.Split(strings.TrimSpace(a.body), "\n") {
			var b struct {
				Ballot int
				Key    string `json:"voter_key"`
			}
			if err := json.Unmarshal([]byte(line), &b); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, b.Key)
			inOrder = inOrder && b.Ballot == i+1
		}
		if len(keys) != 300 || !slices.IsSorted(keys) || inOrder {
			t.Errorf("%s: %d ballots; sorted by key: %v; in the order of casting: %v", state, len(keys), slices.IsSorted(keys), inOrder)
		}
		rows, err := csv.NewReader(strings.NewReader(g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200).lacks("2026-12-01").body)).ReadAll()
		if err != nil || len(rows) != 301 || rows[1][1] != keys[0] || rows[300][1] != keys[299] || strings.Join(rows[0], ",") != "ballot,voter_key,selections,version" {
			t.Errorf("%s: the CSV is of %d rows, %v, %v", state, len(rows), rows[0], err)
		}
		if state == "open" {
			g.close("p")
		}
	}
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
			g.poll("p", strings.Replace(c.poll, "{", `{"disclosure":"ballots",`, 1))
			g.cast("p", "v", c.ballot)
			g.do("GET", "/v1/polls/p/ballots", "").want(200).holds(c.json)
			g.do("GET", "/v1/polls/p/ballots?format=csv", "").want(200).holds(c.csv)
		})
	}
}

func TestFormatsThatAreNotProduced(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", shownSecret)
	g.do("GET", "/v1/polls/p/ballots?format=xls", "").want(400).code("malformed_request").holds("format must be ndjson, csv, cvr, preflib, blt, abif or rctab-csv.")
	g.do("GET", "/v1/polls/p/ballots", "", "Accept", "text/html").want(406).holds("text/x-blt").holds("?format= takes ndjson, csv")
	g.do("HEAD", "/v1/polls/p/ballots", "").want(200).has("Content-Type", mediaNDJSON)
	g.do("GET", "/v1/polls/q/ballots", "").want(404).code("poll_not_found")
}
