package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// bulk sends lines and returns the answer.
func (g *rig) bulk(id, lines string) answer {
	g.t.Helper()
	return g.do("POST", "/v1/polls/"+id+"/ballots", lines, "Content-Type", mediaNDJSON)
}

func TestABulkUploadIsAnsweredLineForLine(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", revotable)
	a := g.bulk("p", strings.Join([]string{
		`{"voter":"u","selections":["ann"]}`,
		`{"voter":"u","selections":["ann"]}`,
		`{"voter":"u","selections":["bo"]}`,
		`{"selections":["bo"],"if_version":1,"voter":"u"}` + "\r",
		`{"voter":"v","selections":["cy"]}`,
		`{"voter":"v"`,
		``,
		`{"voter":"..","selections":["bo"]}`,
		`{"voter":"` + strings.Repeat("v", maxLineBytes) + `","selections":["bo"]}`,
		`{"voter":"` + strings.Repeat("v", 2*bulkReadBytes) + `","selections":["bo"]}`,
		`{"voter":"w","ranking":["bo"]}`,
		`{"voter":"w","selections":["bo"],"if_version":0}`,
		`{"voter":"\u0077","selections":["bo"]}`,
	}, "\n")).want(200)
	want := []string{
		`{"line":1,"outcome":"counted","ballot":1,"version":1}`,
		`{"line":2,"outcome":"replayed","ballot":1,"version":1}`,
		`{"line":3,"code":"already_voted"`,
		`{"line":4,"outcome":"replaced","ballot":2,"version":2}`,
		`{"line":5,"code":"invalid_ballot"`,
		`{"line":6,"code":"malformed_request"`,
		`{"line":8,"code":"invalid_voter"`,
		`{"line":9,"code":"payload_too_large"`,
		`{"line":10,"code":"payload_too_large"`,
		`{"line":11,"code":"invalid_ballot"`,
		`{"line":12,"code":"malformed_request"`,
		`{"line":13,"outcome":"counted","ballot":3,"version":1}`,
	}
	got := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("line %d is wrong:\n%s", i+1, a.body)
		}
	}
	g.do("GET", "/metrics", "").holds("voted_bulk_lines_total 13\n").holds(`voted_ballots_total{outcome="malformed_request"} 2`)
}

func TestBlankLinesAndAByteOrderMarkAreSkippedAndCountAsLines(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.bulk("p", "\ufeff\n"+`{"voter":"u","selections":["ann"]}`+"\n \t\r\n"+`{"voter":"v","selections":["bo"]}`+"\n\n").want(200).
		holds(`{"line":2,"outcome":"counted"`).holds(`{"line":4,"outcome":"counted"`).lacks(`"code"`)
	g.bulk("p", "\ufeff"+`{"voter":"u","selections":["ann"]}`).want(200).holds(`{"line":1,"outcome":"replayed"`)
	g.bulk("p", "\n\ufeff"+`{"voter":"w","selections":["ann"]}`).want(200).holds(`{"line":2,"code":"malformed_request"`).holds("byte order mark")
}

func TestEachKindOfMalformedLineHasASentenceOfItsOwn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	for name, c := range map[string]struct{ line, says string }{
		"an array":                 {`[{"voter":"v"}]`, "A ballot is a JSON object"},
		"UTF-16":                   {"\xff\xfe{\x00\"\x00v\x00", "looks like UTF-16"},
		"a trailing comma":         {`{"voter":"v","selections":["ann"],}`, "at byte 34"},
		"a name twice":             {`{"voter":"v","selections":["ann"],"selections":["bo"]}`, "selections: This name stands here twice; keep one."},
		"two objects":              {`{"voter":"v","selections":["ann"]}{"voter":"w","selections":["bo"]}`, "Something follows the object at byte 35"},
		"half an object":           {`{"voter":"v","selections":["ann"]`, "not valid JSON in UTF-8 at byte 34"},
		"bytes that are not UTF-8": {"{\"voter\":\"zo\xeb\",\"selections\":[\"ann\"]}", "not valid JSON in UTF-8 at byte 13"},
	} {
		if a := g.bulk("p", c.line).want(200).holds(`"code":"malformed_request"`); !strings.Contains(a.body, c.says) {
			t.Errorf("%s: it does not say %q:\n%s", name, c.says, a.body)
		}
	}
}

