package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// aWebhook defines a webhook.
const aWebhook = `{"url":"https://a.example/hooks"}`

// courier stands for the deliverer: it has a key, and its rules about URLs are one.
type courier struct {
	pong     Pong
	attempts []Attempt
	fault    error
	foreign  error // why the key file is not the others'
	pinged   []string
}

func (c *courier) Secret(e *poll.Endpoint) (string, error) {
	return fmt.Sprintf("whsec_%s%d", e.ID, e.Key), c.fault
}

func (c *courier) CheckKey() error { return c.foreign }

func (c *courier) CheckURL(target string) error {
	if !strings.HasPrefix(target, "https://") {
		return errors.New("webhooks go to https:// only")
	}
	return nil
}

func (c *courier) Ping(_ context.Context, e *poll.Endpoint) (Pong, error) {
	c.pinged = append(c.pinged, e.ID)
	return c.pong, c.fault
}

func (c *courier) Attempts(context.Context, *poll.Endpoint) ([]Attempt, error) {
	return c.attempts, c.fault
}

// webhookRig is a rig that has webhooks, of a cluster with an id.
func webhookRig(t *testing.T, change ...func(o *Options)) (*rig, *courier) {
	t.Helper()
	c := &courier{}
	g := newRig(t, append(change, func(o *Options) { o.Webhooks = c })...)
	g.b.set(func(b *backend) {
		b.cluster = "k2j4mq7xw3ab5cde"
		b.apply(func(s *poll.State) { s.Do(poll.Raise{Level: poll.WebhookLevel}) })
	})
	return g, c
}

// report is what a deliverer commits.
func (g *rig) report(id string, change func(e *poll.Endpoint, m *poll.Move)) {
	g.t.Helper()
	g.b.set(func(b *backend) {
		e, missing := b.state.Endpoint(id)
		if missing != nil {
			g.t.Fatal(missing)
		}
		m := poll.Move{Endpoint: e.Number, Revision: e.Revision, Cursor: e.Cursor, Last: e.Last, DeadEver: e.DeadEver}
		change(e, &m)
		b.apply(func(s *poll.State) { s.Do(poll.Progress{Moves: []poll.Move{m}}) })
	})
}

func TestAWebhookIsAddedOnceAndEachAnswerToPutHasItsSecret(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	first := g.do("PUT", "/v1/webhooks/erp", `{"url":"https://a.example/hooks","types":["poll.*","roll.changed"],"polls":["board-*"],"rate":5}`).
		want(201).has("Location", "/v1/webhooks/erp").has("ETag", `"1"`).has("Cache-Control", "no-store").
		holds(`"secret":"whsec_erp1"`).holds(`"state":"verifying"`).holds(`"poll.closed"`).lacks("ballots.counted").lacks("schedule.done")
	again := g.do("PUT", "/v1/webhooks/erp", `{"types":["roll.changed","poll.*"],"url":"https://a.example/hooks","rate":5,"polls":["board-*"]}`).want(200)
	if first.body != again.body {
		t.Errorf("once %s, then %s", first.body, again.body)
	}
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(409).code("webhook_exists")
	g.do("PUT", "/v1/webhooks/erp", aWebhook, "If-Match", `"7"`).want(412).code("version_mismatch").has("ETag", `"1"`).holds("at 1; read it again")
	g.do("PUT", "/v1/webhooks/erp", aWebhook, "If-Match", `"1"`).want(200).has("ETag", `"2"`).holds(`"rate":20`).holds("schedule.done").lacks("ballots.counted")
	g.do("PUT", "/v1/webhooks/new", aWebhook, "If-Match", `"1"`).want(404).code("webhook_not_found")
	g.do("GET", "/v1/webhooks/erp", "").want(200).has("ETag", `"2"`).lacks("whsec")
	g.do("GET", "/v1/webhooks", "").want(200).holds(`{"webhooks":[{"id":"erp"`).lacks("whsec")
	g.do("PUT", "/v1/webhooks/new", `{"url":"https://b.example","types":["ballots.*"]}`).want(201).holds(`"types":["ballots.counted"]`)
	g.do("PUT", "/v1/webhooks/newer", `{"url":"https://b.example","types":["*"]}`).want(201).lacks("ballots.counted")
	for range 2 {
		g.do("DELETE", "/v1/webhooks/erp", "").want(204)
	}
	g.do("GET", "/v1/webhooks/erp", "").want(404).code("webhook_not_found")
}

