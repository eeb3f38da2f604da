package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

const anns = "/v1/polls/p/ballots/v-17"

func TestTheFirstBallotIsCounted(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	a := g.do("PUT", anns, forAnn).want(201)
	a.has("ETag", `"1"`).has("Location", anns).has("Idempotent-Replayed", "").has("Cache-Control", "no-store")
	a.has("Voted-Node", "n1").has("Voted-Leader", "n2").has("Voted-Index", "2")
	if want := `{"poll":"p","voter":"v-17","outcome":"counted","version":1,"ballot":1,"index":2,"cast_at":"2026-12-01T12:00:00.000Z"}` + "\n"; a.body != want {
		t.Errorf("receipt is\n%swant\n%s", a.body, want)
	}
}

func TestARetryReturnsTheFirstReceipt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	first := g.do("PUT", anns, forAnn).want(201)
	g.b.pass(time.Second)
	for _, after := range []string{"while the poll is open", "after it has closed"} {
		again := g.do("PUT", anns, ` { "selections" : [ "ann" ] } `).want(200).has("Idempotent-Replayed", "true").has("ETag", `"1"`)
		if want := strings.Replace(first.body, "counted", "replayed", 1); again.body != want {
			t.Errorf("%s the retry says %s, not %s", after, again.body, want)
		}
		g.close("p")
	}
}

func TestARetryOfAFinalBallotIsAnsweredWithoutAProposal(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "v-17", forAnn)
	g.b.set(func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") })
	g.do("PUT", anns, forAnn).want(200).has("Idempotent-Replayed", "true")
	g.do("GET", "/metrics", "").holds("voted_ballots_settled_total 1\n")
}

func TestANodeThatHasNotMetItsClusterYetAnswersForNoBallot(t *testing.T) {
	t.Parallel()
	// Given a node whose directory may be that of another cluster …
	g := newRig(t)
	g.poll("p", twoOptions)
	g.cast("p", "v-17", forAnn)
	g.b.set(func(b *backend) { b.behind, b.fault = true, refusal.New(refusal.Unavailable, "No leader.") })
	// … what it holds is no answer to a ballot.
	g.do("PUT", anns, forAnn).want(503)
}

func TestAnotherBallotOfTheSameVoter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, poll, ifMatch string
		status              int
		code, etag          string
	}{
		{"is a conflict where no revotes are allowed", twoOptions, "", 409, "already_voted", `"1"`},
		{"is a conflict there whatever version it names", twoOptions, `"1"`, 409, "already_voted", `"1"`},
		{"is a conflict without the version it replaces", revotable, "", 409, "already_voted", `"1"`},
		{"replaces the version it names", revotable, `"1"`, 200, "", `"2"`},
		{"is refused with another version", revotable, `"7"`, 412, "version_mismatch", `"1"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", c.poll)
			g.cast("p", "v-17", forAnn)
			a := g.do("PUT", anns, forBo, "If-Match", c.ifMatch).want(c.status).has("ETag", c.etag)
			if c.code != "" {
				a.code(c.code)
			} else {
				a.holds(`"outcome":"replaced","version":2,"ballot":2`)
			}
		})
	}
}

func TestALateDuplicateNeverRevertsANewerBallot(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", revotable)
	g.cast("p", "v-17", forAnn)
	g.do("PUT", anns, forBo, "If-Match", `"1"`).want(200)
	g.do("PUT", anns, forAnn).want(409).code("superseded").has("ETag", `"2"`)
	g.do("PUT", anns, forBo, "If-Match", `"1"`).want(200).has("Idempotent-Replayed", "true").has("ETag", `"2"`)
	g.do("GET", anns, "").want(200).holds(`"outcome":"replaced","version":2`).has("ETag", `"2"`)
	g.do("PUT", "/v1/polls/p/ballots/new", forAnn, "If-Match", `"1"`).want(412).code("version_mismatch").has("ETag", "")
}

func TestABallotThatBreaksTheRulesIsAnsweredByThePollsPhaseFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, poll, ballot, code string }{
		{"unknown option in an open poll", twoOptions, `{"selections":["cy"]}`, "invalid_ballot"},
		{"overvote in an open poll", twoOptions, `{"selections":["ann","bo"]}`, "invalid_ballot"},
		{"undervote in an open poll", twoOptions, `{"selections":[]}`, "invalid_ballot"},
		{"an option named twice", `{"options":["ann","bo"],"method":"approval"}`, `{"selections":["ann","ann"]}`, "invalid_ballot"},
		{"a ranking where selections are asked for", twoOptions, `{"ranking":["ann"]}`, "invalid_ballot"},
		{"a tie where the method has none", ranked, `{"ranking":[["ann","bo"]]}`, "invalid_ballot"},
		{"a score that is too high", scored, `{"scores":{"ann":11}}`, "invalid_ballot"},
		{"a negative score", scored, `{"scores":{"ann":-1}}`, "invalid_ballot"},
		{"unknown option before the opening", future, `{"selections":["cy"]}`, "poll_not_open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", c.poll)
			a := g.do("PUT", anns, c.ballot).code(c.code)
			if c.code == "invalid_ballot" {
				a.want(422).holds(`"errors":[{"field":"`)
			}
			g.close("p")
			g.do("PUT", anns, c.ballot).want(409).code("poll_closed")
			g.do("GET", anns, "").want(404).code("ballot_not_found")
		})
	}
}