func TestAnEmptyUploadIsAnsweredWithNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	if a := g.do("POST", "/v1/polls/p/ballots", "", "Content-Type", mediaNDJSON).want(200); a.body != "" {
		t.Errorf("the answer is %q", a.body)
	}
	g.bulk("p", `{"voter":"v","selections":["ann"]}`+"\n").want(200).holds(`"counted"`).lacks(`"line":2`)
}

func TestALineThatBreaksTheRulesIsAnsweredByThePollsPhaseFirst(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", future)
	const bad = `{"voter":"v","selections":["cy"]}`
	g.bulk("p", bad).want(200).holds(`"code":"poll_not_open"`)
	g.close("p")
	g.bulk("p", bad).want(200).holds(`"code":"poll_closed"`)
}

func TestABulkUploadThatCannotBeginIsAProblem(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.MaxBulk = 1 })
	g.poll("p", twoOptions)
	const line = `{"voter":"v","selections":["ann"]}`
	g.bulk("q", line).want(404).code("poll_not_found")
	g.do("POST", "/v1/polls/p/ballots", line).want(415)
	g.do("POST", "/v1/polls/p/ballots", line, "Content-Type", mediaNDJSON, "Accept", "text/csv").want(406)
	g.b.set(func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") })
	g.bulk("p", line).want(503).code("unavailable")
	g.b.set(func(b *backend) { b.fault = errors.New("torn page") })
	g.bulk("p", line).want(500).code("internal").lacks("torn")
	g.b.set(func(b *backend) { b.fault = nil })
	g.h.bulks.take()
	g.bulk("p", line).want(429).code("too_many_requests")
	g.h.bulks.give()
	g.bulk("p", line).want(200)
}

