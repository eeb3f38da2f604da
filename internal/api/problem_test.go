package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/trace"
)

func TestEveryCodeHasAStatusAndATitle(t *testing.T) {
	t.Parallel()
	for _, code := range poll.Codes() {
		kind, ok := problemKinds[code]
		if !ok || kind.title == "" || kind.status < 400 || http.StatusText(kind.status) == "" {
			t.Errorf("%s has no problem: %+v", code, kind)
		}
	}
	if len(problemKinds) != len(poll.Codes()) {
		t.Errorf("there are %d problems for %d codes", len(problemKinds), len(poll.Codes()))
	}
}

func TestEveryCodeOfTheContractReachesAClientWithItsStatus(t *testing.T) {
	t.Parallel()
	fromBelow := func(code poll.Code) func(g *rig) answer {
		return func(g *rig) answer {
			g.b.set(func(b *backend) { b.fault = poll.Refuse(code, "Said by the cluster.") })
			return g.do("PUT", "/v1/polls/p/ballots/v", forAnn)
		}
	}
	const ballot = "/v1/polls/p/ballots/v"
	produce := map[poll.Code]struct {
		status int
		how    func(g *rig) answer
	}{
		poll.CodePollNotFound:   {404, func(g *rig) answer { return g.do("GET", "/v1/polls/q", "") }},
		poll.CodeBallotNotFound: {404, func(g *rig) answer { return g.do("GET", ballot, "") }},
		poll.CodePollExists:     {409, func(g *rig) answer { return g.do("PUT", "/v1/polls/p", ranked) }},
		poll.CodeAlreadyVoted: {409, func(g *rig) answer {
			g.cast("p", "v", forAnn)
			return g.do("PUT", ballot, forBo)
		}},
		poll.CodeSuperseded: {409, func(g *rig) answer {
			g.cast("p", "v", forAnn)
			g.do("PUT", ballot, forBo, "If-Match", `"1"`).want(200)
			return g.do("PUT", ballot, forAnn)
		}},
		poll.CodeVersionMismatch: {412, func(g *rig) answer { return g.do("PUT", ballot, forAnn, "If-Match", `"3"`) }},
		poll.CodePollNotOpen: {409, func(g *rig) answer {
			g.poll("q", future)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		poll.CodePollClosed: {409, func(g *rig) answer {
			g.close("p")
			return g.do("PUT", ballot, forAnn)
		}},
		poll.CodePollNotClosed: {409, func(g *rig) answer { return g.do("DELETE", "/v1/polls/p", "") }},
		poll.CodePollFull: {409, func(g *rig) answer {
			g.poll("q", `{"options":["ann","bo"],"max_ballots":1}`)
			g.cast("q", "u", forAnn)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		poll.CodeResultsHidden: {403, func(g *rig) answer {
			g.poll("q", secretTill)
			return g.do("GET", "/v1/polls/q/results", "")
		}},
		poll.CodeInvalidBallot:         {422, func(g *rig) answer { return g.do("PUT", ballot, `{"selections":["cy"]}`) }},
		poll.CodeInvalidPoll:           {422, func(g *rig) answer { return g.do("PUT", "/v1/polls/q", `{"options":["ann"]}`) }},
		poll.CodeMalformedRequest:      {400, func(g *rig) answer { return g.do("PUT", ballot, `{`) }},
		poll.CodeIdempotencyKeyMissing: {400, func(g *rig) answer { return g.do("POST", "/v1/polls", twoOptions) }},
		poll.CodeIdempotencyKeyReused: {422, func(g *rig) answer {
			g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", `"k"`).want(201)
			return g.do("POST", "/v1/polls", ranked, "Idempotency-Key", `"k"`)
		}},
		poll.CodeUnauthenticated: {401, nil}, // until there is authentication, the table alone has it
		poll.CodeForbidden:       {403, fromBelow(poll.CodeForbidden)},
		poll.CodeNotEligible: {403, func(g *rig) answer {
			g.poll("q", members)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		poll.CodeRollNotFound: {404, func(g *rig) answer { return g.do("GET", "/v1/polls/p/roll", "") }},
		poll.CodeVoterNotFound: {404, func(g *rig) answer {
			g.poll("q", members)
			return g.do("GET", "/v1/polls/q/roll/v", "")
		}},
		poll.CodeConfirmationNeeded: {409, func(g *rig) answer {
			return g.do("POST", "/v1/restore", "b", "Content-Type", mediaBackup)
		}},
		poll.CodeInvalidBackup: {422, func(g *rig) answer {
			g.b.set(func(b *backend) { b.restoreFault = poll.Refuse(poll.CodeInvalidBackup, "It is damaged.") })
			return g.do("POST", "/v1/restore?confirm=1+poll+and+0+ballots", "b", "Content-Type", mediaBackup)
		}},
		poll.CodePayloadTooLarge:      {413, func(g *rig) answer { return g.do("PUT", ballot, strings.Repeat(" ", maxBallotBytes+1)) }},
		poll.CodeUnsupportedMediaType: {415, func(g *rig) answer { return g.do("PUT", ballot, forAnn, "Content-Type", "text/plain") }},
		poll.CodeNotAcceptable:        {406, func(g *rig) answer { return g.do("GET", "/v1/polls/p", "", "Accept", "text/html") }},
		poll.CodeNotFound:             {404, func(g *rig) answer { return g.do("GET", "/v2", "") }},
		poll.CodeMethodNotAllowed:     {405, func(g *rig) answer { return g.do("DELETE", ballot, "") }},
		poll.CodeMemberExists:         {409, func(g *rig) answer { return g.do("POST", "/v1/cluster/members", `{"id":"n1","peer":"h:1"}`) }},
		poll.CodeMemberNotFound:       {404, func(g *rig) answer { return g.do("DELETE", "/v1/cluster/members/n9", "") }},
		poll.CodeQuorumAtRisk:         {409, func(g *rig) answer { return g.do("DELETE", "/v1/cluster/members/n1", "") }},
		poll.CodeTooManyRequests:      {429, fromBelow(poll.CodeTooManyRequests)},
		poll.CodeUnavailable:          {503, fromBelow(poll.CodeUnavailable)},
		poll.CodeOutcomeUnknown:       {503, fromBelow(poll.CodeOutcomeUnknown)},
		poll.CodeStorageFull:          {507, fromBelow(poll.CodeStorageFull)},
		poll.CodeInternal:             {500, fromBelow(poll.CodeInternal)},
	}
	for _, code := range poll.Codes() {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			c, ok := produce[code]
			if !ok {
				t.Fatal("no request produces this code")
			}
			g := newRig(t)
			g.poll("p", revotable)
			if c.how == nil {
				if got := problemKinds[code].status; got != c.status {
					t.Errorf("its status is %d, want %d", got, c.status)
				}
				return
			}
			a := c.how(g).want(c.status).code(code.String())
			p := a.json()
			retryable := c.status == 429 || c.status == 503 || c.status == 507
			if p["retryable"] != retryable || (a.header.Get("Retry-After") != "") != retryable {
				t.Errorf("retryable is %v and Retry-After %q", p["retryable"], a.header.Get("Retry-After"))
			}
			if p["status"] != float64(c.status) || p["type"] != "/problems/"+code.String() || p["request_id"] != a.header.Get("X-Request-Id") {
				t.Errorf("the problem does not fit its response: %s", a.body)
			}
			g.do("GET", "/problems/"+code.String(), "").want(200).holds(problemKinds[code].title)
		})
	}
}

func TestPathsAndMethodsThatDoNotExistAreProblems(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, c := range []struct{ method, path, code, allow string }{
		{"GET", "/", "not_found", ""},
		{"GET", "/v1/polls/", "not_found", ""},
		{"GET", "/v1//polls", "not_found", ""},
		{"GET", "/v1/polls/p/../q", "not_found", ""},
		{"PUT", "/v1/polls/p/ballots/a/b", "not_found", ""},
		{"GET", "/problems/none", "not_found", ""},
		{"POST", "/v1/polls/p", "method_not_allowed", "DELETE, GET, HEAD, PATCH, PUT"},
		{"POST", "/livez", "method_not_allowed", "GET, HEAD"},
		{"OPTIONS", "/v1/polls", "method_not_allowed", "GET, HEAD, POST"},
		{"BREW", "/v1/cluster/leader", "method_not_allowed", "POST"},
	} {
		g.do(c.method, c.path, "").code(c.code).has("Allow", c.allow).has("Location", "")
	}
}

func TestRequestIDsAreTakenOverIfTheyAreSane(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.do("GET", "/livez", "", "X-Request-Id", "trace-42/a").has("X-Request-Id", "trace-42/a")
	seen := map[string]bool{}
	for _, id := range []string{"", "two words", "line\nbreak", "é", strings.Repeat("x", 129)} {
		a := g.do("GET", "/livez", "", "X-Request-Id", id)
		made := a.header.Get("X-Request-Id")
		if made == id || !trace.ValidID(made) || seen[made] {
			t.Errorf("%q was answered as %q", id, made)
		}
		seen[made] = true
	}
}

// bomb is a backend that panics.
type bomb struct{ *backend }

func (bomb) Age() time.Duration { panic("the fuse was lit") }

func TestAPanicIsAProblemWithoutDetailAndALogEntryWithAStack(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.h.cluster = bomb{g.b}
	g.do("GET", "/v1/polls/p/results?consistency=stale", "", "X-Request-Id", "boom-1").want(500).code("internal").lacks("fuse")
	for _, s := range []string{"the fuse was lit", "boom-1", "results.go"} {
		if !strings.Contains(g.log.String(), s) {
			t.Errorf("the log lacks %q:\n%s", s, g.log)
		}
	}
	g.h.cluster = g.b
	g.do("GET", "/metrics", "").holds("voted_http_requests_in_flight 1\n")
}
