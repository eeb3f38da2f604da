package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/harness/overlay"
)

// action is a request that changes something.
type action struct{ method, path string }

// actions are all requests of the pages and of the API that change something, for a poll.
func actions(t testing.TB, poll string) (all []action) {
	t.Helper()
	with := func(path string) string {
		return variable.ReplaceAllStringFunc(path, func(v string) string {
			name := variable.FindStringSubmatch(v)[1]
			switch {
			case name == "poll":
				return poll
			case fill[name] != "":
				return fill[name]
			}
			return "v-1"
		})
	}
	for _, r := range routes() {
		if method, path, _ := strings.Cut(r.Pattern, " "); method != http.MethodGet {
			all = append(all, action{method, with(path)})
		}
	}
	pages := len(all)
	root, err := overlay.Root()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "internal/api/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b = b[bytes.IndexByte(b, '{'):] // after the comment
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(b, &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			if method == "post" || method == "put" || method == "patch" || method == "delete" {
				all = append(all, action{strings.ToUpper(method), with(path)})
			}
		}
	}
	if pages < 10 || len(all)-pages < 10 {
		t.Fatalf("there are %d actions of pages and %d of the API", pages, len(all)-pages)
	}
	return all
}

// Nothing that changes anything is taken from a page of another site, whoever its visitor is signed in as.
func TestNothingIsTakenFromAnotherSite(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	foreign := func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	before := s.state(t)
	for _, a := range actions(t, p.open) {
		for name, change := range map[string]func(*http.Request){
			"both headers": foreign,
			"an old browser, which sends the origin alone": func(r *http.Request) { foreign(r); r.Header.Del("Sec-Fetch-Site") },
			"with a token in the header":                   func(r *http.Request) { foreign(r); r.Header.Set("Authorization", "Bearer "+s.Token()) },
		} {
			got := s.send(t, a.method, a.path, "admin", "id="+p.open, change)
			if got.status != http.StatusForbidden || !strings.Contains(got.text, "cross_origin") && !strings.Contains(got.text, "Another site sent this") {
				t.Errorf("%s %s, %s: %d %.200s", a.method, a.path, name, got.status, got.text)
			}
		}
	}
	if after := s.state(t); after != before {
		t.Errorf("it was %s, and is %s", before, after)
	}
	// The same from the node's own pages is let through, to be judged by who sends it.
	own := s.send(t, http.MethodPost, "/manage/"+p.open+"/close", "reader", "revision=1", func(r *http.Request) {
		foreign(r)
		r.Header.Set("Origin", s.Nodes[0].URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	})
	if own.status != http.StatusForbidden || strings.Contains(own.text, "Another site") {
		t.Errorf("a reader closes a poll from the node's own page: %d", own.status)
	}
}

// state is how the polls stand that no other test changes.
func (s *Site) state(t testing.TB) string {
	t.Helper()
	var polls struct {
		Polls []struct {
			ID       string
			Revision int
			State    string
			Ballots  *int
		} `json:"polls"`
	}
	if err := s.Nodes[0].Get(t.Context(), "/v1/polls?page_size=1000", &polls); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range polls.Polls {
		if !strings.HasPrefix(p.ID, "show-") {
			continue // other tests change theirs
		}
		fmt.Fprintf(&b, "%s %d %s", p.ID, p.Revision, p.State)
		if p.Ballots != nil {
			fmt.Fprintf(&b, " %d", *p.Ballots)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// The same with a browser, which knows by itself which site a form is of: an admin opens a page of another site and
// presses what is there.
func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	t.Parallel()
	s := Common(t)
	own := s.Poll(t, definitionOf("Mine"))
	target := "/manage/" + own + "/close"
	form := func(to string) string {
		return `<h1>A page</h1><form method="post" action="` + to + `"><input type="hidden" name="revision" value="1"><button>Win a prize</button></form>`
	}
	evil := serve(t, map[string]string{"/": form(s.URL(target)), "/leader": form(s.URL("/v1/cluster/leader")), "/api": form(s.URL("/v1/polls/" + own + "/close"))}, "")
	tab := s.visitor(t, Desk, place{path: "/manage", role: "admin"})
	for _, page := range []string{"/", "/leader", "/api"} {
		tab.Go(evil + page)
		tab.Press("Win a prize")
		requests := tab.Requests()
		if last := requests[len(requests)-1]; last.Kind == "Document" && last.Status != http.StatusForbidden {
			t.Errorf("%s %s: %d", last.Method, last.URL, last.Status)
		}
	}
	tab.Go(s.URL(target))
	tab.Shows("After closing no ballot is taken")
	tab.Press("Close it now")
	tab.Shows("Closed")
}
