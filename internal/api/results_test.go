package api

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"voted/internal/tally"
)

func TestResultsOfAPluralityPoll(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":0,"certified":false,"winners":[]`)
	g.cast("p", "u", forAnn)
	g.cast("p", "v", forAnn)
	g.cast("p", "w", forBo)
	a := g.do("GET", "/v1/polls/p/results?consistency=linearizable", "").want(200).has("Voted-Index", "4").has("Voted-Age", "")
	want := `{"poll":"p","method":"plurality","state":"open","index":4,"ballots":3,"certified":false,"winners":["ann"],` +
		`"options":[{"id":"ann","votes":2},{"id":"bo","votes":1}],` +
		`"tie_breaking":"Options that share the highest number of votes all win: a tie is reported, not broken.","ranking":[["ann"],["bo"]]}` + "\n"
	if a.body != want {
		t.Errorf("results are\n%swant\n%s", a.body, want)
	}
	g.close("p")
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"state":"closed","index":5,"ballots":3,"certified":true,"closed_index":5`)
}

func TestResultsShowWhatTheMethodGives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, poll string
		ballots    []string
		want       string
	}{
		{
			"scores with their means", scored,
			[]string{`{"scores":{"ann":5,"bo":0}}`, `{"scores":{"ann":4}}`},
			`"winners":["ann"],"options":[{"id":"ann","score":9,"mean":4.5,"ballots":2},{"id":"bo","score":0,"mean":0,"ballots":1}]`,
		},
		{
			"the rounds of an instant runoff", ranked,
			[]string{`{"ranking":["ann"]}`, `{"ranking":["ann"]}`, `{"ranking":["bo"]}`, `{"ranking":["bo"]}`, `{"ranking":["cy","bo"]}`},
			`"rounds":[{"votes":{"ann":2,"bo":2,"cy":1},"eliminated":["cy"],"exhausted":0,"threshold":3},{"votes":{"ann":2,"bo":3},"eliminated":[],"exhausted":0,"elected":["bo"],"threshold":3}]`,
		},
		{
			"how a tie was decided", ranked,
			[]string{`{"ranking":["ann","bo"]}`, `{"ranking":["bo","ann"]}`},
			`"decided":"`,
		},
		{
			"who else could have won where the order decided a tie", ranked,
			[]string{`{"ranking":["ann"]}`, `{"ranking":["bo"]}`, `{"ranking":["cy"]}`},
			`,"ties":[{"round":1,"options":["ann","bo","cy"],"step":"listed","chosen":["cy"]},{"round":2,"options":["ann","bo"],"step":"listed","chosen":["bo"]}],` +
				`"other_orders_elect":["bo","cy"],"tie_breaking":`,
		},
		{
			"that the order decided a tie and no other would have elected another", ranked,
			[]string{`{"ranking":["ann"]}`, `{"ranking":["ann"]}`, `{"ranking":["bo","ann"]}`, `{"ranking":["cy","ann"]}`},
			`"step":"listed","chosen":["cy"]}],"other_orders_elect":[],"tie_breaking":`,
		},
		{
			"a tie for first place that is reported", twoOptions,
			[]string{forAnn, forBo},
			`"winners":["ann","bo"],"options":[{"id":"ann","votes":1},{"id":"bo","votes":1}],"ties":[{"options":["ann","bo"],"step":"report","chosen":["ann","bo"]}],"tie_breaking":`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", c.poll)
			for i, b := range c.ballots {
				g.cast("p", fmt.Sprint("v", i), b)
			}
			g.do("GET", "/v1/polls/p/results", "").want(200).holds(c.want).holds(`"tie_breaking":"`)
		})
	}
}

