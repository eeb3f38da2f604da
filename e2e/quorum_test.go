package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// request sends one request to one node, without a retry.
func request(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestWithoutAQuorumANodeSaysSoAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "alone"})
	if _, err := all.Cast(t.Context(), "alone", "before", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	// Given one node of three, which has applied the ballot …
	left := c.Nodes[0]
	if _, err := dial(t, left.URL).Results(t.Context(), "alone", client.Linearizable); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes[1:] {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	// … a ballot is held as long as it asked for, then refused with a hint when to try
	// again.
	began := time.Now()
	resp, body := request(t, "PUT", left.URL+"/v1/polls/alone/ballots/during", `{"selections":["bo"]}`, "Prefer", "wait=1")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a ballot without a quorum: %s %s", resp.Status, body)
	}
	if took := time.Since(began); took < 900*time.Millisecond || took > 3*time.Second {
		t.Errorf("it was held for %v, not for the second that it asked for", took)
	}
	for _, x := range []struct {
		path string
		want int
	}{
		{"/livez", 200},
		{"/v1/polls/alone/results?consistency=stale", 200},
		{"/v1/polls/alone/results", 503},
		{"/v1/polls/alone/ballots/before", 503},
	} {
		if resp, body := request(t, "GET", left.URL+x.path, "", "Prefer", "wait=1"); resp.StatusCode != x.want {
			t.Errorf("GET %s without a quorum: %s %s, want %d", x.path, resp.Status, body, x.want)
		}
	}
	// A replay of a final answer needs no quorum.
	if resp, body := request(t, "PUT", left.URL+"/v1/polls/alone/ballots/before", `{"selections":["ann"]}`); resp.StatusCode != 200 {
		t.Errorf("a replay without a quorum: %s %s", resp.Status, body)
	}
	// When the others are back, the service is, too; the ballot's retry is counted
	// once.
	for _, n := range c.Nodes[1:] {
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, c)
	if _, err := all.Cast(t.Context(), "alone", "during", client.Choose("bo")); err != nil {
		t.Fatal(err)
	}
	checkCount(t, c, "alone", 2)
}

func checkCount(t *testing.T, c *localcluster.Cluster, poll string, want int) {
	t.Helper()
	for _, n := range c.Nodes {
		r, err := dial(t, n.URL).Results(t.Context(), poll, client.Linearizable)
		if err != nil || int(r.Ballots) != want {
			t.Errorf("%s counts %d ballots (%v), want %d", n.ID, r.Ballots, err, want)
		}
	}
}

// A leader that is stopped (SIGSTOP) keeps its connections: the others must not wait
// for it for long.
func TestAFrozenLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	c := start(t)
	all := dial(t, c.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "frozen"})
	old := leaderOf(t, c)
	if err := old.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var living []string
	for _, n := range c.Nodes {
		if n != old {
			living = append(living, n.URL)
		}
	}
	at := dial(t, living...)
	if _, err := at.Cast(t.Context(), "frozen", "v", client.Choose("ann")); err != nil {
		t.Fatal(err)
	}
	if gap := time.Since(began); gap > 2*time.Second {
		t.Errorf("a frozen leader cost %v", gap)
	} else {
		t.Logf("a frozen leader cost %v", gap)
	}
	if err := old.Continue(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
	checkCount(t, c, "frozen", 1)
}
