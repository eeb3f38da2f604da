package public_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// fragment is what a page is told.
type fragment struct {
	Index uint64
	State string
	Text  map[string]string
	Width map[string]string
}

// live is the stream of a page.
type live struct {
	t      testing.TB
	events *bufio.Scanner
	last   fragment
}

func (n *node) live(t testing.TB, path string) *live {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v %v", resp, err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &live{t: t, events: bufio.NewScanner(resp.Body)}
}

// next reads fragments until one is as it should be. They never go back.
func (l *live) next(until func(f fragment) bool) {
	l.t.Helper()
	for l.events.Scan() {
		data, ok := strings.CutPrefix(l.events.Text(), "data: {\"index\"")
		if !ok {
			continue
		}
		var f fragment
		if err := json.Unmarshal([]byte(`{"index"`+data), &f); err != nil || f.Index < l.last.Index {
			l.t.Fatalf("%v: entry %d after %d", err, f.Index, l.last.Index)
		}
		if l.last = f; until(f) {
			return
		}
	}
	l.t.Fatalf("the stream ended at %+v", l.last)
}

// A fragment has the numbers of the results at its entry, and fragments never go back.
func TestAPageIsToldWhatHasChanged(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "watched", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone})
	page := n.live(t, "/polls/watched/live?view=bars&lang=en")
	page.next(func(f fragment) bool { return f.Text["answer"] == "No ballots yet." })
	for i := range 3 {
		option := []string{"ann", "ann", "bo"}[i]
		if _, err := n.client.Cast(t.Context(), "watched", fmt.Sprint("v", i), client.Choose(option)); err != nil {
			t.Fatal(err)
		}
	}
	page.next(func(f fragment) bool { return f.Text["number.ann"] == "2" && f.Text["number.bo"] == "1" })
	if last := page.last; last.Text["part.ann"] != "66.7 %" || last.Width["ann"] != "66.67%" || !strings.Contains(last.Text["answer"], "Ahead: \u2068ann\u2069, with 2 of 3 ballots") || last.State != "open" {
		t.Errorf("%+v", last)
	}
	n.close(t, "watched")
	page.next(func(f fragment) bool { return f.State == "closed" })
	if once := n.get(t, "", "/polls/watched/live.json"); !strings.Contains(once.body, `"state":"closed"`) || n.get(t, "", "/polls/watched/live.json", "If-None-Match", once.header.Get("Etag")).status != 304 {
		t.Errorf("without a stream: %s %s", once.header.Get("Etag"), once.body)
	}
}

func TestAPageThatWasOpenedBeforeThePollIsToldWhenItOpens(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "early", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone, Results: client.ResultsLive, OpensAt: time.Now().Add(time.Hour)})
	// Given a page and a single question before the poll opens,
	single := func(says string) {
		t.Helper()
		if got := n.get(t, "", "/polls/early/live.json?lang=en"); got.status != 200 || !strings.Contains(got.body, says) {
			t.Errorf("%d %s, want %s", got.status, got.body, says)
		}
	}
	single(`"answer":"Voting has not begun."`)
	page := n.live(t, "/polls/early/live?lang=en")
	page.next(func(f fragment) bool { return f.State == "scheduled" && f.Text["answer"] == "Voting has not begun." })
	// when it opens, then both are told so, and later that it has closed.
	if _, err := n.client.PatchPoll(t.Context(), "early", client.Patch{OpensAt: new(time.Time)}); err != nil {
		t.Fatal(err)
	}
	page.next(func(f fragment) bool { return f.State == "open" && f.Text["answer"] == "No ballots yet." })
	single(`"answer":"No ballots yet."`)
	n.close(t, "early")
	page.next(func(f fragment) bool { return f.State == "closed" && f.Text["answer"] == "No ballots were cast." })
	single(`"answer":"No ballots were cast."`)
}

func TestAnyViewOfAnyPollHasNumbers(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "viewed", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone}, client.Choose("ann"))
	for _, view := range []string{"", "bars", "rounds", "flow", "pairs", "scores", "nothing"} {
		if got := n.get(t, "", "/polls/viewed/live.json?view="+view); got.status != 200 || !strings.Contains(got.body, `"number.ann":"1"`) {
			t.Errorf("%s: %d %s", view, got.status, got.body)
		}
	}
}
