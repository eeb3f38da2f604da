package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"voted/client"
)

func sendEvent(w http.ResponseWriter, index int, state string) {
	fmt.Fprintf(w, ": heartbeat\nevent: results\nid: %d\ndata: {\"poll\":\"p\",\"state\":%q,\ndata: \"index\":%d,\"ballots\":%d}\n\n", index, state, index, index)
	_ = http.NewResponseController(w).Flush()
}

func TestWatchIsResumedElsewhere(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var resumed, hosts []string
	node := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		resumed, hosts = append(resumed, r.Header.Get("Last-Event-ID")), append(hosts, r.Host)
		n := len(resumed)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		switch n {
		case 1:
			sendEvent(w, 1, "open")
			sendEvent(w, 2, "open")
			_, _ = io.WriteString(w, "event: results\nid: 9\ndata: {\"half")
			hangUp(w)
		case 2: // a node that lags behind
			sendEvent(w, 1, "open")
			sendEvent(w, 2, "open")
			sendEvent(w, 3, "open")
		default:
			sendEvent(w, 3, "closed")
			<-r.Context().Done()
		}
	}
	c := newClient(t, []string{serve(t, node), serve(t, node)})
	var got []string
	for r, err := range c.Watch(t.Context(), "p") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Index, r.State, r.Ballots))
	}
	if s := strings.Join(got, ","); s != "1open1,2open2,3open3,3closed3" {
		t.Errorf("results = %s", s)
	}
	if s := strings.Join(resumed, ","); s != ",2,3" || hosts[0] == hosts[1] || hosts[1] == hosts[2] {
		t.Errorf("resumed from %s at %v", s, hosts)
	}
}

func TestWatchTakesWhatAnotherClusterSendsAsNew(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var resumed []string
	event := func(w http.ResponseWriter, cluster, state string, index, ballots int) {
		fmt.Fprintf(w, "event: results\nid: %d-%s\ndata: {\"poll\":\"p\",\"state\":%q,\"index\":%d,\"ballots\":%d}\n\n", index, cluster, state, index, ballots)
	}
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		resumed = append(resumed, r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		if len(resumed) == 1 {
			event(w, "first", "open", 20, 15)
			return // it is replaced by a cluster that was founded from a backup
		}
		event(w, "second", "open", 12, 6)
		event(w, "second", "open", 12, 6) // known already
		event(w, "second", "closed", 13, 6)
	})})
	var got []string
	for r, err := range c.Watch(t.Context(), "p") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Index, r.State, r.Ballots))
	}
	if s := strings.Join(got, ","); s != "20open15,12open6,13closed6" {
		t.Errorf("results = %s", s)
	}
	if s := strings.Join(resumed, ","); s != ",20-first" {
		t.Errorf("resumed from %s", s)
	}
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	t.Run("silently with its context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			sendEvent(w, 1, "open")
			<-r.Context().Done()
		})})
		for _, err := range c.Watch(ctx, "p") {
			if err != nil {
				t.Error(err)
			}
			cancel()
		}
	})
	t.Run("with a refusal", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 403, "results_hidden") })})
		n := 0
		for _, err := range c.Watch(t.Context(), "p") {
			if n++; !errors.Is(err, client.CodeResultsHidden) || n > 1 {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
	t.Run("after a deadline without any node", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, []string{refusedPort(t)}, client.WithDeadline(100*time.Millisecond))
		var got error
		for _, err := range c.Watch(t.Context(), "p") {
			got = err
		}
		var u *client.UnansweredError
		if !errors.As(got, &u) || u.Unknown {
			t.Errorf("err = %v", got)
		}
	})
}

func TestWatchLeavesASilentStream(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	node := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if n.Add(1) == 1 {
			sendEvent(w, 1, "open")
			<-r.Context().Done()
			return
		}
		sendEvent(w, 2, "closed")
	}
	c := newClient(t, []string{serve(t, node)}, client.WithStreamSilence(100*time.Millisecond))
	seen := 0
	for _, err := range c.Watch(t.Context(), "p") {
		if err != nil {
			t.Fatal(err)
		}
		seen++
	}
	if seen != 2 || n.Load() != 2 {
		t.Errorf("%d results in %d streams", seen, n.Load())
	}
}

func TestExportIsTriedAgainOnlyBeforeItBegins(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := newClient(t, []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			answerProblem(w, 503, "unavailable")
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, `{"ballot":1,"voter_key":"ab","ranking":["x",["y","z"]],"version":1,"index":3,"cast_at":"2026-12-01T08:00:00Z","weight":7}`+"\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})})
	var rows []client.ExportedBallot
	var got error
	for b, err := range c.ExportBallots(t.Context(), "p") {
		if got = err; err == nil {
			rows = append(rows, b)
		}
	}
	if got == nil || len(rows) != 1 || rows[0].VoterKey != "ab" || rows[0].Weight != 7 || len(rows[0].Ballot.Ranking[1]) != 2 || n.Load() != 2 {
		t.Errorf("rows %+v, err %v, %d requests", rows, got, n.Load())
	}
	var w bytes.Buffer
	if _, err := c.Export(t.Context(), "p", client.NDJSON, &w); err == nil || n.Load() != 3 {
		t.Errorf("err = %v, %d requests", err, n.Load())
	}
}
