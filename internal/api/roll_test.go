package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/rollfile"
)

// upload sends lines to the roll of a poll.
func (g *rig) upload(id, lines string, header ...string) answer {
	g.t.Helper()
	return g.do("PUT", "/v1/polls/"+id+"/roll", lines, append([]string{"Content-Type", "application/x-ndjson"}, header...)...)
}

func TestARollIsLoadedReadAndVotedBy(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"eligibility":"roll","quorum":2}`)
	g.upload("p", `{"voter":"u","weight":3}`+"\n"+`{"voter":"v"}`+"\n\n"+`{"voter":"w/x","weight":1000000}`).want(200).
		has("Content-Type", "application/x-ndjson").has("Cache-Control", "no-store").
		holds(`{"poll":"p","lines":4,"added":3,"changed":0,"unchanged":0,"refused":0,"since":1,"index":2}` + "\n")
	g.do("GET", "/v1/polls/p/roll", "").want(200).holds(`{"poll":"p","index":2,"eligible":3,"eligible_weight":1000004,"voted":0,"voted_weight":0}`)
	g.do("GET", "/v1/polls/p/roll/w%2Fx", "").want(200).holds(`{"poll":"p","voter":"w/x","weight":1000000,"eligible":true,"voted":false,"index":2}`)
	g.cast("p", "u", forAnn)
	g.cast("p", "v", forBo)
	g.do("PUT", "/v1/polls/p/ballots/x", forBo).want(403).code("not_eligible")
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":2,"certified":false,"weight":4,` +
		`"turnout":{"eligible":3,"voted":2,"eligible_weight":1000004,"voted_weight":4},"quorum":{"needed":2},"winners":["ann"],"options":[{"id":"ann","votes":3},{"id":"bo","votes":1}]`)
	g.do("DELETE", "/v1/polls/p/roll/w%2Fx", "").want(204)
	g.do("DELETE", "/v1/polls/p/roll/w%2Fx", "").want(204)
	g.do("DELETE", "/v1/polls/p/roll/nobody", "").want(204)
	g.do("DELETE", "/v1/polls/p/roll/u", "").want(204)
	g.do("PUT", "/v1/polls/p/ballots/w%2Fx", forBo).want(403).code("not_eligible")
	g.do("PUT", "/v1/polls/p/ballots/u", forAnn).want(200).has("Idempotent-Replayed", "true")
	g.do("GET", "/v1/polls/p/roll/u", "").want(200).holds(`"weight":3,"eligible":false,"voted":true`)
	g.do("GET", "/v1/polls/p/roll/nobody", "").want(404).code("voter_not_found")
	g.close("p")
	g.do("DELETE", "/v1/polls/p/roll/v", "").want(409).code("poll_closed")
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"turnout":{"eligible":2,"voted":2,"eligible_weight":4,"voted_weight":4},"quorum":{"needed":2,"met":true}`)
}

func TestOnlyRefusedLinesOfARollAreAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mediaType, body, want string }{
		"NDJSON": {
			mediaNDJSON,
			`{"voter":"a"}` + "\n" + `{"voter":"a","weight":2}` + "\n" + `{"voter":""}` + "\n" + `{"voter":"b","weight":0}` + "\n" + `{"voter":"b","weight":1.5}` + "\n" +
				`{"voter":"b","wieght":1}` + "\n" + `{"voter":"voted","weight":9}` + "\n" + strings.Repeat("x", rollfile.MaxLineBytes+1) + "\n" + `{"voter":"..."}` + "\n" + `{"voter":".."}` + "\r\n",
			"2 superseded, 3 invalid_voter, 4 malformed_request, 5 malformed_request, 6 malformed_request, 7 already_voted, 8 payload_too_large, 10 invalid_voter; 2 added",
		},
		"CSV with weights": {
			mediaCSV + "; charset=utf-8",
			"\ufeffVoter,Weight\na,1\n\"b, \"\"jr\"\"\", 3\nc\nd,x\n\"e,1\n\"f\"g,1\nh,1,1\nvoted,2\n",
			"4 malformed_request, 5 malformed_request, 6 malformed_request, 7 malformed_request, 8 malformed_request, 9 already_voted; 2 added",
		},
		"CSV without weights": {mediaCSV, "voter\na\nb,1\n\"c\"", "3 malformed_request; 2 added"},
		"nothing":             {mediaNDJSON, "\n", "; 0 added"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", members)
			g.upload("p", `{"voter":"voted"}`).want(200)
			g.cast("p", "voted", forAnn)
			a := g.upload("p", c.body, "Content-Type", c.mediaType).want(200)
			var refused []string
			added := 0
			for line := range strings.Lines(a.body) {
				v := answer{t: t, body: line}.json()
				if v["line"] != nil {
					refused = append(refused, fmt.Sprintf("%v %v", v["line"], v["code"]))
				} else {
					added = int(v["added"].(float64))
				}
			}
			if got := fmt.Sprintf("%s; %d added", strings.Join(refused, ", "), added); got != c.want {
				t.Errorf("it is answered\n%s\nwant\n%s\n%s", got, c.want, a.body)
			}
			g.upload("p", c.body, "Content-Type", c.mediaType, "Accept", "application/json").want(200).
				has("Content-Type", "application/json").holds(`"added":0`)
		})
	}
}

func TestARollInCSVIsTakenAsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mediaType, body, voter, want string }{
		"semicolons":               {mediaCSV, "voter;weight\nann;2\n", "ann", `"lines":2,"added":1,`},
		"tabs and further columns": {mediaCSV, "Name\tE-Mail\tWeight\nAnn\tann@x\t2\n", "ann@x", `"ignored":["Name"]`},
		"cells of several lines":   {mediaCSV, "voter,note,weight\nann,\"one\ntwo\",2\n", "ann", `"lines":3,"added":1,`},
		"Windows-1252 by charset":  {mediaCSV + "; charset=windows-1252", "voter,weight\nZo\xeb,2\n", "Zo%C3%AB", `"added":1`},
		"UTF-8 with its mark":      {mediaCSV + ";charset=UTF-8", "\ufeffVoter,Weight\nZoë,2\n", "Zo%C3%AB", `"added":1`},
		"NDJSON with its mark":     {mediaNDJSON, "\ufeff" + `{"voter":"ann","weight":2}`, "ann", `"added":1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", members)
			g.upload("p", c.body, "Content-Type", c.mediaType).want(200).holds(c.want)
			g.do("GET", "/v1/polls/p/roll/"+c.voter, "").want(200).holds(`"weight":2`)
		})
	}
	g := newRig(t)
	g.poll("p", members)
	g.upload("p", "voter\nZo\xeb\nann\n", "Content-Type", mediaCSV).want(200).holds(`"added":1`).
		holds(`{"line":2,"code":"malformed_request","detail":"Column 3: this is not UTF-8, it looks like windows-1252; send it in UTF-8, or a CSV with this charset in its Content-Type."}`)
	g.upload("p", "voter\nZoe\n", "Content-Type", mediaCSV+"; charset=utf-16").want(415).holds("UTF-8")
	g.upload("p", "voter\nZoe\n", "Content-Type", mediaCSV+"; charset=windows-9").want(415)
	g.upload("p", `{"voter":"v"}`, "Content-Type", mediaNDJSON+"; charset=windows-1252").want(415)
	g.upload("p", "voter,wieght\nann,3\n", "Content-Type", mediaCSV).want(400).holds(`almost \"weight\"`)
	g.upload("p", "", "Content-Type", mediaCSV).want(400).holds("text is empty")
}

