package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"voted/internal/localcluster"
)

// step is one request and the answer that any node must give.
type step struct {
	what   string
	method string
	path   string
	body   string
	header []string
	status int
	has    []string // in the body
	sent   []string // header: "Name: value", or "Name" if any value is right
}

// A poll's whole life, with each step at another node: what one node acknowledged,
// every other one must know.
var life = []step{
	{"a poll is created", "PUT", "", `{"options":["ann","bo"],"revote":"until_close"}`, nil, 201, []string{`"state":"open"`}, []string{"Etag: \"1\"", "Location"}},
	{"the same definition again", "PUT", "", `{"options":["ann","bo"],"revote":"until_close"}`, nil, 200, []string{`"revision":1`}, nil},
	{"a different definition", "PUT", "", `{"options":["ann","cy"]}`, nil, 409, []string{`"code":"poll_exists"`}, nil},
	{"it is read", "GET", "", "", nil, 200, []string{`"method":"plurality"`}, []string{"Voted-Node", "Voted-Leader", "Voted-Index"}},
	{"a ballot", "PUT", "/ballots/v%2F1", `{"selections":["ann"]}`, nil, 201, []string{`"outcome":"counted"`, `"version":1`, `"ballot":1`, `"voter":"v/1"`}, []string{"Etag: \"1\""}},
	{"its retry", "PUT", "/ballots/v%2F1", `{"selections":["ann"]}`, nil, 200, []string{`"outcome":"replayed"`, `"ballot":1`}, []string{"Idempotent-Replayed: true"}},
	{"another ballot of the voter", "PUT", "/ballots/v%2F1", `{"selections":["bo"]}`, nil, 409, []string{`"code":"already_voted"`}, []string{"Etag: \"1\""}},
	{"a replacement", "PUT", "/ballots/v%2F1", `{"selections":["bo"]}`, []string{"If-Match", `"1"`}, 200, []string{`"outcome":"replaced"`, `"version":2`}, []string{"Etag: \"2\""}},
	{"the replacement's retry", "PUT", "/ballots/v%2F1", `{"selections":["bo"]}`, []string{"If-Match", `"1"`}, 200, []string{`"outcome":"replayed"`, `"version":2`}, nil},
	{"a late duplicate of the first ballot", "PUT", "/ballots/v%2F1", `{"selections":["ann"]}`, nil, 409, []string{`"code":"superseded"`}, nil},
	{"a replacement of an old version", "PUT", "/ballots/v%2F1", `{"selections":["ann"]}`, []string{"If-Match", `"7"`}, 412, []string{`"code":"version_mismatch"`}, nil},
	{"an overvote", "PUT", "/ballots/v2", `{"selections":["ann","bo"]}`, nil, 422, []string{`"code":"invalid_ballot"`, `"errors":[`}, nil},
	{"an unknown key", "PUT", "/ballots/v2", `{"selections":["ann"],"x":1}`, nil, 400, []string{`"code":"malformed_request"`}, nil},
	{"the receipt", "GET", "/ballots/v%2F1", "", nil, 200, []string{`"version":2`, `"ballot":2`}, []string{"Etag: \"2\""}},
	{"no receipt", "GET", "/ballots/nobody", "", nil, 404, []string{`"code":"ballot_not_found"`}, nil},
	{
		"many ballots", "POST", "/ballots", "{\"voter\":\"b1\",\"selections\":[\"ann\"]}\n{\"voter\":\"b1\",\"selections\":[\"ann\"]}\nnonsense\n{\"voter\":\"b2\",\"selections\":[\"bo\"]}\n",
		[]string{"Content-Type", "application/x-ndjson"},
		200,
		[]string{`{"line":1,"outcome":"counted"`, `{"line":2,"outcome":"replayed"`, `{"line":3,"code":"malformed_request"`, `{"line":4,"outcome":"counted"`},
		nil,
	},
	{"the tally", "GET", "/results", "", nil, 200, []string{`"ballots":3`, `{"id":"ann","votes":1`, `{"id":"bo","votes":2`, `"certified":false`}, nil},
	{"the title is changed", "PATCH", "", `{"title":"Board"}`, []string{"If-Match", `"1"`}, 200, []string{`"title":"Board"`, `"revision":2`}, []string{"Etag: \"2\""}},
	{"a deletion comes too early", "DELETE", "", "", nil, 409, []string{`"code":"poll_not_closed"`}, nil},
	{"it is closed", "POST", "/close", "", nil, 200, []string{`"state":"closed"`}, nil},
	{"and again", "POST", "/close", "", nil, 200, []string{`"state":"closed"`}, nil},
	{"a ballot comes late", "PUT", "/ballots/late", `{"selections":["ann"]}`, nil, 409, []string{`"code":"poll_closed"`}, nil},
	{"a retry after the closing", "PUT", "/ballots/b2", `{"selections":["bo"]}`, nil, 200, []string{`"outcome":"replayed"`}, nil},
	{"the certified tally", "GET", "/results", "", nil, 200, []string{`"certified":true`, `"winners":["bo"]`}, nil},
	{"the export", "GET", "/ballots?format=csv", "", nil, 200, []string{"ann", "bo"}, []string{"Voted-Index"}},
	{"a format that there is none of", "GET", "/ballots?format=xls", "", nil, 400, nil, nil},
	{"it is deleted", "DELETE", "", "", nil, 204, nil, nil},
	{"and again", "DELETE", "", "", nil, 204, nil, nil},
	{"it is gone", "GET", "", "", nil, 404, []string{`"code":"poll_not_found"`}, nil},
	{"its id stays taken", "PUT", "", `{"options":["ann","bo"],"revote":"until_close"}`, nil, 409, []string{`"code":"poll_exists"`}, nil},
}