func TestALateCopyOfARequestBringsNothingBack(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	key := func(k string) []string { return []string{"Idempotency-Key", k} }
	g.do("PUT", "/v1/webhooks/erp", aWebhook, key("add")...).want(201)
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":true}`, key("pause")...).want(200).holds(`"state":"paused"`).holds(`"reason":"paused by an administrator"`)
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":false}`, key("on")...).want(200)
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":true}`, key("pause")...).want(200).has("Idempotent-Replayed", "true").holds(`"state":"verifying"`)
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":false}`, key("pause")...).want(422).code("idempotency_key_reused")
	g.do("DELETE", "/v1/webhooks/erp", "", key("pause")...).want(422).code("idempotency_key_reused")
	g.do("DELETE", "/v1/webhooks/erp", "", key("end")...).want(204)
	g.do("PUT", "/v1/webhooks/erp", aWebhook, key("add")...).want(404).code("webhook_not_found").holds("deleted since")
	g.do("GET", "/v1/webhooks/erp", "").want(404)
	g.do("PUT", "/v1/webhooks/erp", aWebhook, key("anew")...).want(201)
	g.do("DELETE", "/v1/webhooks/erp", "", key("end")...).want(204).has("Idempotent-Replayed", "true")
	g.do("GET", "/v1/webhooks/erp", "").want(200)
}

func TestASecretIsRotatedOnceForEachKey(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(201).holds("whsec_erp1")
	g.do("POST", "/v1/webhooks/erp/rotate", "").want(400).code("idempotency_key_missing").holds("does not rotate once more")
	for range 2 {
		g.do("POST", "/v1/webhooks/erp/rotate", "", "Idempotency-Key", "a").want(200).holds(`"secret":"whsec_erp2"`).
			holds(`"previous_secret_until":"2026-12-02T12:00:00.000Z"`)
	}
	g.do("POST", "/v1/webhooks/erp/rotate", `{"overlap_seconds":0}`, "Idempotency-Key", "b").want(200).
		holds(`"secret":"whsec_erp3"`).lacks("previous_secret_until")
	g.do("POST", "/v1/webhooks/erp/rotate", `{"overlap_seconds":604801}`, "Idempotency-Key", "c").want(422).code("invalid_webhook").holds("overlap_seconds")
	g.do("POST", "/v1/webhooks/none/rotate", "", "Idempotency-Key", "d").want(404).code("webhook_not_found")
}

