package api

import (
	"fmt"
	"sync"
	"testing"
	"time"
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
		`"tie_breaking":"Options that share the highest number of votes all win: a tie is reported, not broken."}` + "\n"
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
			`"rounds":[{"votes":{"ann":2,"bo":2,"cy":1},"eliminated":["cy"],"exhausted":0},{"votes":{"ann":2,"bo":3},"eliminated":[],"exhausted":0}]`,
		},
		{
			"how a tie was decided", ranked,
			[]string{`{"ranking":["ann","bo"]}`, `{"ranking":["bo","ann"]}`},
			`"decided":"`,
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

func TestHiddenResultsShowNothingUntilThePollCloses(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", secretTill)
	g.cast("p", "v", forAnn)
	for _, path := range []string{"/results", "/results?consistency=stale", "/results/stream", "/ballots", "/ballots?format=csv"} {
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
