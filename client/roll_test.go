package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"voted/client"
)

// rollServer is a service that answers each try of an upload as its script says.
type rollServer struct {
	mu      sync.Mutex
	script  []func(w http.ResponseWriter, lines int)
	queries []string
	lines   []int
}

func (s *rollServer) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		answerJSON(w, 200, `{"poll":"p","index":17,"eligible":0,"eligible_weight":0}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := bytes.Count(body, []byte("\n"))
	s.queries, s.lines = append(s.queries, r.URL.RawQuery), append(s.lines, n)
	next := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	next(w, n)
}

func added(w http.ResponseWriter, lines int) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	fmt.Fprintf(w, `{"poll":"p","lines":%d,"added":%d,"changed":0,"unchanged":0,"refused":0,"since":17,"index":20}`+"\n", lines, lines)
}

func addedButOne(line int) func(w http.ResponseWriter, lines int) {
	return func(w http.ResponseWriter, lines int) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprintf(w, `{"line":%d,"code":"already_voted","detail":"D"}`+"\n", line)
		fmt.Fprintf(w, `{"poll":"p","lines":%d,"added":%d,"changed":0,"unchanged":0,"refused":1,"since":17,"index":20}`+"\n", lines, lines-1)
	}
}

func ndjson(text string) func(w http.ResponseWriter, lines int) {
	return func(w http.ResponseWriter, _ int) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, text)
	}
}

func problem(status int, code string) func(w http.ResponseWriter, lines int) {
	return func(w http.ResponseWriter, _ int) { answerProblem(w, status, code) }
}

func rollOf(n int) func(yield func(client.RollEntry) bool) {
	return func(yield func(client.RollEntry) bool) {
		for i := range n {
			if !yield(client.RollEntry{Voter: fmt.Sprint("v", i), Weight: uint32(i % 3)}) {
				return
			}
		}
	}
}

func TestARollIsLoadedBatchByBatchAndEachUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	const batch = 16384
	s := &rollServer{script: []func(w http.ResponseWriter, lines int){
		problem(503, "unavailable"),
		addedButOne(2),
		ndjson(`{"line":1,"code":"superseded","detail":"D"}` + "\n" + `{"code":"outcome_unknown","retry_from_line":4097,"detail":"D"}` + "\n"), // broke off
		ndjson(`{"line":1,"code":"superseded","detail":"D"}` + "\n"),                                                                           // cut
		ndjson(`{"line":1,"co`),
		func(w http.ResponseWriter, _ int) { hangUp(w) },
		addedButOne(3),
		added,
	}}
	c := newClient(t, []string{serve(t, s.serve)}, client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1}))
	var refused []string
	sum, err := c.LoadRoll(t.Context(), "p", rollOf(2*batch+5), func(r client.RollRefusal) {
		refused = append(refused, fmt.Sprint(r.Line, " ", r.Voter, " ", r.Err()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (client.RollSummary{Lines: 2*batch + 5, Added: 2*batch + 3, Refused: 2, Since: 17, Index: 20}); sum != want {
		t.Errorf("it sums up to %+v, want %+v", sum, want)
	}
	if len(refused) != 2 || refused[0][:5] != "2 v1 " || refused[1][:13] != "16387 v16386 " {
		t.Errorf("refused are %q", refused)
	}
	for i, q := range s.queries {
		if q != "since=17" {
			t.Errorf("try %d asks for %q: a retry could undo what was changed in between", i, q)
		}
	}
	if want := fmt.Sprint([]int{batch, batch, batch, batch, batch, batch, batch, 5}); fmt.Sprint(s.lines) != want {
		t.Errorf("the tries have %v lines, want %v", s.lines, want)
	}
}

func TestARollThatIsRefusedAsAWholeSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	s := &rollServer{script: []func(w http.ResponseWriter, lines int){added, problem(404, "poll_not_found")}}
	c := newClient(t, []string{serve(t, s.serve)})
	sum, err := c.LoadRoll(t.Context(), "p", rollOf(20_000), nil)
	if !errors.Is(err, client.CodePollNotFound) || sum.Lines != 16384 {
		t.Errorf("it ends with %v after %d lines", err, sum.Lines)
	}
	html := newClient(t, []string{serve(t, (&rollServer{script: []func(w http.ResponseWriter, lines int){func(w http.ResponseWriter, _ int) {
		answerJSON(w, 200, `{}`)
	}}}).serve)})
	if _, err := html.LoadRoll(t.Context(), "p", rollOf(1), nil); err == nil {
		t.Error("what is no answer of this service is taken for one")
	}
	if sum, err := c.LoadRoll(t.Context(), "p", rollOf(0), nil); err != nil || sum.Lines != 0 {
		t.Errorf("a roll without voters: %+v, %v", sum, err)
	}
}

func TestAVoterOnARollIsReadAndDropped(t *testing.T) {
	t.Parallel()
	var asked []string
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/roll") {
			answerJSON(w, 200, `{"poll":"p","index":12,"eligible":1,"eligible_weight":3}`)
			return
		}
		answerJSON(w, 200, `{"poll":"p","voter":"a/b","weight":3,"eligible":true,"voted":true,"index":9}`)
	})})
	e, err := c.Enrolled(t.Context(), "p", "a/b")
	if err != nil || e.Weight != 3 || !e.Eligible || !e.Voted || e.Index != 9 || e.Meta.Node != "n1" {
		t.Errorf("%+v, %v", e, err)
	}
	if err := c.DropVoter(t.Context(), "p", "a/b"); err != nil {
		t.Error(err)
	}
	if want := "[GET /v1/polls/p/roll/a%2Fb GET /v1/polls/p/roll DELETE /v1/polls/p/roll/a%2Fb?since=12]"; fmt.Sprint(asked) != want {
		t.Errorf("it asked for %v", asked)
	}
}
