package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/auth"
)

// visit is a browser with a token in its cookie, which follows no redirects.
func (c *trio) visit(node, token, method, path string, form url.Values) (status int, page string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.nodes[node].URL()+path, strings.NewReader(form.Encode()))
	must(c.t, err)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "voted-desk", Value: token})
	resp, err := c.http.Transport.RoundTrip(r)
	must(c.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(c.t, err)
	return resp.StatusCode, string(b)
}

func TestTheConsoleActsOnlyForAdminsAndTheAuditLogSaysWho(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	admin, adminLine, err := auth.NewToken(auth.Admin, "night-shift")
	must(t, err)
	reader, readerLine, err := auth.NewToken(auth.Reader, "watcher")
	must(t, err)
	tokens := filepath.Join(dir, "tokens")
	must(t, os.WriteFile(tokens, []byte(adminLine+"\n"+readerLine+"\n"), 0o600))
	c := newTrio(t, func(o *Options) {
		o.Tokens, o.Audit = tokens, filepath.Join(dir, "audit-"+o.ID)
	})
	follower, leader := c.places()
	audit := func() string {
		b, err := os.ReadFile(filepath.Join(dir, "audit-"+follower))
		must(t, err)
		return string(b)
	}
	// Given a reader, who sees the cluster and no button,
	if status, page := c.visit(follower, reader, "GET", "/console", nil); status != 200 || !strings.Contains(page, leader+" leads in term") || strings.Contains(page, "/console/leader") {
		t.Fatalf("a reader sees %d %s", status, page)
	}
	if status, _ := c.visit(follower, reader, "POST", "/console/leader", url.Values{"member": {follower}}); status != 403 {
		t.Errorf("a reader's POST is answered %d", status)
	}
	if status, _ := c.visit(follower, "none", "POST", "/console/leader", url.Values{"member": {follower}}); status != 401 {
		t.Errorf("a stranger's POST is answered %d", status)
	}
	if c.nodes[follower].Node().Leader() != leader || strings.Contains(audit(), "transferLeadership") && strings.Contains(audit(), `"outcome":"200"`) {
		t.Fatal("the leader has changed")
	}
	// when an admin looks, then nothing changes; when the admin presses, it does, and is written down.
	if status, page := c.visit(follower, admin, "GET", "/console/leader", nil); status != 200 || !strings.Contains(page, "The cluster can then lose 1 more.") {
		t.Fatalf("%d %s", status, page)
	}
	before := audit()
	if status, page := c.visit(follower, admin, "POST", "/console/leader", url.Values{"member": {follower}}); status != 303 {
		t.Fatalf("handing on is answered %d %s", status, page)
	}
	c.eventually("leadership is handed on", func() bool { return c.nodes[follower].Node().Leader() == follower })
	if written := strings.TrimPrefix(audit(), before); !strings.Contains(written, "night-shift") || !strings.Contains(written, follower) {
		t.Errorf("the audit log says %s", written)
	}
}

func TestTheConsoleWorksWithoutAQuorum(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	left, leader := c.places()
	for id, s := range c.nodes {
		if id != left {
			s.Node().Fail(errors.New("its disk is lost"))
		}
	}
	c.eventually("the node knows that it is alone", func() bool {
		status, page := c.visit(left, "", "GET", "/console", nil)
		return status == 200 && strings.Contains(page, `data-state="bad"`) && strings.Contains(page, "No member leads, as far as this server knows") &&
			strings.Contains(page, "reaches no majority") && strings.Contains(page, leader+" no longer leads.")
	})
}