func TestWhatARollCannotDo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("anyone", twoOptions)
	g.poll("p", members)
	g.poll("closed", members)
	g.upload("closed", `{"voter":"v"}`).want(200)
	g.close("closed")
	one := `{"voter":"v"}`
	g.upload("none", one).want(404).code("poll_not_found")
	g.upload("anyone", one).want(404).code("roll_not_found")
	g.do("GET", "/v1/polls/anyone/roll", "").want(404).code("roll_not_found")
	g.do("GET", "/v1/polls/anyone/roll/v", "").want(404).code("roll_not_found")
	g.do("DELETE", "/v1/polls/anyone/roll/v", "").want(404).code("roll_not_found")
	g.do("GET", "/v1/polls/none/roll", "").want(404).code("poll_not_found")
	g.do("DELETE", "/v1/polls/p/roll/%2E%2E", "").want(422).code("invalid_voter")
	g.upload("p", one, "Content-Type", "application/json").want(415).code("unsupported_media_type")
	g.upload("p", one, "Accept", "text/html").want(406).code("not_acceptable")
	g.upload("p", "v,1\n", "Content-Type", "text/csv").want(400).code("malformed_request").holds("voter,weight")
	g.upload("closed", one).want(200).holds(`"unchanged":1`)
	g.upload("closed", `{"voter":"w"}`).want(200).holds(`"code":"poll_closed"`).holds(`"refused":1`)
	for _, since := range []string{"x", "-1", "4711"} {
		g.do("PUT", "/v1/polls/p/roll?since="+since, one, "Content-Type", "application/x-ndjson").want(400).code("malformed_request")
		g.do("DELETE", "/v1/polls/p/roll/v?since="+since, "").want(400).code("malformed_request")
	}
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo"],"eligibility":"members"}`).want(422).holds(`"eligibility"`)
}

