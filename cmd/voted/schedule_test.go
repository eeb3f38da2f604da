package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAScheduledPatchSaysAllThatChanges(t *testing.T) {
	t.Parallel()
	sent := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent = string(b)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"later","action":"patch","poll":"board","at":"2026-12-02T19:00:00Z","state":"pending","created_at":"2026-12-01T19:00:00Z"}`)
	}))
	t.Cleanup(s.Close)
	patch := func(args ...string) outcome {
		return voted(append([]string{"schedule", "patch", "later", "board", "--at", "2026-12-02T19:00:00Z", "--endpoint", s.URL}, args...)...)
	}
	got := patch("--opens-at", "2026-12-02T20:00:00Z", "--closes-at", "2026-12-02T21:00:00Z", "--title", "Board")
	if got.code != 0 {
		t.Fatalf("it exits %d: %s", got.code, got.errout)
	}
	for _, want := range []string{`"opens_at":"2026-12-02T20:00:00Z"`, `"closes_at":"2026-12-02T21:00:00Z"`, `"title":"Board"`} {
		if !strings.Contains(sent, want) {
			t.Errorf("it does not send %s: %s", want, sent)
		}
	}
	for says, args := range map[string][]string{"--title, --opens-at or --closes-at": nil, "--opens-at": {"--opens-at", "soon"}} {
		if got := patch(args...); got.code != 2 || !strings.Contains(got.errout, says) {
			t.Errorf("with %q it exits %d: %s", args, got.code, got.errout)
		}
	}
}
