package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"voted/client"
)

// A receiver verifies, handles each event once, and answers.
func ExampleVerifyWebhook() {
	var dedup client.Deduplicator // kept in a database, with what the events change there
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		e, err := client.VerifyWebhook(hookKey, r.Header, body, 0)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		switch dedup.Look(e) {
		case client.WebhookSeen: // a repetition: it is answered like the first one
		case client.WebhookGap:
			fmt.Println("ask GET /v1/events for what comes after", dedup.Last)
			fallthrough
		case client.WebhookNext:
			fmt.Println(e.Type, e.Poll)
			dedup.Handled(e)
		}
		w.WriteHeader(http.StatusNoContent)
	}

	// The same event twice, and somebody who does not have the key.
	for _, key := range []string{hookKey, hookKey, otherKey} {
		now := time.Now()
		r := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(hookClosed))
		r.Header = hookHeader(now, signHook(key, "evt_c_42", now, hookClosed))
		answer := httptest.NewRecorder()
		receive(answer, r)
		fmt.Println(answer.Code)
	}
	// Output:
	// ask GET /v1/events for what comes after 0
	// poll.closed lunch
	// 204
	// 204
	// 401
}

func ExampleDeduplicator() {
	d := client.Deduplicator{Last: 40}
	for _, e := range []client.WebhookEvent{
		{JournalEvent: client.JournalEvent{Number: 42}, Previous: 40}, // 41 was not asked for
		{JournalEvent: client.JournalEvent{Number: 42}, Previous: 40},
		{JournalEvent: client.JournalEvent{Number: 47}, Previous: 45},
	} {
		fmt.Println(e.Number, d.Look(e))
		d.Handled(e)
	}
	// Output:
	// 42 next
	// 42 seen
	// 47 gap
}