func TestAWebhookIsChangedByAMergePatch(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	g.do("PUT", "/v1/webhooks/erp", `{"url":"https://a.example/","types":["poll.closed"],"polls":["p"],"rate":3}`).want(201)
	patch := func(body string) answer { return g.do("PATCH", "/v1/webhooks/erp", body) }
	patch(`{"url":"https://b.example/"}`).want(200).holds(`"url":"https://b.example/"`).holds(`"rate":3`)
	patch(`{"types":["roll.*"],"rate":4}`).want(200).holds(`"types":["roll.changed"]`).holds(`"rate":4`)
	patch(`{"types":null,"polls":null,"rate":null}`).want(200).holds(`"poll.closed"`).lacks(`"polls"`).holds(`"rate":20`)
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{}`:                             {400, "changes nothing"},
		`{"url":null}`:                   {400, "changes nothing"},
		`{"id":"other"}`:                 {400, "not known here"},
		`{"types":"poll.closed"}`:        {400, "array of strings"},
		`{"polls":[1]}`:                  {400, "array of strings"},
		`{"rate":-1}`:                    {400, "whole number"},
		`{"rate":101}`:                   {422, "Use 1 to 100"},
		`{"types":[]}`:                   {422, "at least one type"},
		`{"types":["poll.close"]}`:       {422, "no such events"},
		`{"url":"http://a.example"}`:     {422, "Webhooks go to https:// only."},
		`{"polls":["a b"]}`:              {422, "id of a poll"},
		`{"paused":true,"paused":false}`: {400, "twice"},
	} {
		patch(body).want(want.status).holds(want.says)
	}
	// Null is no field that is missing, also where a key names the request.
	g.do("PATCH", "/v1/webhooks/erp", `{"rate":5}`, "Idempotency-Key", "k").want(200)
	for _, field := range []string{"types", "polls"} {
		g.do("PATCH", "/v1/webhooks/erp", `{"rate":5,"`+field+`":null}`, "Idempotency-Key", "k").want(422).code("idempotency_key_reused")
	}
	g.do("PATCH", "/v1/webhooks/erp", `{"rate":5}`, "Idempotency-Key", "k").want(200).has("Idempotent-Replayed", "true")
	g.do("PATCH", "/v1/webhooks/none", `{"paused":true}`).want(404).code("webhook_not_found")
}

func TestWhatCannotBeAWebhookIsRefusedInWords(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{}`:                                  {422, "https:// only"},
		`{"url":"http://a.example"}`:          {422, "https:// only"},
		`{"url":"https://a.example","typ":1}`: {400, "not known here"},
		`{"url":"https://a.example","types":["poll.closed","poll.melted"]}`:           {422, "types[1]"},
		`{"url":"https://a.example","types":[]}`:                                      {422, "at least one type"},
		`{"url":"https://a.example","rate":0}`:                                        {422, "Use 1 to 100"},
		`{"url":"https://a.example","polls":["ok",""]}`:                               {422, "polls[1]"},
		`{"url":"https://a.example","from":"then"}`:                                   {422, `\"now\", \"oldest\"`},
		`{"url":"https://a.example","from":0}`:                                        {422, "number of the first event"},
		`{"url":"https://a.example","from":9}`:                                        {422, "no such event yet"},
		`{"url":"https://a.example/` + strings.Repeat("x", poll.MaxURLBytes) + `"}`:   {422, "up to 2048"},
		`{"url":"https://a.example","polls":["` + strings.Repeat(`p","`, 16) + `p"]}`: {422, "up to 16"},
	} {
		g.do("PUT", "/v1/webhooks/x", body).want(want.status).holds(want.says)
	}
	g.do("PUT", "/v1/webhooks/%20", aWebhook).want(404).code("webhook_not_found")
	g.do("PUT", "/v1/webhooks/x", aWebhook).want(201)
	g.do("PUT", "/v1/webhooks/x", `{"url":"https://a.example","from":"oldest"}`, "If-Match", `"1"`).want(422).holds("goes on where it is")
}

