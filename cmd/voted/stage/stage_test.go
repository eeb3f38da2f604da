package stage

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

func TestTheLeaderIsKilledByTheButtonAndTheCountDoesNotChange(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and starts nodes")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, err := overlay.Build(ctx, dir, overlay.Node)
	must(t, err)
	cluster, err := localcluster.Start(ctx, localcluster.Options{Binary: binary, Dir: filepath.Join(dir, "nodes")})
	must(t, err)
	t.Cleanup(func() { _ = cluster.Stop() })
	must(t, cluster.WaitReady(ctx))
	c, err := client.New(cluster.Endpoints())
	must(t, err)
	t.Cleanup(c.Close)
	s, err := OpenFor(cluster)
	must(t, err)
	t.Cleanup(s.Close)
	// Given a poll with two ballots, one of them sent twice,
	_, err = c.CreatePoll(ctx, client.Definition{ID: "p", Options: client.Options("a", "b")})
	must(t, err)
	for _, voter := range []string{"v1", "v2", "v2"} {
		_, err = c.Cast(ctx, "p", voter, client.Choose("a"))
		must(t, err)
	}
	const ledger = "2 voters = 2 ballots · 1 repeated requests recognised"
	if page := get(t, s.URL()+"/"); !strings.Contains(page, ledger) || strings.Contains(page, "is down") {
		t.Fatalf("the page says\n%s", page)
	}
	// when another page presses the button, then nothing happens;
	if status := post(t, s.URL()+KillPath, "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("a page elsewhere is answered %d", status)
	}
	// when this one does, then the leader is gone and the ballots are not.
	if status := post(t, s.URL()+KillPath, s.URL()); status != http.StatusSeeOther {
		t.Fatalf("the button is answered %d", status)
	}
	for {
		page := get(t, s.URL()+"/")
		if strings.Contains(page, ">leads<") && strings.Contains(page, "2 voters = 2 ballots") {
			if strings.Count(page, "is down") != 1 {
				t.Errorf("the page says\n%s", page)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("no other node leads:\n%s", page)
		}
	}
	if status := post(t, s.URL()+"/start", s.URL()); status != http.StatusSeeOther {
		t.Errorf("starting is answered %d", status)
	}
	// And no node has the button.
	must(t, cluster.WaitReady(ctx))
	for _, n := range cluster.Nodes {
		if status := post(t, n.URL+KillPath, n.URL); status != http.StatusNotFound {
			t.Errorf("%s answers %d to %s", n.ID, status, KillPath)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(b)
}

func post(t *testing.T, to, origin string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(url.Values{}.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	must(t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
