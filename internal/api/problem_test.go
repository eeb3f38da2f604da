package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"voted/internal/refusal"
	"voted/internal/trace"
)

func TestEveryCodeHasAStatusAndATitle(t *testing.T) {
	t.Parallel()
	for _, code := range refusal.Codes() {
		kind, ok := problemKinds[code]
		if !ok || kind.title == "" || kind.status < 400 || http.StatusText(kind.status) == "" {
			t.Errorf("%s has no problem: %+v", code, kind)
		}
	}
	if len(problemKinds) != len(refusal.Codes()) {
		t.Errorf("there are %d problems for %d codes", len(problemKinds), len(refusal.Codes()))
	}
}

func TestEveryCodeOfTheContractReachesAClientWithItsStatus(t *testing.T) {
	t.Parallel()
	fromBelow := func(code refusal.Code) func(g *rig) answer {
		return func(g *rig) answer {
			g.b.set(func(b *backend) { b.fault = refusal.New(code, "Said by the cluster.") })
			return g.do("PUT", "/v1/polls/p/ballots/v", forAnn)
		}
	}
	const ballot = "/v1/polls/p/ballots/v"
	produce := map[refusal.Code]struct {
		status int
		how    func(g *rig) answer
	}{
		refusal.PollNotFound:   {404, func(g *rig) answer { return g.do("GET", "/v1/polls/q", "") }},
		refusal.BallotNotFound: {404, func(g *rig) answer { return g.do("GET", ballot, "") }},
		refusal.PollExists:     {409, func(g *rig) answer { return g.do("PUT", "/v1/polls/p", ranked) }},
		refusal.AlreadyVoted: {409, func(g *rig) answer {
			g.cast("p", "v", forAnn)
			return g.do("PUT", ballot, forBo)
		}},
		refusal.Superseded: {409, func(g *rig) answer {
			g.cast("p", "v", forAnn)
			g.do("PUT", ballot, forBo, "If-Match", `"1"`).want(200)
			return g.do("PUT", ballot, forAnn)
		}},
		refusal.VersionMismatch: {412, func(g *rig) answer { return g.do("PUT", ballot, forAnn, "If-Match", `"3"`) }},
		refusal.PollNotOpen: {409, func(g *rig) answer {
			g.poll("q", future)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		refusal.PollClosed: {409, func(g *rig) answer {
			g.close("p")
			return g.do("PUT", ballot, forAnn)
		}},
		refusal.PollNotClosed: {409, func(g *rig) answer { return g.do("DELETE", "/v1/polls/p", "") }},
		refusal.PollFull: {409, func(g *rig) answer {
			g.poll("q", `{"options":["ann","bo"],"max_ballots":1}`)
			g.cast("q", "u", forAnn)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		refusal.ResultsHidden: {403, func(g *rig) answer {
			g.poll("q", secretTill)
			return g.do("GET", "/v1/polls/q/results", "")
		}},
		refusal.InvalidBallot:         {422, func(g *rig) answer { return g.do("PUT", ballot, `{"selections":["cy"]}`) }},
		refusal.InvalidPoll:           {422, func(g *rig) answer { return g.do("PUT", "/v1/polls/q", `{"options":["ann"]}`) }},
		refusal.MalformedRequest:      {400, func(g *rig) answer { return g.do("PUT", ballot, `{`) }},
		refusal.IdempotencyKeyMissing: {400, func(g *rig) answer { return g.do("POST", "/v1/polls", twoOptions) }},
		refusal.IdempotencyKeyReused: {422, func(g *rig) answer {
			g.do("POST", "/v1/polls", twoOptions, "Idempotency-Key", `"k"`).want(201)
			return g.do("POST", "/v1/polls", ranked, "Idempotency-Key", `"k"`)
		}},
		refusal.Unauthenticated: {401, nil}, // until there is authentication, the table alone has it
		refusal.Forbidden:       {403, fromBelow(refusal.Forbidden)},
		refusal.NotEligible: {403, func(g *rig) answer {
			g.poll("q", members)
			return g.do("PUT", "/v1/polls/q/ballots/v", forAnn)
		}},
		refusal.RollNotFound: {404, func(g *rig) answer { return g.do("GET", "/v1/polls/p/roll", "") }},
		refusal.VoterNotFound: {404, func(g *rig) answer {
			g.poll("q", members)
			return g.do("GET", "/v1/polls/q/roll/v", "")
		}},
		refusal.ConfirmationNeeded: {409, func(g *rig) answer {
			return g.do("POST", "/v1/restore", "b", "Content-Type", mediaBackup)
		}},
		refusal.InvalidBackup: {422, func(g *rig) answer {
			g.b.set(func(b *backend) { b.restoreFault = refusal.New(refusal.InvalidBackup, "It is damaged.") })
			return g.do("POST", "/v1/restore?confirm=1+poll+and+0+ballots", "b", "Content-Type", mediaBackup)
		}},
		refusal.CrossOrigin: {403, func(g *rig) answer { return g.do("POST", "/v1/polls/p/close", "", formPost(foreignPage)...) }},
		refusal.Misdirected: {421, func(g *rig) answer {
			g.h.browser.hosts = NewHosts()
			defer func() { g.h.browser.hosts = nil }()
			return g.do("GET", "/v1/polls", "") // httptest calls example.com
		}},
		refusal.InvalidVoter:         {422, func(g *rig) answer { return g.do("PUT", "/v1/polls/p/ballots/zo%EB", forAnn) }},
		refusal.PayloadTooLarge:      {413, func(g *rig) answer { return g.do("PUT", ballot, strings.Repeat(" ", maxBallotBytes+1)) }},
		refusal.UnsupportedMediaType: {415, func(g *rig) answer { return g.do("PUT", ballot, forAnn, "Content-Type", "text/plain") }},
		refusal.NotAcceptable:        {406, func(g *rig) answer { return g.do("GET", "/v1/polls/p", "", "Accept", "text/html") }},
		refusal.NotFound:             {404, func(g *rig) answer { return g.do("GET", "/v2", "") }},
		refusal.MethodNotAllowed:     {405, func(g *rig) answer { return g.do("DELETE", ballot, "") }},
		refusal.MemberExists:         {409, func(g *rig) answer { return g.do("POST", "/v1/cluster/members", `{"id":"n1","peer":"h:1"}`) }},
		refusal.MemberNotFound:       {404, func(g *rig) answer { return g.do("DELETE", "/v1/cluster/members/n9", "") }},
		refusal.QuorumAtRisk:         {409, func(g *rig) answer { return g.do("DELETE", "/v1/cluster/members/n1", "") }},
		refusal.TooManyRequests:      {429, fromBelow(refusal.TooManyRequests)},
		refusal.Unavailable:          {503, fromBelow(refusal.Unavailable)},
		refusal.UpgradePending:       {503, fromBelow(refusal.UpgradePending)},
		refusal.ProofPending: {503, func(g *rig) answer {
			g.h.prover = &provers{b: g.b}
			defer func() { g.h.prover = nil }()
			return g.do("GET", "/v1/polls/p/log/checkpoint", "")
		}},
		refusal.LotDrawn: {409, func(g *rig) answer {
			g.poll("q", byLot)
			g.do("POST", "/v1/polls/q/close", "").want(200)
			g.do("PUT", "/v1/polls/q/lot", `{"seed":"42"}`).want(200)
			return g.do("PUT", "/v1/polls/q/lot", `{"seed":"43"}`)
		}},
		refusal.ScheduleExists: {409, func(g *rig) answer {
			g.do("PUT", "/v1/schedule/s", `{"at":"2030-01-01T00:00:00Z","do":{"close":{"poll":"p"}}}`).want(201)
			return g.do("PUT", "/v1/schedule/s", `{"at":"2030-01-01T00:00:00Z","do":{"delete":{"poll":"p"}}}`)
		}},
		refusal.InvalidSchedule: {422, func(g *rig) answer {
			return g.do("PUT", "/v1/schedule/s", `{"at":"2020-01-01T00:00:00Z","do":{"close":{"poll":"p"}}}`)
		}},
		refusal.ScheduleNotFound: {404, func(g *rig) answer { return g.do("GET", "/v1/schedule/s", "") }},
		refusal.EventsGone:       {410, func(g *rig) answer { return g.do("GET", "/v1/events?after=9", "") }},
		refusal.WebhookNotFound:  {404, func(g *rig) answer { return g.do("GET", "/v1/webhooks/w", "") }},
		refusal.WebhookExists:    {409, fromBelow(refusal.WebhookExists)},
		refusal.InvalidWebhook:   {422, fromBelow(refusal.InvalidWebhook)},
		refusal.WebhooksOff:      {501, func(g *rig) answer { return g.do("PUT", "/v1/webhooks/w", aWebhook) }},
		refusal.OutcomeUnknown:   {503, fromBelow(refusal.OutcomeUnknown)},
		refusal.StorageFull:      {507, fromBelow(refusal.StorageFull)},
		refusal.Internal:         {500, fromBelow(refusal.Internal)},
	}
	for _, code := range refusal.Codes() {
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

func TestAProblemMayRepeatWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	rec := httptest.NewRecorder()
	w := &response{ResponseWriter: rec, h: g.h, endpoint: g.h.unmatched}
	e := malformed("It says %s.", "caf\xe9")
	e.Fields = []refusal.FieldError{{Field: "caf\xe9", Detail: "It is caf\xe9."}}
	writeProblem(w, e)
	answer{t, rec.Code, rec.Header(), rec.Body.String()}.want(400).code("malformed_request").holds("caf")
}
