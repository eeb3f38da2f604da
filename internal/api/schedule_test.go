package api

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
)

// scheduleRig is a rig whose state can schedule. Its clock begins at 12:00.
func scheduleRig(t *testing.T, change ...func(o *Options)) *rig {
	t.Helper()
	g := newRig(t, change...)
	g.b.set(func(b *backend) { b.apply(func(s *poll.State) { s.Do(poll.Raise{Level: poll.ScheduleLevel}) }) })
	return g
}

func TestWhatIsScheduledIsCarriedOutOnceAndItsOutcomeKept(t *testing.T) {
	t.Parallel()
	g := scheduleRig(t)
	const made = `{"at":"2026-12-01T13:00:00Z","do":{"create":{"id":"p","options":["ann","bo"],"method":"irv","tie_break":"lot","closes_at":"2026-12-01T15:00:00Z"}}}`
	first := g.do("PUT", "/v1/schedule/open", made).want(201).holds(`"state":"pending"`).holds(`"action":"create"`)
	again := g.do("PUT", "/v1/schedule/open", made).want(200).has("Idempotent-Replayed", "true")
	if first.body != again.body {
		t.Errorf("once %s, then %s", first.body, again.body)
	}
	g.do("PUT", "/v1/schedule/open", `{"at":"2026-12-01T13:00:00Z","do":{"close":{"poll":"p"}}}`).want(409).code("schedule_exists")
	g.do("PUT", "/v1/schedule/extend", `{"at":"2026-12-01T14:00:00Z","do":{"patch":{"poll":"p","closes_at":"2026-12-01T16:00:00Z"}}}`).want(201)
	g.do("PUT", "/v1/schedule/draw", `{"at":"2026-12-01T16:00:00Z","do":{"lot":{"poll":"p","seed":"4 8 15"}}}`).want(201)
	g.do("PUT", "/v1/schedule/close", `{"at":"2026-12-01T17:00:00Z","do":{"close":{"poll":"none"}}}`).want(201)
	g.do("PUT", "/v1/schedule/delete", `{"at":"2026-12-01T18:00:00Z","do":{"delete":{"poll":"p"}}}`).want(201)
	g.do("PUT", "/v1/schedule/off", `{"at":"2026-12-01T13:30:00Z","do":{"close":{"poll":"p"}}}`).want(201)
	for range 2 {
		g.do("DELETE", "/v1/schedule/off", "").want(204)
	}
	g.do("GET", "/v1/polls/p", "").want(404)
	g.b.pass(time.Hour)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"closes_at":"2026-12-01T15:00:00.000Z"`)
	g.do("PUT", "/v1/schedule/open", made).want(200).holds(`"state":"done"`)
	g.do("DELETE", "/v1/schedule/open", "").want(409).code("schedule_exists").holds("cannot be called off")
	g.b.pass(4*time.Hour + 30*time.Minute) // one entry of the log carries out what is due, each at its place in time
	g.do("GET", "/v1/schedule/extend", "").want(200).holds(`"state":"done"`)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"closed_at":"2026-12-01T16:00:00.000Z"`).holds(`"seed":"4 8 15"`)
	g.do("GET", "/v1/schedule/close", "").want(200).holds(`"state":"refused"`).holds(`"code":"poll_not_found"`)
	g.b.pass(time.Hour)
	g.do("GET", "/v1/polls/p", "").want(404)
	var states []string
	for _, k := range g.do("GET", "/v1/schedule", "").want(200).json()["schedule"].([]any) {
		o := k.(map[string]any)
		states = append(states, o["id"].(string)+" "+o["state"].(string))
	}
	if want := []string{"open done", "extend done", "draw done", "close refused", "delete done", "off cancelled"}; !slices.Equal(states, want) {
		t.Errorf("the list is %q", states)
	}
	g.wantEvents("?types=schedule.*", "schedule.cancelled ", "schedule.done polls/p", "schedule.done polls/p",
		"schedule.done polls/p", "schedule.done ", "schedule.done polls/p")
	g.do("GET", "/v1/events?types=schedule.done&limit=4", "").want(200).holds(`"outcome":"refused","code":"poll_not_found"`).holds(`"schedule":"draw","action":"lot"`)
}

