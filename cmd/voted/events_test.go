package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/client"
)

func TestEachTypeOfEventSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	table := map[string][][2]string{
		"poll.created":    {{`{"poll":"p","revision":1}`, ""}}, // the line has its poll
		"poll.opened":     {{`{"poll":"p","revision":1}`, ""}},
		"poll.updated":    {{`{"poll":"p","revision":2}`, "revision 2"}},
		"poll.closed":     {{`{"poll":"p","ballots":3,"results":{"winners":["ann"]}}`, "3 ballots, won by ann"}},
		"poll.deleted":    {{`{"poll":"p","revision":2}`, "revision 2"}},
		"poll.milestone":  {{`{"poll":"p","ballots":1}`, "1 ballot"}},
		"poll.quorum_met": {{`{"poll":"p","ballots":3,"quorum":3}`, "3 ballots"}},
		"poll.lot_drawn":  {{`{"poll":"p","revision":2}`, "revision 2"}},
		"ballots.counted": {{`{"poll":"p","ballots":4,"first":1,"last":4}`, "records 1 to 4, 4 ballots"}},
		"roll.changed":    {{`{"poll":"p","added":2,"changed":1,"dropped":0}`, "2 added, 1 changed, 0 dropped"}},
		"cluster.restored": {
			{`{"backup_sha256":"0123456789abcdef"}`, "from the backup 0123456789ab"},
		},
		"schedule.done": {
			{`{"poll":"p","schedule":"nightly","action":"close","outcome":"done"}`, "nightly: close done"},
			{`{"poll":"p","schedule":"nightly","action":"close","outcome":"refused","code":"poll_not_open"}`, "nightly: close refused with poll_not_open"},
			{`{"outcome":"done","omitted":"forgotten"}`, "done, forgotten since"},
		},
		"schedule.cancelled": {{`{"poll":"p","schedule":"nightly","action":"close"}`, "nightly: close"}},
		"cluster.alarm": {
			{`{"kind":"clock_off","member":"n2","says":"n2's clock is 3 s ahead."}`, "n2's clock is 3 s ahead."},
			{`{"kind":"disk_low","member":"n2","says":"The disk is full."}`, "n2: The disk is full."},
			{`{"omitted":"forgotten"}`, "forgotten since"},
		},
		"cluster.recovered": {{`{"kind":"clock_off","says":"The clock is right again."}`, "The clock is right again."}},
		"webhook.disabled": {
			{`{"webhook":"erp","reason":"it answered 410 Gone"}`, "erp: it answered 410 Gone"},
			{`{"reason":"it answered 410 Gone","omitted":"deleted"}`, "it answered 410 Gone, deleted since"},
		},
		"events.missed": {{`{"from":"42","to":"99"}`, "events 42 to 99"}},
		"webhook.ping":  {{`{}`, ""}},
	}
	for kind, events := range table {
		for _, e := range events {
			if got := eventText(client.JournalEvent{Type: kind, Data: json.RawMessage(e[0])}); got != e[1] {
				t.Errorf("%s with %s says %q, not %q", kind, e[0], got, e[1])
			}
		}
	}
	reference, err := os.ReadFile(filepath.Join("..", "..", "internal", "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(reference), `"EventType": {`)
	_, after, _ = strings.Cut(after, "[")
	list, _, _ := strings.Cut(after, "]")
	for quoted := range strings.SplitSeq(list, ", ") {
		if kind := strings.Trim(quoted, `"`); table[kind] == nil {
			t.Errorf("nothing says what is shown of %q", kind)
		}
	}
}
