package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
)

// eventAt writes an event as a node does.
func eventAt(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"evt_c_%[1]d","source":"/voted/c","type":"poll.closed","subject":"polls/p%[1]d","time":"2026-12-01T12:00:00.000Z","sequence":"%[1]d","index":"%[2]d","data":{"poll":"p%[1]d"}}`, n, 100+n)
}

// journalOf serves the events 1 to newest, two a page.
func journalOf(newest int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(strings.TrimPrefix(r.FormValue("after"), "evt_c_"))
		next := min(after+2, newest)
		var events []string
		for n := after + 1; n <= next; n++ {
			events = append(events, eventAt(n))
		}
		answerJSON(w, 200, fmt.Sprintf(`{"cluster_id":"c","oldest":1,"newest":%d,"next":%d,"events":[%s]}`, newest, next, strings.Join(events, ",")))
	}
}

func TestEventsComeOnceEachWhileNodesGoAway(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	node := func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%2 == 0 { // every second answer is lost
			hangUp(w)
			return
		}
		journalOf(7)(w, r)
	}
	c := newClient(t, []string{serve(t, node), serve(t, node)})
	var got []string
	for e, err := range c.Events(t.Context(), client.EventsQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.ID, " ", e.Type, " ", e.Poll, " ", e.Number, " ", e.Index))
	}
	if len(got) != 7 || got[6] != "evt_c_7 poll.closed p7 7 107" || got[0] != "evt_c_1 poll.closed p1 1 101" {
		t.Errorf("got %q after %d requests", got, asked.Load())
	}
}

func TestWhoFollowsEventsWaitsForFurtherOnes(t *testing.T) {
	t.Parallel()
	var newest atomic.Int64
	newest.Store(3)
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("wait") == "" || r.FormValue("types") != "poll.*,roll.changed" || r.FormValue("poll") != "board-*" {
			t.Errorf("asked for %s", r.URL)
		}
		journalOf(int(newest.Load()))(w, r)
	})})
	n := 0
	for e, err := range c.Events(t.Context(), client.EventsQuery{After: "evt_c_1", Types: []string{"poll.*", "roll.changed"}, Polls: []string{"board-*"}, Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; e.Number != uint64(n+1) {
			t.Fatalf("event %d comes as number %d", e.Number, n)
		}
		if newest.Add(1); n == 20 {
			return
		}
	}
	t.Error("it ended")
}

func TestEventsThatAreGoneEndTheIteration(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 410, "events_gone") })})
	start := time.Now()
	for _, err := range c.Events(t.Context(), client.EventsQuery{After: "evt_other_4", Follow: true}) {
		if !errors.Is(err, client.CodeEventsGone) || time.Since(start) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	}
}

func TestAPageOfEventsSaysWhereItStands(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch after := r.FormValue("after"); after {
		case "evt_c_1":
			if r.FormValue("limit") != "1000" {
				t.Errorf("asked for %s", r.URL)
			}
			journalOf(7)(w, r)
		case "evt_c_3":
			answerJSON(w, 200, `{"cluster_id":"c","oldest":1,"newest":7,"next":5,"events":[`+eventAt(4)+`,{"sequence":"five"}]}`)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(410)
			fmt.Fprint(w, `{"code":"events_gone","oldest":3,"newest":9}`)
		}
	})})
	page, err := c.EventPage(t.Context(), client.EventsQuery{After: "evt_c_1", Limit: 1000})
	if err != nil || page.Newest != 7 || page.Oldest != 1 || page.ClusterID != "c" || len(page.Events) != 2 || page.After() != "evt_c_3" {
		t.Errorf("got %+v, %v", page, err)
	}
	var unreadable *client.UnreadableError
	page, err = c.EventPage(t.Context(), client.EventsQuery{After: page.After()})
	if !errors.As(err, &unreadable) || len(page.Events) != 1 || page.Events[0].Number != 4 {
		t.Errorf("of a page with an event that cannot be read came %+v, %v", page, err)
	}
	var gone *client.Error
	if _, err = c.EventPage(t.Context(), client.EventsQuery{}); !errors.As(err, &gone) || gone.Oldest != 3 || gone.Newest != 9 {
		t.Errorf("what is gone is said as %+v", gone)
	}
}

func TestRecordsAfterOneAreRead(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("after") != "3" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprint(w, `{"ballot":4,"replaced":true}`+"\n"+`{"ballot":5,"voter_key":"00","selections":["ann"],"version":2,"supersedes":4}`+"\n")
	})})
	var got []client.ExportedBallot
	for b, err := range c.BallotsAfter(t.Context(), "p", 3) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
	}
	if len(got) != 2 || !got[0].Replaced || got[0].Number != 4 || got[1].Supersedes != 4 || got[1].Version != 2 || string(got[0].Raw) != `{"ballot":4,"replaced":true}` {
		t.Errorf("got %+v", got)
	}
}
