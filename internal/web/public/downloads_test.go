package public_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// A cache between the node and its visitors may keep such a file for a moment: a token in it would be everybody's.
func TestAFileThatCachesKeepHoldsNobodysCookie(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "kept", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone}, client.Choose("ann"))
	n.close(t, "kept")
	for _, file := range []string{"results.json", "results.csv", "report.txt", "chart.svg", "ballots.csv"} {
		header := n.get(t, "admin", "/polls/kept/download/"+file+"?lang=de").header
		if set := header.Values("Set-Cookie"); len(set) > 0 {
			t.Errorf("%s sets %q", file, set)
		}
		if vary := strings.Join(header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language, Cookie") {
			t.Errorf("%s varies with %s", file, vary)
		}
	}
	if kept := n.get(t, "admin", "/polls/kept/download/results.csv").header.Get("Cache-Control"); kept != "public, max-age=1" {
		t.Errorf("the file is kept: %q", kept)
	}
	// The control: an admin's session goes on at a page.
	if set := n.get(t, "admin", "/polls/kept").header.Get("Set-Cookie"); !strings.HasPrefix(set, "voted-desk=") {
		t.Errorf("a page sets %q", set)
	}
}

func TestAHeadOfAStreamEnds(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "headed", Options: client.Options("ann", "bo"), Audience: client.AudienceAnyone})
	// On one connection the second answer comes when the first has ended.
	own := &http.Transport{MaxConnsPerHost: 1}
	defer own.CloseIdleConnections()
	c := http.Client{Transport: own, Timeout: 10 * time.Second}
	for range 2 {
		resp, err := c.Head(n.url + "/polls/headed/live")
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
}