func TestAWebhookShowsHowFarItIsAndWhatFails(t *testing.T) {
	t.Parallel()
	g, c := webhookRig(t)
	g.poll("p", twoOptions) // 1: created, 2: opened
	g.do("PUT", "/v1/webhooks/erp", `{"url":"https://a.example","types":["poll.*"],"from":"oldest"}`).want(201).
		holds(`"cursor":0`).holds(`"lag_events":2`).holds(`"waiting_since":"2026-12-01T12:00:00.000Z"`)
	g.do("PUT", "/v1/webhooks/second", `{"url":"https://a.example","from":2}`).want(201).holds(`"cursor":1`).holds(`"lag_events":1`)
	g.do("PUT", "/v1/webhooks/now", aWebhook).want(201).holds(`"cursor":2`).holds(`"lag_events":0`).holds(`"lag_seconds":0`).lacks("waiting_since")
	g.report("erp", func(_ *poll.Endpoint, m *poll.Move) { m.Verified = true })
	g.report("erp", func(_ *poll.Endpoint, m *poll.Move) { m.Cursor, m.Last, m.FailingSince = 1, 1, noon+1000 })
	g.do("GET", "/v1/webhooks/erp", "").want(200).holds(`"state":"enabled"`).holds(`"cursor":1`).holds(`"failing_since":"2026-12-01T12:00:01.000Z"`)
	g.report("erp", func(_ *poll.Endpoint, m *poll.Move) {
		m.Cursor, m.Last, m.DeadEver = 2, 2, 1
		m.Dead = []poll.DeadLetter{{Number: 2, At: noon + 2000, Status: 404}}
	})
	const dead = `[{"event":"evt_k2j4mq7xw3ab5cde_2","sequence":2,"at":"2026-12-01T12:00:02.000Z","status":404}]`
	g.do("GET", "/v1/webhooks/erp", "").want(200).holds(`"dead_letters":1`).holds(dead)
	g.do("GET", "/v1/webhooks", "").want(200).holds(`"dead_letters":1`).lacks(`"dead":[`)
	at := time.UnixMilli(noon)
	c.attempts = []Attempt{
		{At: at, Number: 1, Status: 204, Took: 12 * time.Millisecond, Result: "ok"},
		{At: at, Event: 2, Number: 3, Took: time.Second, Result: "failed", Failure: "No answer came in 1 s.", Next: at.Add(time.Minute)},
	}
	g.do("GET", "/v1/webhooks/erp/attempts", "").want(200).holds(`"dead":` + dead).
		holds(`[{"at":"2026-12-01T12:00:00.000Z","attempt":1,"result":"ok","status":204,"milliseconds":12},`).
		holds(`"event":"evt_k2j4mq7xw3ab5cde_2","sequence":2,"attempt":3,"result":"failed","milliseconds":1000,"failure":"No answer came in 1 s.","next_at":"2026-12-01T12:01:00.000Z"}`)
	g.do("GET", "/v1/webhooks/none/attempts", "").want(404).code("webhook_not_found")
	g.do("GET", "/v1/webhooks/erp", "").want(200).holds(`"last_attempt":{"at":"2026-12-01T12:00:00.000Z","event":"evt_k2j4mq7xw3ab5cde_2"`)
	c.fault = errors.New("the member that leads does not answer")
	g.do("GET", "/v1/webhooks/erp", "").want(200).holds(dead).lacks(`"last_attempt"`)
	c.fault = nil
	g.report("erp", func(_ *poll.Endpoint, m *poll.Move) { m.Disable = poll.ReasonGone })
	g.do("GET", "/v1/webhooks/erp", "").want(200).holds(`"state":"disabled","reason":"it answered 410 Gone"`)
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":false}`).want(200).holds(`"cursor":2`).lacks(`"reason"`)
}

func TestEventsAreSentOnceMoreByTheirIds(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	g.poll("p", twoOptions)
	g.do("PUT", "/v1/webhooks/erp", `{"url":"https://a.example","types":["poll.opened"]}`).want(201)
	again := func(body string, header ...string) answer {
		return g.do("POST", "/v1/webhooks/erp/redeliver", body, header...)
	}
	again(`{"events":["evt_k2j4mq7xw3ab5cde_2"]}`).want(202).holds(`"redelivering":1`)
	again(`{"after":0}`).want(202).holds(`"redelivering":1`)
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{}`:                                    {400, "either"},
		`{"events":[],"after":0}`:               {400, "either"},
		`{"events":["evt_another1234567a_2"]}`:  {422, "events[0]"},
		`{"events":["evt_k2j4mq7xw3ab5cde_1"]}`: {422, "does not ask for"},
		`{"events":["evt_k2j4mq7xw3ab5cde_9"]}`: {422, "comes by itself"},
		`{"after":-1}`:                          {400, "whole number"},
	} {
		again(body).want(want.status).holds(want.says)
	}
	g.do("POST", "/v1/webhooks/none/redeliver", `{"after":0}`).want(404).code("webhook_not_found")
}

func TestAPingAnswersWhatCameBackWhateverItWas(t *testing.T) {
	t.Parallel()
	g, c := webhookRig(t)
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(201)
	c.pong = Pong{Status: 204, Address: "192.0.2.7:443", Took: 30 * time.Millisecond}
	g.do("POST", "/v1/webhooks/erp/ping", "").want(200).holds(`{"delivered":true,"status":204,"address":"192.0.2.7:443","milliseconds":30}`)
	c.pong = Pong{Failure: "10.0.0.7 is not a public address."}
	g.do("POST", "/v1/webhooks/erp/ping", "{}").want(200).holds(`{"delivered":false,"milliseconds":0,"failure":"10.0.0.7 is not a public address."}`)
	g.do("POST", "/v1/webhooks/none/ping", "").want(404).code("webhook_not_found")
	c.fault = context.DeadlineExceeded
	g.do("POST", "/v1/webhooks/erp/ping", "").want(503).code("unavailable")
	g.do("GET", "/v1/webhooks/erp/attempts", "").want(503).code("unavailable")
	c.fault = errors.New("the disk melted")
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(500).lacks("melted")
	if want := []string{"erp", "erp", "erp"}; !slices.Equal(c.pinged, want) {
		t.Errorf("pinged %q", c.pinged)
	}
}

func TestANodeWithAnotherKeyFileHandsOutNoSecretAndChangesNothing(t *testing.T) {
	t.Parallel()
	g, c := webhookRig(t)
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(201)
	before := g.b.digest()
	c.foreign = refusal.New(refusal.Unavailable, "Give all members the same file.")
	for _, id := range []string{"erp", "new"} {
		g.do("PUT", "/v1/webhooks/"+id, aWebhook).want(503).code("unavailable").holds("same file").lacks("whsec")
	}
	g.do("POST", "/v1/webhooks/erp/rotate", "", "Idempotency-Key", "k").want(503).holds("same file").lacks("whsec")
	if g.b.digest() != before {
		t.Error("something was changed")
	}
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":true}`).want(200)
	c.foreign = nil
	g.do("POST", "/v1/webhooks/erp/rotate", "", "Idempotency-Key", "k").want(200).holds("whsec_erp")
}

