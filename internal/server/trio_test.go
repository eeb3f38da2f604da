package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

// trio is a cluster of three nodes in this process, with what each of them logs.
type trio struct {
	t     *testing.T
	nodes map[string]*Server
	logs  map[string]*lines
	http  *http.Client
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// with returns the lines that hold all of the words.
func (l *lines) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
line:
	for line := range strings.Lines(l.b.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue line
			}
		}
		found = append(found, line)
	}
	return found
}

// newTrio starts the three with changed options and waits until they are ready.
func newTrio(t *testing.T, change func(o *Options)) *trio {
	t.Helper()
	c := &trio{t: t, nodes: map[string]*Server{}, logs: map[string]*lines{}, http: &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}}
	t.Cleanup(c.http.CloseIdleConnections)
	dir := t.TempDir()
	var members []survey.Peer
	for _, id := range []string{"n1", "n2", "n3"} {
		members = append(members, survey.Peer{ID: id, Addr: portstest.Addr(t)})
	}
	for _, m := range members {
		log := &lines{}
		c.logs[m.ID] = log
		o := Options{
			ID: m.ID, DataDir: filepath.Join(dir, m.ID), API: "127.0.0.1:0", Peer: m.Addr, Cluster: members,
			Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		change(&o)
		s, err := New(o)
		must(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		c.nodes[m.ID] = s
		t.Cleanup(func() {
			cancel()
			<-done
		})
	}
	c.eventually("all three are ready", func() bool {
		for _, s := range c.nodes {
			if len(s.Node().Ready()) > 0 {
				return false
			}
		}
		return true
	})
	return c
}

func (c *trio) eventually(what string, f func() bool) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("never: " + what)
		}
	}
}

// elsewhere returns the lines of all nodes but one that hold all of the words: who
// leads may have changed meanwhile.
func (c *trio) elsewhere(node string, words ...string) (found []string) {
	for id, log := range c.logs {
		if id != node {
			found = append(found, log.with(words...)...)
		}
	}
	return found
}

// places names a follower, and the leader that it knows.
func (c *trio) places() (follower, leader string) {
	c.t.Helper()
	c.eventually("a follower knows the leader", func() bool {
		for id, s := range c.nodes {
			if l := s.Node().Leader(); l != "" && l != id {
				follower, leader = id, l
				return true
			}
		}
		return false
	})
	return follower, leader
}

// do sends a request to a node; header holds names and values in turn.
func (c *trio) do(node, method, path, body string, header ...string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.nodes[node].URL()+path, strings.NewReader(body))
	must(c.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(r)
	must(c.t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	must(c.t, err)
	if resp.StatusCode >= 300 {
		c.t.Fatalf("%s %s at %s: %s %s", method, path, node, resp.Status, got)
	}
	return resp, string(got)
}