func TestTheContractHoldsThroughEveryNode(t *testing.T) {
	t.Parallel()
	c := start(t)
	for first := range c.Nodes {
		poll := fmt.Sprintf("life-%d", first)
		for i, s := range life {
			n := c.Nodes[(first+i)%len(c.Nodes)]
			s.run(t, n, poll)
		}
	}
	t.Run("POST with an Idempotency-Key makes one poll", func(t *testing.T) {
		key := []string{"Idempotency-Key", `"k-1"`}
		made, _ := request(t, "POST", c.Nodes[0].URL+"/v1/polls", `{"options":["a","b"]}`, key...)
		again, _ := request(t, "POST", c.Nodes[1].URL+"/v1/polls", `{"options":["a","b"]}`, key...)
		other, body := request(t, "POST", c.Nodes[2].URL+"/v1/polls", `{"options":["a","c"]}`, key...)
		if made.StatusCode != 201 || again.Header.Get("Location") != made.Header.Get("Location") || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("made %v, again %v", made.Header, again.Header)
		}
		if other.StatusCode != 422 || !strings.Contains(body, "idempotency_key_reused") {
			t.Errorf("another request under the key: %s %s", other.Status, body)
		}
	})
	t.Run("live results come from every node", func(t *testing.T) { liveResults(t, c) })
}

func (s step) run(t *testing.T, n *localcluster.Node, poll string) {
	t.Helper()
	resp, body := request(t, s.method, n.URL+"/v1/polls/"+poll+s.path, s.body, s.header...)
	if resp.StatusCode != s.status {
		t.Errorf("%s, at %s: %s %s, want %d", s.what, n.ID, resp.Status, body, s.status)
	}
	for _, want := range s.has {
		if !strings.Contains(body, want) {
			t.Errorf("%s, at %s: %s does not hold %s", s.what, n.ID, body, want)
		}
	}
	for _, want := range s.sent {
		name, value, exact := strings.Cut(want, ": ")
		if got := resp.Header.Get(name); got == "" || exact && got != value {
			t.Errorf("%s, at %s: %s is %q, want %q", s.what, n.ID, name, got, value)
		}
	}
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s, at %s: a problem of type %s", s.what, n.ID, resp.Header.Get("Content-Type"))
	}
}

// liveResults reads events at every node while a ballot is cast at another.
func liveResults(t *testing.T, c *localcluster.Cluster) {
	request(t, "PUT", c.Nodes[0].URL+"/v1/polls/live", `{"options":["a","b"]}`)
	var bodies []io.ReadCloser
	for _, n := range c.Nodes {
		req, err := http.NewRequestWithContext(t.Context(), "GET", n.URL+"/v1/polls/live/results/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %v %v", n.ID, resp, err)
		}
		defer resp.Body.Close()
		bodies = append(bodies, resp.Body)
	}
	request(t, "PUT", c.Nodes[1].URL+"/v1/polls/live/ballots/v", `{"selections":["b"]}`)
	request(t, "POST", c.Nodes[2].URL+"/v1/polls/live/close", "")
	for i, body := range bodies {
		last := ""
		for lines := bufio.NewScanner(body); lines.Scan(); {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				last = data
			}
		}
		if !strings.Contains(last, `"certified":true`) || !strings.Contains(last, `"ballots":1`) {
			t.Errorf("%s: the stream ended with %s", c.Nodes[i].ID, last)
		}
	}
}