func TestEveryFormOfBallotIsTaken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, poll, ballot, same string }{
		{"selections in any order", `{"options":["ann","bo"],"method":"approval"}`, `{"selections":["ann","bo"]}`, `{"selections":["bo","ann"]}`},
		{"a ranking", ranked, `{"ranking":["cy","ann"]}`, `{"ranking":[["cy"],"ann"]}`},
		{"scores in any order", scored, `{"scores":{"ann":5,"bo":0}}`, `{"scores":{"bo":0,"ann":5}}`},
		{"escapes in ids", twoOptions, `{"selections":["\u0061nn"]}`, forAnn},
		{"a blank ballot where that is allowed", `{"options":["ann","bo"],"min_selections":0}`, `{"selections":[]}`, `{"selections": [ ]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", c.poll)
			g.do("PUT", anns, c.ballot).want(201)
			g.do("PUT", anns, c.same).want(200).has("Idempotent-Replayed", "true")
		})
	}
}

func TestVotersArePercentEncodedInPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, voter string }{
		{"a slash", "a%2Fb", "a/b"},
		{"a blank and a plus", "a%20b+c", "a b+c"},
		{"a percent sign", "100%25", "100%"},
		{"a quote", "%22", `\"`},
		{"letters of other scripts", "%D0%B0%D0%BD%D0%BD%D0%B0", "анна"},
		{"an encoded path that looks like a step up, and more", "%2E%2E%2Fx", "../x"},
		{"256 bytes", strings.Repeat("v", 256), strings.Repeat("v", 256)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", twoOptions)
			a := g.do("PUT", "/v1/polls/p/ballots/"+c.path, forAnn).want(201).holds(`"voter":"` + c.voter + `"`)
			g.do("GET", a.header.Get("Location"), "").want(200).holds(`"voter":"` + c.voter + `"`)
		})
	}
}

func TestVotersThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	for _, path := range []string{".", "..", "%2E", "%2e%2e", "%00", "a%0Ab", "%7F", "%FF", "%C2%85", strings.Repeat("v", 257)} {
		before := g.b.digest()
		g.do("PUT", "/v1/polls/p/ballots/"+path, forAnn).want(422).code("invalid_voter")
		g.do("GET", "/v1/polls/p/ballots/"+path, "").want(422).code("invalid_voter")
		if g.b.digest() != before {
			t.Errorf("the voter %s changed the state", path)
		}
	}
}