// Each answer is held against the reference as well.
func TestEveryMethodCountsAPollAndShowsWhatItGives(t *testing.T) {
	t.Parallel()
	shows := map[string]string{
		"plurality": `"votes":3`, "approval": `"votes":3`, "score": `"score":15`, "irv": `"pairwise":{"ann":{`,
		"star": `"finalists":["ann","bo"]`, "star_pr": `"elected":["ann"`, "stv": `"quota":`, "borda": `"points":`,
		"schulze": `"paths":{"ann":{`, "ranked_pairs": `"locked":[["ann","cy"]`, "minimax": `"worst_defeat":{"ann":`, "copeland": `"wins":2`,
	}
	for _, name := range tally.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := tally.ByName(name)
			seats := 2
			if m.OneSeat {
				seats = 1
			}
			ballots := map[tally.Form][]string{
				tally.Choice:  {forAnn, forAnn, forAnn, forBo, forBo},
				tally.Ranking: {`{"ranking":["ann","bo","cy"]}`, `{"ranking":["ann","bo","cy"]}`, `{"ranking":["ann","cy"]}`, `{"ranking":["bo","cy","ann"]}`, `{"ranking":["cy","bo"]}`},
				tally.Scores:  {`{"scores":{"ann":5,"bo":3}}`, `{"scores":{"ann":5,"bo":3}}`, `{"scores":{"ann":5,"cy":1}}`, `{"scores":{"bo":5}}`, `{"scores":{"cy":2}}`},
			}[m.Form]
			g := newRig(t)
			g.poll("p", fmt.Sprintf(`{"options":["ann","bo","cy"],"method":%q,"seats":%d,"tie_break":"listed"}`, name, seats))
			for i, b := range ballots {
				g.cast("p", fmt.Sprint("v", i), b)
			}
			a := g.do("GET", "/v1/polls/p/results", "").want(200).holds(shows[name])
			var got struct{ Winners []string }
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got.Winners) != seats || got.Winners[0] != "ann" {
				t.Errorf("the winners are %v of %d: %v\n%s", got.Winners, seats, err, a.body)
			}
		})
	}
}

func TestHiddenResultsShowNothingUntilThePollCloses(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", secretTill)
	g.cast("p", "v", forAnn)
	for _, path := range []string{"/results", "/results?consistency=stale", "/results/stream", "/results/repeats", "/ballots", "/ballots?format=csv"} {
		g.do("GET", "/v1/polls/p"+path, "").want(403).code("results_hidden").lacks("ann")
	}
	g.do("GET", "/v1/polls/p", "").want(200).lacks(`"ballots":`)
	g.do("GET", "/v1/polls", "").want(200).lacks(`"ballots":`)
	g.close("p")
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"winners":["ann"]`)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"ballots":1`)
}

func TestStaleResultsWaitForNothingAndTellTheirAge(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.b.set(func(b *backend) {
		b.syncHeld = make(chan struct{})
		b.age = 1250 * time.Millisecond
		b.leader = ""
	})
	g.do("GET", "/v1/polls/p/results?consistency=stale", "").want(200).has("Voted-Age", "1.250").has("Voted-Leader", "")
	g.do("GET", "/v1/polls/p/results", "", "Prefer", "wait=0").want(503).code("unavailable")
	g.do("GET", "/v1/polls/p/results?consistency=maybe", "").want(400)
}

func TestUnchangedResultsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", future)
	g.poll("other", twoOptions)
	tag := g.do("GET", "/v1/polls/p/results", "").want(200).header.Get("ETag")
	g.cast("other", "v", forAnn)
	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", tag).want(304).has("Voted-Index", "3")
	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", `"x", `+tag).want(304)
	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", `"x"`).want(200)
	g.b.pass(24 * time.Hour) // it opens: nothing in the log says so
	g.do("GET", "/v1/polls/p/results", "", "If-None-Match", tag).want(200).holds(`"state":"open"`)
}

func TestARankedTallyIsMadeOnceForEachChange(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	g.cast("p", "v", `{"ranking":["ann"]}`)
	first := g.do("GET", "/v1/polls/p/results", "").want(200)
	made := g.h.tallies.polls["p"].latest
	g.poll("other", twoOptions)
	g.do("GET", "/v1/polls/p/results", "").want(200).has("ETag", first.header.Get("ETag")).holds(`"index":3,`)
	if g.h.tallies.polls["p"].latest != made {
		t.Error("a change of another poll made a new tally")
	}
	g.cast("p", "w", `{"ranking":["bo"]}`)
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":2`)
}

func TestConcurrentReadersOfARankedPollSeeWhatWasCountedBefore(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	var wg sync.WaitGroup
	for voter := range 40 {
		wg.Go(func() {
			g.cast("p", fmt.Sprint("v", voter), `{"ranking":["ann","bo"]}`)
			a := g.do("GET", "/v1/polls/p/results", "").want(200)
			if a.json()["ballots"].(float64) < 1 {
				t.Errorf("a reader does not see its own ballot: %s", a.body)
			}
		})
	}
	wg.Wait()
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":40`)
}

func TestTheCacheOfTalliesIsBounded(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for i := range maxCachedTallies + 5 {
		id := fmt.Sprint("p", i)
		g.poll(id, ranked)
		g.do("GET", "/v1/polls/"+id+"/results", "").want(200)
	}
	if n := len(g.h.tallies.polls); n > maxCachedTallies {
		t.Errorf("%d tallies are kept", n)
	}
}