func TestWhatCannotBeScheduledIsRefusedInWords(t *testing.T) {
	t.Parallel()
	g := scheduleRig(t)
	const at = `"at":"2026-12-01T13:00:00Z"`
	for body, want := range map[string]struct {
		status int
		code   string
		says   string
	}{
		`{"do":{"close":{"poll":"p"}}}`:                                                                     {400, "malformed_request", "RFC 3339"},
		`{` + at + `,"do":{}}`:                                                                              {400, "malformed_request", "one of create, patch, close, delete and lot"},
		`{` + at + `,"do":{"close":{"poll":"p"},"delete":{"poll":"p"}}}`:                                    {400, "malformed_request", "one of create"},
		`{` + at + `,"do":{"close":{"poll":" "}}}`:                                                          {400, "malformed_request", "id of a poll"},
		`{` + at + `,"do":{"vote":{"poll":"p"}}}`:                                                           {400, "malformed_request", "not known"},
		`{` + at + `,"do":{"lot":{"poll":"p","seed":""}}}`:                                                  {400, "malformed_request", "A seed has"},
		`{` + at + `,"do":{"create":{"id":"p","options":["ann"]}}}`:                                         {422, "invalid_poll", "two options"},
		`{` + at + `,"do":{"create":{"id":"p","options":["ann","bo"],"closes_at":"2026-12-01T13:00:00Z"}}}`: {422, "invalid_schedule", "before it is created"},
		`{"at":"2026-12-01T12:00:00Z","do":{"close":{"poll":"p"}}}`:                                         {422, "invalid_schedule", "in the past"},
	} {
		g.do("PUT", "/v1/schedule/x", body).want(want.status).code(want.code).holds(want.says)
	}
	g.do("PUT", "/v1/schedule/%20", `{`+at+`,"do":{"close":{"poll":"p"}}}`).want(404).code("schedule_not_found")
	g.do("GET", "/v1/schedule/x", "").want(404).code("schedule_not_found")
	g.do("DELETE", "/v1/schedule/x", "").want(404).code("schedule_not_found")
}

// Who may schedule a command is who may send it.
func TestTheAuditLogSaysWhatIsScheduled(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	g := scheduleRig(t, func(o *Options) { o.Auth, o.Audit = everybody, l })
	g.do("PUT", "/v1/schedule/off", `{"at":"2026-12-01T13:30:00Z","do":{"delete":{"poll":"p"}}}`, as("admin")...).want(201)
	g.do("PUT", "/v1/schedule/off", `{"at":"2026-12-01T13:30:00Z","do":{"close":{"poll":"q"}}}`, as("admin")...).want(409)
	g.do("PUT", "/v1/schedule/off", `{"at":"2026-12-01T13:30:00Z"}`, as("admin")...).want(400)
	g.do("DELETE", "/v1/schedule/off", "", as("admin")...).want(204)
	var said []string
	for _, e := range l.entries {
		said = append(said, strings.Join(strings.Fields(strings.Join([]string{e.Event, e.Schedule, e.Do, e.Poll}, " ")), " "))
	}
	want := []string{"begin off", "end off delete p", "begin off", "end off close q", "begin off", "end off", "begin off", "end off"}
	if !slices.Equal(said, want) {
		t.Errorf("it says %q, not %q", said, want)
	}
}

func TestASchedulesRolesAreThoseOfItsCommands(t *testing.T) {
	t.Parallel()
	of := permissions["/v1/schedule/{id}"]["PUT"]
	for route, method := range map[string]string{"/v1/polls/{poll}/close": "POST", "/v1/polls/{poll}/lot": "PUT"} {
		if permissions[route][method] != of {
			t.Errorf("%s %s is for %s, scheduling it for %s", method, route, permissions[route][method], of)
		}
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		if permissions["/v1/polls/{poll}"][method] != of {
			t.Errorf("%s of a poll is for %s, scheduling it for %s", method, permissions["/v1/polls/{poll}"][method], of)
		}
	}
	g := scheduleRig(t, func(o *Options) { o.Auth = everybody })
	for who := range maps.Keys(everybody) {
		a := g.do("PUT", "/v1/schedule/x", `{"at":"2026-12-01T13:00:00Z","do":{"close":{"poll":"p"}}}`, as(who)...)
		if may := a.status < 300; may != (who == "admin") {
			t.Errorf("%s: %d", who, a.status)
		}
	}
}
