package client_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/client"
)

const (
	hookKey    = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
	otherKey   = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
	hookClosed = `{"specversion":"1.0","id":"evt_c_42","source":"/voted/c","type":"poll.closed","subject":"polls/lunch",` +
		`"time":"2026-11-28T01:20:12.345Z","timestamp":"2026-11-28T01:20:12.345Z","sequence":"42","index":"90210","previous":"40",` +
		`"data":{"poll":"lunch","results":{"winners":["pizza"]}}}`
	hookPing = `{"specversion":"1.0","id":"ping_c_x","source":"/voted/c","type":"webhook.ping","time":"2026-11-28T01:20:12.345Z","previous":"0","data":{}}`
)

// signHook signs as Standard Webhooks says.
func signHook(key, id string, at time.Time, body string) string {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func hookHeader(at time.Time, signatures ...string) http.Header {
	h := http.Header{}
	h.Set("Webhook-Id", "evt_c_42")
	h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
	h.Set("Voted-Attempt", "3")
	return h
}

func TestAWebhookIsTakenFromWhoeverHasTheKeyAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		good := signHook(hookKey, "evt_c_42", now, hookClosed)
		for name, c := range map[string]struct {
			key, body string
			header    http.Header
			want      error
		}{
			"as it was sent":               {hookKey, hookClosed, hookHeader(now, good), nil},
			"the key without its prefix":   {strings.TrimPrefix(hookKey, "whsec_"), hookClosed, hookHeader(now, good), nil},
			"the second of two signatures": {hookKey, hookClosed, hookHeader(now, signHook(otherKey, "evt_c_42", now, hookClosed), good), nil},
			"after one of another version": {hookKey, hookClosed, hookHeader(now, "v1a,AAAA", "v2", good), nil},
			"another key":                  {otherKey, hookClosed, hookHeader(now, good), client.ErrWebhookSignature},
			"one byte more":                {hookKey, hookClosed + " ", hookHeader(now, good), client.ErrWebhookSignature},
			"one byte less":                {hookKey, hookClosed[:len(hookClosed)-1], hookHeader(now, good), client.ErrWebhookSignature},
			"another second":               {hookKey, hookClosed, hookHeader(now.Add(time.Second), good), client.ErrWebhookSignature},
			"a signature of another id":    {hookKey, hookClosed, hookHeader(now, signHook(hookKey, "evt_c_43", now, hookClosed)), client.ErrWebhookSignature},
			"a signature cut short":        {hookKey, hookClosed, hookHeader(now, good[:len(good)-4]), client.ErrWebhookSignature},
			"an empty signature":           {hookKey, hookClosed, hookHeader(now, "v1,"), client.ErrWebhookSignature},
			"the signature of no version":  {hookKey, hookClosed, hookHeader(now, strings.TrimPrefix(good, "v1,")), client.ErrWebhookSignature},
			"no signature":                 {hookKey, hookClosed, hookHeader(now), client.ErrWebhookHeader},
			"no header":                    {hookKey, hookClosed, http.Header{}, client.ErrWebhookHeader},
		} {
			e, err := client.VerifyWebhook(c.key, c.header, []byte(c.body), 0)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			if (err == nil) != (e.Number == 42 && e.Previous == 40 && e.Poll == "lunch" && e.Attempt == 3 && e.Type == "poll.closed") {
				t.Errorf("%s: %v, and the event %+v", name, err, e)
			}
		}
		for _, key := range []string{"", "whsec_", "hunter2!", "whsec_*"} {
			if _, err := client.VerifyWebhook(key, hookHeader(now, good), []byte(hookClosed), 0); err == nil || !strings.Contains(err.Error(), "whsec_…") {
				t.Errorf("by the key %q: %v", key, err)
			}
		}
	})
}

func TestAWebhookOfAnotherTimeIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			away, tolerance time.Duration
			want            error
		}{
			{5 * time.Minute, 0, nil},
			{-5 * time.Minute, 0, nil},
			{6 * time.Minute, 0, client.ErrWebhookTime},
			{-6 * time.Minute, 0, client.ErrWebhookTime},
			{6 * time.Minute, time.Hour, nil},
			{2 * time.Second, time.Second, client.ErrWebhookTime},
		} {
			at := time.Now().Add(-c.away)
			_, err := client.VerifyWebhook(hookKey, hookHeader(at, signHook(hookKey, "evt_c_42", at, hookClosed)), []byte(hookClosed), c.tolerance)
			if !errors.Is(err, c.want) {
				t.Errorf("signed %v ago with a tolerance of %v: %v", c.away, c.tolerance, err)
			}
		}
	})
}

