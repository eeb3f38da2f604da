package client_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"voted/client"
)

// paper records what is sent to a node.
type paper struct {
	mu       sync.Mutex
	requests []string // method, path and body
}

func (p *paper) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.URL.EscapedPath()+" "+string(body))
	p.mu.Unlock()
	switch {
	case strings.Contains(r.URL.Path, "/ballots/"):
		answerJSON(w, 200, strings.Replace(receiptJSON, `"voter":"v"`, "\"voter\":\"Zo\u00eb\"", 1))
	case r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/roll"):
		addedButOne(2)(w, strings.Count(string(body), "\n"))
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		answerJSON(w, 200, "{\"poll\":\"p\",\"voter\":\"Zo\u00eb\",\"index\":17}")
	}
}

func (p *paper) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func TestAVoterIsSentInOneFormHoweverTheNameIsWritten(t *testing.T) {
	t.Parallel()
	const composed = "/v1/polls/p/ballots/Zo%C3%AB"
	for _, voter := range []string{"Zo\u00eb", "Zoe\u0308"} {
		p := &paper{}
		c := newClient(t, []string{serve(t, p.serve)})
		if r, err := c.Cast(t.Context(), "p", voter, client.Choose("a")); err != nil || r.Voter != "Zo\u00eb" {
			t.Errorf("%+q: %+v, %v", voter, r, err)
		}
		if r, err := c.Receipt(t.Context(), "p", voter); err != nil || r.Voter != "Zo\u00eb" {
			t.Errorf("%+q: %+v, %v", voter, r, err)
		}
		if e, err := c.Enrolled(t.Context(), "p", voter); err != nil || e.Voter != "Zo\u00eb" {
			t.Errorf("%+q: %+v, %v", voter, e, err)
		}
		if err := c.DropVoter(t.Context(), "p", voter); err != nil {
			t.Errorf("%+q: %v", voter, err)
		}
		want := []string{
			"PUT " + composed + ` {"selections":["a"]}`, "GET " + composed + " ", "GET /v1/polls/p/roll/Zo%C3%AB ",
			"GET /v1/polls/p/roll ", "DELETE /v1/polls/p/roll/Zo%C3%AB ",
		}
		if got := p.sent(); !slices.Equal(got, want) {
			t.Errorf("%+q is sent as\n%q, want\n%q", voter, got, want)
		}
		b := &box{counted: map[string]int{}}
		c = newClient(t, []string{serve(t, b.handle)})
		for a, err := range c.CastMany(t.Context(), "p", slices.Values([]client.BulkBallot{{Voter: voter, Ballot: client.Choose("a")}})) {
			if err != nil || a.Voter != "Zo\u00eb" || b.counted["Zo\u00eb"] != 1 {
				t.Errorf("%+q: %+v, %v", voter, a, err)
			}
		}
	}
}

func TestWhatIsNoVoterIDIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for voter, says := range map[string]string{
		"zo\xeb":           "Character 3 of the voter id is the byte 0xEB, which is not UTF-8: write the id in UTF-8.",
		"ann@example.org ": "Character 16 of the voter id is U+0020 (space), white space at its end: leave it out.",
		"a\u200bn":         "Character 2 of the voter id is U+200B (zero width space), which cannot be seen: leave it out.",
	} {
		p := &paper{}
		c := newClient(t, []string{serve(t, p.serve)})
		_, cast := c.Cast(t.Context(), "p", voter, client.Choose("a"))
		_, replaced := c.Replace(t.Context(), "p", voter, client.Choose("a"), 1)
		_, receipt := c.Receipt(t.Context(), "p", voter)
		_, enrolled := c.Enrolled(t.Context(), "p", voter)
		dropped := c.DropVoter(t.Context(), "p", voter)
		var many error
		for _, err := range c.CastMany(t.Context(), "p", slices.Values([]client.BulkBallot{{Voter: voter, Ballot: client.Choose("a")}})) {
			many = err
		}
		for i, err := range []error{cast, replaced, receipt, enrolled, dropped, many} {
			var e *client.Error
			if !errors.As(err, &e) || e.Code != client.CodeInvalidVoter || e.Detail != says {
				t.Errorf("%+q: call %d: %v", voter, i, err)
			}
		}
		if sent := p.sent(); len(sent) > 0 {
			t.Errorf("%+q: it was sent: %q", voter, sent)
		}
	}
}