func TestTheVotersIDReachesTheLogOnlyInOpenPolls(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("hidden", twoOptions)
	g.poll("roll", roll)
	g.cast("hidden", "v-17", forAnn)
	g.cast("roll", "v-17", forAnn)
	if got := g.b.casts[0][0].Voter; got != "" {
		t.Errorf("a secret poll's ballot names %q", got)
	}
	if got := g.b.casts[1][0].Voter; got != "v-17" {
		t.Errorf("an open poll's ballot names %q", got)
	}
	if strings.Contains(g.log.String(), "v-17") || strings.Contains(g.log.String(), "ann") {
		t.Errorf("the log names a voter or a choice:\n%s", g.log)
	}
}

func TestAPollThatThisNodeDoesNotKnowIsLookedForBefore404(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	held := make(chan struct{})
	g.b.set(func(b *backend) { b.syncHeld = held })
	done := make(chan answer)
	go func() { done <- g.do("PUT", anns, forAnn) }()
	// The node catches up: the poll was created elsewhere.
	definition := poll.Definition{ID: "p", Options: []poll.Option{{ID: "ann"}, {ID: "bo"}}, MinSelections: 1}.WithDefaults()
	if r, err := g.b.Execute(t.Context(), poll.Create{Definition: definition}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	close(held)
	(<-done).want(201)
}

func TestAWaitThatEndsTellsWhetherAnythingWasApplied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(b *backend)
		code   string
	}{
		{"no read index", func(b *backend) { b.syncHeld = make(chan struct{}) }, "unavailable"},
		{"a proposal without an answer", func(b *backend) { b.castHeld = make(chan struct{}) }, "outcome_unknown"},
		{"a member without a leader", func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") }, "unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, func(o *Options) { o.RequestTimeout = 20 * time.Millisecond })
			g.poll("p", twoOptions)
			g.b.set(c.change)
			path := anns
			if c.name == "no read index" {
				path = "/v1/polls/q/ballots/v"
			}
			a := g.do("PUT", path, forAnn).want(503).code(c.code).holds(`"retryable":true`)
			if s := a.header.Get("Retry-After"); s < "1" || s > "3" {
				t.Errorf("Retry-After is %q", s)
			}
		})
	}
}

func TestPreferWaitShortensTheTimeout(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.RequestTimeout = time.Hour })
	g.poll("p", twoOptions)
	g.b.set(func(b *backend) { b.castHeld = make(chan struct{}) })
	g.do("PUT", anns, forAnn, "Prefer", "wait=0").want(503).code("outcome_unknown")
	// Bulk as well: neither its look at the poll nor its ballots are held for longer.
	g.do("POST", "/v1/polls/p/ballots", `{"voter":"v","selections":["ann"]}`, "Content-Type", mediaNDJSON, "Prefer", "wait=0").
		want(503).code("outcome_unknown")
}

func TestAnUnknownOutcomeBecomesAReplay(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", revotable)
	g.b.set(func(b *backend) { b.forgetful = refusal.New(refusal.OutcomeUnknown, "The leader died.") })
	g.do("PUT", anns, forAnn).want(503).code("outcome_unknown")
	g.b.set(func(b *backend) { b.forgetful = nil })
	g.do("PUT", anns, forAnn).want(200).holds(`"outcome":"replayed","version":1,"ballot":1`)
}

func TestWhatIsUnexpectedIsLoggedAndNotShown(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.b.set(func(b *backend) { b.fault = errors.New("bolt: page 7 is torn") })
	g.do("PUT", anns, forAnn, "X-Request-Id", "abc-1").want(500).code("internal").lacks("bolt").holds(`"request_id":"abc-1"`)
	if log := g.log.String(); !strings.Contains(log, "page 7 is torn") || !strings.Contains(log, "abc-1") {
		t.Errorf("the log does not say what happened:\n%s", log)
	}
}
