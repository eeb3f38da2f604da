package server

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/web/frame"
)

func TestPagesGetLiveResultsInAFormThatIsMadeOnceForAllWhoWatch(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	node, _ := c.places()
	c.do(node, http.MethodPut, "/v1/polls/p", `{"options":["a","b"]}`)
	// Given a page that shows a form of its own,
	var made atomic.Int32
	f := frame.New(frame.Options{API: c.nodes[node].handler, Rendered: rendered, Logger: slog.New(slog.DiscardHandler)})
	page := httptest.NewServer(f.Handler(frame.Route{Pattern: "GET /", Serve: func(w http.ResponseWriter, r *http.Request) error {
		r = f.Rendered(r, "count", func(results []byte) ([]byte, error) {
			made.Add(1)
			return fmt.Appendf(nil, "form of %s", results), nil
		})
		return f.Pass(w, r, frame.Call{Path: "/v1/polls/p/results/stream"})
	}}))
	t.Cleanup(page.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var streams []*bufio.Scanner
	for range 20 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, page.URL, nil)
		must(t, err)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		streams = append(streams, bufio.NewScanner(resp.Body))
	}
	// when the poll gets a ballot and is closed,
	c.do(node, http.MethodPut, "/v1/polls/p/ballots/v", `{"selections":["a"]}`)
	c.do(node, http.MethodPost, "/v1/polls/p/close", "")
	// then all see the certified result in it, and each state was made into it once.
	for _, s := range streams {
		last := ""
		for s.Scan() {
			if data, is := strings.CutPrefix(s.Text(), "data: form of "); is {
				last = data
			}
		}
		if !strings.Contains(last, `"certified":true`) || s.Err() != nil {
			t.Fatalf("a stream ends with %q, %v", last, s.Err())
		}
	}
	if n := made.Load(); n < 1 || n > 3 {
		t.Errorf("three states of the poll were made into the form %d times", n)
	}
}