func TestAPingHasNoNumberAndAnEventMust(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		hookPing: true,
		strings.Replace(hookPing, "ping_", "evt_", 1):                      false,
		strings.Replace(hookClosed, `"sequence":"42",`, "", 1):             false,
		strings.Replace(hookClosed, `"sequence":"42"`, `"sequence":42`, 1): false,
		"{}x": false,
	} {
		now := time.Now()
		e, err := client.VerifyWebhook(hookKey, hookHeader(now, signHook(hookKey, "evt_c_42", now, body)), []byte(body), 0)
		if (err == nil) != want || errors.Is(err, client.ErrWebhookSignature) || e.Number != 0 {
			t.Errorf("%s: %v, number %d", body, err, e.Number)
		}
	}
}

func TestNumbersOfARecoveredClusterAreNotTakenForRepetitions(t *testing.T) {
	t.Parallel()
	event := func(cluster string, number, previous uint64) client.WebhookEvent {
		id := fmt.Sprintf("evt_%s_%d", cluster, number)
		return client.WebhookEvent{JournalEvent: client.JournalEvent{ID: id, Number: number, Type: "poll.closed"}, Previous: previous}
	}
	// Given a receiver that keeps a number, and had it before clusters were kept beside it,
	d := client.Deduplicator{Last: 40}
	for i, step := range []struct {
		event client.WebhookEvent
		want  client.WebhookOrder
	}{
		{event("before", 41, 40), client.WebhookNext},
		{event("before", 41, 40), client.WebhookSeen},
		// when the cluster is recovered from a member that had 38 events,
		{event("after", 39, 38), client.WebhookGap},
		// then its events have their own numbers.
		{event("after", 39, 38), client.WebhookSeen},
		{event("after", 40, 39), client.WebhookNext},
	} {
		if got := d.Look(step.event); got != step.want {
			t.Errorf("step %d, event %s: %v, not %v", i, step.event.ID, got, step.want)
		}
		d.Handled(step.event)
	}
	if d.Last != 40 || d.Cluster != "after" {
		t.Errorf("in the end it is %+v", d)
	}
}

func TestOneNumberTellsRepetitionsAndGaps(t *testing.T) {
	t.Parallel()
	event := func(number, previous uint64) client.WebhookEvent {
		id := fmt.Sprintf("evt_k2j4mq7xw3ab5cde_%d", number)
		return client.WebhookEvent{JournalEvent: client.JournalEvent{ID: id, Number: number, Type: "poll.closed"}, Previous: previous}
	}
	missed := event(30, 12)
	missed.ID, missed.Type = "missed_k2j4mq7xw3ab5cde_30", "events.missed"
	var d client.Deduplicator
	for i, step := range []struct {
		event client.WebhookEvent
		want  client.WebhookOrder
	}{
		{event(0, 0), client.WebhookNext}, // a ping
		{event(3, 0), client.WebhookNext},
		{event(3, 0), client.WebhookSeen},
		{event(7, 3), client.WebhookNext}, // 4 to 6 were not asked for
		{event(0, 0), client.WebhookNext}, // a ping changes nothing
		{event(3, 0), client.WebhookSeen},
		{event(12, 9), client.WebhookGap}, // 9 was given up
		{event(9, 7), client.WebhookSeen}, // redelivered
		{missed, client.WebhookGap},
		{event(31, 30), client.WebhookNext},
		// A leader that follows another delivers again what it does not know to have arrived.
		{missed, client.WebhookSeen},
		{event(31, 30), client.WebhookSeen},
	} {
		if got := d.Look(step.event); got != step.want {
			t.Errorf("step %d, event %d after %d: %v, not %v", i, step.event.Number, step.event.Previous, got, step.want)
		}
		d.Handled(step.event)
	}
	if d.Last != 31 {
		t.Errorf("in the end the number is %d", d.Last)
	}
}