// A node without a key file can still say how webhooks are, and stop them.
func TestWithoutAKeyFileNothingIsSignedAndTheFlagIsNamed(t *testing.T) {
	t.Parallel()
	g, _ := webhookRig(t)
	g.do("PUT", "/v1/webhooks/erp", aWebhook).want(201)
	g.h.webhooks = nil
	for _, a := range []answer{
		g.do("PUT", "/v1/webhooks/erp", aWebhook), g.do("PATCH", "/v1/webhooks/erp", aWebhook),
		g.do("POST", "/v1/webhooks/erp/rotate", "", "Idempotency-Key", "a"),
		g.do("POST", "/v1/webhooks/erp/ping", ""), g.do("GET", "/v1/webhooks/erp/attempts", ""),
	} {
		a.want(501).code("webhooks_off").holds("--webhook-key")
	}
	g.do("PATCH", "/v1/webhooks/erp", `{"paused":true}`).want(200).holds(`"paused"`)
	g.do("GET", "/v1/webhooks", "").want(200).holds(`"erp"`)
	g.do("DELETE", "/v1/webhooks/erp", "").want(204)
}

// Secrets are the business of administrators alone, and never in the record of their actions.
func TestWebhooksAreForAdministratorsAndTheirSecretsAreNotRecorded(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	g, c := webhookRig(t, func(o *Options) { o.Auth, o.Audit = everybody, l })
	c.attempts = []Attempt{{At: time.UnixMilli(noon), Number: 1, Result: "ok"}}
	const hook = "/v1/webhooks/erp"
	requests := []struct{ method, path, body string }{
		{"PUT", hook, `{"url":"https://a.example/a-secret-path"}`},
		{"GET", hook, ""},
		{"GET", "/v1/webhooks", ""},
		{"GET", hook + "/attempts", ""},
		{"PATCH", hook, `{"rate":1}`},
		{"POST", hook + "/rotate", ""},
		{"POST", hook + "/ping", ""},
		{"POST", hook + "/redeliver", `{"after":0}`},
		{"DELETE", hook, ""},
	}
	for who := range everybody {
		for _, r := range requests {
			header := as(who)
			if strings.HasSuffix(r.path, "/rotate") {
				header = append(header, "Idempotency-Key", who)
			}
			a := g.do(r.method, r.path, r.body, header...)
			if may := a.status < 300; may != (who == "admin") {
				t.Errorf("%s: %s %s is %d", who, r.method, r.path, a.status)
			}
			if who != "admin" && (strings.Contains(a.body, "whsec") || strings.Contains(a.body, "a-secret-path")) {
				t.Errorf("%s reads %s", who, a.body)
			}
		}
	}
	for _, secret := range []string{"whsec", "a-secret-path"} {
		if strings.Contains(l.raw.String(), secret) {
			t.Errorf("the record of actions holds %q", secret)
		}
	}
	var e AuditEntry
	if b, _ := json.Marshal(l.entries[0]); json.Unmarshal(b, &e) != nil || e.Webhook != "erp" || e.Member != "" || len(l.entries) != 12 {
		t.Errorf("%d entries, the first is %+v", len(l.entries), e)
	}
}