func TestALargeUploadGoesInLargeChunks(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	const n = 40_000
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"voter":"v%d","selections":["ann"]}`+"\n", i)
	}
	held := make(chan struct{})
	g.b.set(func(b *backend) { b.castHeld = held })
	time.AfterFunc(50*time.Millisecond, func() { close(held) }) // lines gather behind the first chunk
	a := g.bulk("p", lines.String()).want(200)
	if got := strings.Count(a.body, `"outcome":"counted"`); got != n {
		t.Errorf("%d lines were counted", got)
	}
	for _, chunk := range g.b.casts {
		if len(chunk) > maxChunkBallots {
			t.Errorf("a chunk has %d ballots", len(chunk))
		}
	}
	if len(g.b.casts) > 20 {
		t.Errorf("%d ballots went in %d chunks", n, len(g.b.casts))
	}
	g.bulk("p", lines.String()).want(200).lacks(`"counted"`)
}

// conversation is an upload on a real server, answered while it is being sent.
type conversation struct {
	t    *testing.T
	out  *io.PipeWriter
	resp chan *http.Response
	in   *bufio.Reader
}

func (g *rig) converse(s *httptest.Server, id string) *conversation {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patienceOfTests)
	g.t.Cleanup(cancel)
	pr, pw := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/polls/"+id+"/ballots", pr)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaNDJSON)
	c := &conversation{t: g.t, out: pw, resp: make(chan *http.Response, 1)}
	go func() {
		resp, err := s.Client().Do(r)
		if err != nil {
			g.t.Error(err)
			close(c.resp)
			return
		}
		c.resp <- resp
	}()
	return c
}

func (c *conversation) say(lines string) {
	c.t.Helper()
	if _, err := io.WriteString(c.out, lines); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads the next line; "" is the end.
func (c *conversation) hear() string {
	c.t.Helper()
	if c.in == nil {
		resp := <-c.resp
		if resp == nil {
			c.t.FailNow()
		}
		c.t.Cleanup(func() { _ = resp.Body.Close() })
		c.in = bufio.NewReader(resp.Body)
	}
	line, err := c.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatalf("the answer broke: %v", err)
	}
	return line
}

func TestASlowSendersLinesAreAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	s := g.serve()
	c := g.converse(s, "p")
	for i := range 5 {
		line := fmt.Sprintf(`{"voter":"v%d","selections":["ann"]}`, i)
		c.say(line[:10])
		c.say(line[10:] + "\n")
		if got, want := c.hear(), fmt.Sprintf(`{"line":%d,"outcome":"counted","ballot":%d,"version":1}`+"\n", i+1, i+1); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
	_ = c.out.Close()
	if got := c.hear(); got != "" {
		t.Errorf("at the end comes %q", got)
	}
	// The connection is fit for the next request.
	again := g.converse(s, "p")
	again.say(`{"voter":"w","selections":["bo"]}` + "\n")
	_ = again.out.Close()
	if got := again.hear(); !strings.Contains(got, "counted") {
		t.Errorf("heard %q", got)
	}
}

func TestAnUploadThatCannotGoOnSaysFromWhichLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(b *backend)
		code   string
	}{
		{"no leader", func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") }, "unavailable"},
		{"no answer", func(b *backend) { b.forgetful = refusal.New(refusal.OutcomeUnknown, "The leader died.") }, "outcome_unknown"},
		{"no answer in time", func(b *backend) { b.castHeld = make(chan struct{}) }, "outcome_unknown"},
		{"a fault", func(b *backend) { b.fault = errors.New("torn page") }, "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, func(o *Options) { o.RequestTimeout = 300 * time.Millisecond })
			g.poll("p", twoOptions)
			u := g.converse(g.serve(), "p")
			u.say(`{"voter":"u","selections":["ann"]}` + "\n" + `{}` + "\n")
			u.hear()
			u.hear()
			g.b.set(c.change)
			u.say(`{"voter":"v","selections":["ann"]}` + "\n")
			if got := u.hear(); !strings.HasPrefix(got, `{"code":"`+c.code+`","retry_from_line":3,`) || strings.Contains(got, "torn") {
				t.Errorf("heard %q", got)
			}
			// The sender has not finished and is not waited for.
			if got := u.hear(); got != "" {
				t.Errorf("after that comes %q", got)
			}
			_ = u.out.Close()
		})
	}
}

func TestDrainEndsUploadsWithTheLineToGoOnFrom(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	u := g.converse(g.serve(), "p")
	u.say(`{"voter":"u","selections":["ann"]}` + "\n")
	u.hear()
	g.h.Drain()
	if got := u.hear(); !strings.HasPrefix(got, `{"code":"unavailable","retry_from_line":2,`) {
		t.Errorf("heard %q", got)
	}
	if got := u.hear(); got != "" {
		t.Errorf("after that comes %q", got)
	}
	_ = u.out.Close()
	g.bulk("p", `{"voter":"v","selections":["ann"]}`) // a new one may still be sent, and is refused at once or served
}

func TestASenderThatBreaksOffLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	u := g.converse(g.serve(), "p")
	u.say(`{"voter":"u","selections":["ann"]}` + "\n")
	u.hear()
	u.say(`{"voter":"v","selec`)
	_ = u.out.CloseWithError(errors.New("the phone fell into the water"))
	deadline := time.Now().Add(patienceOfTests)
	for g.h.bulks.taken.Load() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the upload does not end")
		}
		time.Sleep(time.Millisecond)
	}
	g.do("GET", "/v1/polls/p", "").holds(`"ballots":1`)
}

// grenade is a backend whose casts panic.
type grenade struct{ *backend }

func (grenade) CastMany(context.Context, []poll.Ballot) ([]poll.Outcome, error) {
	panic("the pin was out")
}

func TestAPanicWhileAnsweringIsAProblem(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.h.cluster = grenade{g.b}
	g.bulk("p", `{"voter":"v","selections":["ann"]}`).want(500).code("internal").lacks("pin")
	if !strings.Contains(g.log.String(), "the pin was out") {
		t.Errorf("the log says %s", g.log)
	}
}