func TestABallotWithoutAVoterIDEndsABulkStreamWhenThoseBeforeItAreAnswered(t *testing.T) {
	t.Parallel()
	b := &box{counted: map[string]int{}}
	all := []client.BulkBallot{{Voter: "u", Ballot: client.Choose("a")}, {Voter: "v", Ballot: client.Choose("a")}, {Voter: "zo\xeb", Ballot: client.Choose("a")}, {Voter: "w", Ballot: client.Choose("a")}}
	var voters []string
	var end error
	for a, err := range newClient(t, []string{serve(t, b.handle)}).CastMany(t.Context(), "p", slices.Values(all)) {
		if end = err; err == nil {
			voters = append(voters, a.Voter)
		}
	}
	if !slices.Equal(voters, []string{"u", "v"}) || !errors.Is(end, client.CodeInvalidVoter) || !strings.Contains(end.Error(), "ballot 3 was not sent") || len(b.counted) != 2 {
		t.Errorf("%q are answered, %v are counted, then %v", voters, b.counted, end)
	}
}

func TestVotersWithoutAnIDAreRefusedInTheOrderOfTheRollAndNotSent(t *testing.T) {
	t.Parallel()
	p := &paper{}
	entries := []client.RollEntry{{Voter: "zo\xeb"}, {Voter: "Zoe\u0308", Weight: 3}, {Voter: " v"}, {Voter: "w"}, {Voter: "x\u200b"}}
	var refused []string
	sum, err := newClient(t, []string{serve(t, p.serve)}).LoadRoll(t.Context(), "p", slices.Values(entries), func(r client.RollRefusal) {
		refused = append(refused, string(r.Code))
		if r.Voter != entries[r.Line-1].Voter && r.Voter != "Zo\u00eb" {
			t.Errorf("line %d is %q", r.Line, r.Voter)
		}
	})
	want := []string{"invalid_voter", "invalid_voter", "already_voted", "invalid_voter"} // lines 1, 3, 4, 5
	if err != nil || sum.Lines != 5 || sum.Refused != 4 || sum.Added != 1 || !slices.Equal(refused, want) {
		t.Errorf("%+v, %v; refused are %q", sum, err, refused)
	}
	if sent := p.sent(); len(sent) != 2 || sent[1] != "PUT /v1/polls/p/roll {\"voter\":\"Zo\u00eb\",\"weight\":3}\n{\"voter\":\"w\"}\n" {
		t.Errorf("it is sent as %q", sent)
	}
}

func TestTextThatIsNotUTF8IsRefusedWithItsPlaceAndNeverSent(t *testing.T) {
	t.Parallel()
	const bad = "caf\xe9"
	p := &paper{}
	c := newClient(t, []string{serve(t, p.serve)})
	create := func(d client.Definition) error {
		_, err := c.CreatePoll(t.Context(), d)
		return err
	}
	two := client.Options("a", "b")
	for place, err := range map[string]error{
		"title":                create(client.Definition{ID: "p", Title: bad, Options: two}),
		"options[1].title":     create(client.Definition{ID: "p", Options: []client.PollOption{{ID: "a"}, {ID: "b", Title: bad}}}),
		"options[0].id":        create(client.Definition{ID: "p", Options: []client.PollOption{{ID: bad}, {ID: "b"}}}),
		"method":               create(client.Definition{ID: "p", Options: two, Method: bad}),
		`the id "caf\xe9"`:     create(client.Definition{ID: bad, Options: two}),
		"title ":               second(c.PatchPoll(t.Context(), "p", client.Patch{Title: new(bad)})),
		`the key "caf\xe9"`:    second(c.CreatePollWithKey(t.Context(), bad, client.Definition{Options: two})),
		`the option "caf\xe9"`: second(c.Cast(t.Context(), "p", "v", client.Choose(bad))),
		`option "caf\xe9" is`:  second(c.Cast(t.Context(), "p", "v", client.RankTiers([]string{"a", bad}))),
		`"caf\xe9" is not`:     second(c.Cast(t.Context(), "p", "v", client.Score(map[string]int{bad: 1}))),
		`id "caf\xe9" is not`:  second(c.Results(t.Context(), bad, client.Stale)),
	} {
		if err == nil || !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), "is not UTF-8; write it in UTF-8") {
			t.Errorf("%s: %v", place, err)
		}
	}
	if sent := p.sent(); len(sent) > 0 {
		t.Errorf("it was sent: %q", sent)
	}
	if _, err := client.Choose(bad).MarshalJSON(); err == nil {
		t.Error("such a ballot can be written as JSON")
	}
}

func second[T any](_ T, err error) error { return err }
