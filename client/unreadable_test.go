package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
)

const readablePoll = `{"id":"p","title":"","options":[{"id":"a","title":"a"}],"state":"open","revision":1,"max_ballots":0,"created_at":"2026-12-01T08:00:40.050Z"}`

// A later version of the service may send what this client does not understand.
const unreadablePoll = `{"id":"y","options":[],"closes_at":"10000-01-01T23:58:59.000Z","state":"open","revision":1}`

func TestAnAnswerThatCannotBeReadIsNoSilence(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	answer := func(w http.ResponseWriter, _ *http.Request) { n.Add(1); answerJSON(w, 200, unreadablePoll) }
	c := newClient(t, []string{serve(t, answer), serve(t, answer)})
	_, err := c.ClosePoll(t.Context(), "y")
	var unreadable *client.UnreadableError
	var unanswered *client.UnansweredError
	if !errors.As(err, &unreadable) || errors.As(err, &unanswered) || errors.Is(err, client.ErrOutcomeUnknown) || unreadable.Status != 200 {
		t.Errorf("err = %v", err)
	}
	if n.Load() != 1 {
		t.Errorf("it was asked for %d times", n.Load())
	}
}

func TestAPollThatCannotBeReadBreaksNoList(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 200, `{"polls":[`+unreadablePoll+`,`+readablePoll+`]}`)
	})})
	var ids []string
	for p, err := range c.Polls(t.Context(), client.PollsQuery{}) {
		var unreadable *client.UnreadableError
		switch {
		case errors.As(err, &unreadable):
			ids = append(ids, "!"+string(p.Raw))
		case err != nil:
			t.Fatal(err)
		default:
			ids = append(ids, p.ID)
		}
	}
	if len(ids) != 2 || ids[0] != "!"+unreadablePoll || ids[1] != "p" {
		t.Errorf("got %q", ids)
	}
}

func TestWhatTheNodeWroteIsKept(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPut:
			answerJSON(w, 201, receiptJSON+"\n")
		default:
			answerJSON(w, 200, readablePoll+"\n")
		}
	})}, client.WithRawReceipts())
	p, err := c.Poll(t.Context(), "p")
	if err != nil || string(p.Raw) != readablePoll {
		t.Errorf("%v: %s", err, p.Raw)
	}
	r, err := c.Cast(t.Context(), "p", "v", client.Choose("a"))
	if err != nil || string(r.Raw) != receiptJSON {
		t.Errorf("%v: %s", err, r.Raw)
	}
}

func TestAStaleAnswerTellsItsAge(t *testing.T) {
	t.Parallel()
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Voted-Age", "12.250")
		answerJSON(w, 200, `{"poll":"p","method":"plurality","state":"open","index":1,"ballots":0,"certified":false,"winners":[],"options":[],"tie_breaking":""}`)
	})})
	r, err := c.Results(t.Context(), "p", client.Stale)
	if err != nil || r.Meta.Age != 12250*time.Millisecond {
		t.Errorf("%v: %v", err, r.Meta.Age)
	}
}

func TestOptionsThatAreNoIDsAreSentAsTheirTitles(t *testing.T) {
	t.Parallel()
	sent, err := json.Marshal(client.Options("ann", "Thai food", "-x", "a.b"))
	if want := `[{"id":"ann","title":"ann"},"Thai food","-x",{"id":"a.b","title":"a.b"}]`; err != nil || string(sent) != want {
		t.Errorf("%v: %s", err, sent)
	}
	var back []client.PollOption
	if err := json.Unmarshal(sent, &back); err != nil || back[1] != (client.PollOption{Title: "Thai food"}) || back[3].ID != "a.b" {
		t.Errorf("%v: %+v", err, back)
	}
}

func TestAWatchEndsWithResultsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	events := func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: results\nid: 1\ndata: {\"poll\":7}\n\n")
	}
	c := newClient(t, []string{serve(t, events), serve(t, events)})
	var got error
	for _, err := range c.Watch(t.Context(), "p") {
		got = err
	}
	var unreadable *client.UnreadableError
	if !errors.As(got, &unreadable) || n.Load() != 1 {
		t.Errorf("after %d streams: %v", n.Load(), got)
	}
}