// A client that retries names what it had seen, and so undoes nothing.
func TestAnUploadThatIsSentAgainUndoesNoDrop(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	again := func() answer {
		return g.do("PUT", "/v1/polls/p/roll?since=1", `{"voter":"v"}`, "Content-Type", "application/x-ndjson").want(200)
	}
	again().holds(`"added":1`)
	again().holds(`"unchanged":1`)
	g.do("DELETE", "/v1/polls/p/roll/v?since=1", "").want(409).code("superseded")
	g.do("DELETE", "/v1/polls/p/roll/v", "").want(204)
	again().holds(`"line":1,"code":"superseded"`)
	g.upload("p", `{"voter":"v"}`).want(200).holds(`"added":1`)
}

func TestWhoHasVotedIsHiddenLikeResults(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo"],"eligibility":"roll","results":"after_close"}`)
	g.upload("p", `{"voter":"v"}`).want(200)
	g.cast("p", "v", forAnn)
	g.do("GET", "/v1/polls/p/roll", "").want(200).holds(`"eligible":1`).lacks("voted")
	g.close("p")
	g.do("GET", "/v1/polls/p/roll", "").want(200).holds(`"voted":1`)
}

// tired is a backend that stops after so many commands.
type tired struct {
	*backend
	left int
	err  error
}

func (c *tired) Execute(ctx context.Context, cmd poll.Command) (poll.Result, error) {
	if c.left--; c.left < 0 {
		return poll.Result{}, c.err
	}
	return c.backend.Execute(ctx, cmd)
}

func linesOfRoll(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, `{"voter":"v-%d","weight":2}`+"\n", n)
	}
	return b.String()
}

func TestAnUploadThatBreaksOffSaysFromWhereToGoOn(t *testing.T) {
	t.Parallel()
	lost := refusal.New(refusal.OutcomeUnknown, "Nobody knows.")
	for name, c := range map[string]struct {
		applied int
		err     error
		accept  string
		status  int
		want    string
	}{
		"at once":                   {0, lost, mediaNDJSON, 503, `"code":"outcome_unknown"`},
		"after the first batch":     {1, lost, mediaNDJSON, 200, `{"code":"outcome_unknown","retry_from_line":4097,"detail":"Nobody knows."}`},
		"where JSON is asked for":   {1, lost, mediaJSON, 503, `"code":"outcome_unknown"`},
		"for a reason without code": {1, errors.New("secret"), mediaNDJSON, 200, `{"code":"internal","retry_from_line":4097`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			g.poll("p", members)
			g.h.cluster = &tired{g.b, c.applied, c.err}
			body := linesOfRoll(0, 2*poll.MaxRollLines+1)
			g.upload("p", body, "Accept", c.accept).want(c.status).holds(c.want).lacks("secret")
			g.h.cluster = g.b
			g.upload("p", body).want(200).holds(fmt.Sprintf(`"lines":8193,"added":%d,"changed":0,"unchanged":%d,"refused":0`, 8193-4096*c.applied, 4096*c.applied))
			g.do("GET", "/v1/polls/p/roll", "").want(200).holds(`"eligible":8193,"eligible_weight":16386`)
		})
	}
}

func TestABodyThatBreaksOffIsNotTakenForAWholeRoll(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	for _, c := range []struct {
		lines, status int
		want          string
	}{{10, 400, `"code":"malformed_request"`}, {poll.MaxRollLines + 10, 200, `"retry_from_line":4097`}} {
		body := io.MultiReader(strings.NewReader(linesOfRoll(0, c.lines)), iotest.ErrReader(io.ErrUnexpectedEOF))
		r := httptest.NewRequest("PUT", "/v1/polls/p/roll", body)
		r.Header.Set("Content-Type", mediaNDJSON)
		rec := httptest.NewRecorder()
		g.h.ServeHTTP(rec, r)
		g.checked("PUT", "/v1/polls/p/roll", rec.Result()).want(c.status).holds(c.want).lacks(`"added"`)
	}
}

// readFunc is a reader made of its method.
type readFunc func(b []byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

func TestANodeThatDrainsSendsAnUploadToAnotherOne(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", members)
	drained := readFunc(func([]byte) (int, error) {
		g.h.Drain()
		return 0, io.ErrUnexpectedEOF // as a read ends that is interrupted
	})
	r := httptest.NewRequest("PUT", "/v1/polls/p/roll", io.MultiReader(strings.NewReader(linesOfRoll(0, poll.MaxRollLines+1)), drained))
	r.Header.Set("Content-Type", mediaNDJSON)
	rec := httptest.NewRecorder()
	g.h.ServeHTTP(rec, r)
	g.checked("PUT", "/v1/polls/p/roll", rec.Result()).want(200).holds(`{"code":"unavailable","retry_from_line":4097`)
}

func TestUploadsOfRollsAreBoundedInNumber(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.MaxBulk = 1 })
	g.poll("p", members)
	g.h.bulks.take()
	g.upload("p", `{"voter":"v"}`).want(429).code("too_many_requests")
	g.h.bulks.give()
	g.upload("p", `{"voter":"v"}`).want(200)
}
