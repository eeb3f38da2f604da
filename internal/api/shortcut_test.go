package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"
)

var shortcutSeeds = []string{
	"/v1/polls/p/ballots/v", "/v1/polls/p/ballots/v%2Fw", "/v1/polls/p/ballots/", "/v1/polls//ballots/v", "/v1/polls/p/ballots/v/",
	"/v1/polls/p/ballots/a/b", "/v1/polls/p%2Fq/ballots/v", "/v1/polls/p/ballot/v", "/v1/polls/p/ballots", "/v1/polls/p", "/", "/v1/polls/p/ballots/%20",
	"/v1/polls/./ballots/..", "/v1/polls/p/ballots/v%", "//v1/polls/p/ballots/v", "/v1/polls/p/ballots/v;x=1", "/v1/polls/ballots/ballots/ballots",
}

func FuzzShortcut(f *testing.F) {
	for _, seed := range shortcutSeeds {
		f.Add(seed)
	}
	h := New(newBackend(), Options{})
	f.Fuzz(func(t *testing.T, path string) {
		r, err := http.NewRequest("PUT", "http://h"+path, nil)
		if err != nil {
			return
		}
		var m mux.RouteMatch
		matched := h.router.Match(r, &m) && m.Handler == http.Handler(routed{h.ballots})
		found := h.shortcut(r) == h.ballots
		if matched != found {
			t.Fatalf("%q: the router says %v, the shortcut %v", path, matched, found)
		}
		if found && (r.PathValue("poll") != m.Vars["poll"] || r.PathValue("voter") != m.Vars["voter"]) {
			t.Fatalf("%q: the router reads %v, the shortcut %q and %q", path, m.Vars, r.PathValue("poll"), r.PathValue("voter"))
		}
	})
}

func TestAnEncodedSlashStaysInTheVoter(t *testing.T) {
	t.Parallel()
	h := New(newBackend(), Options{})
	r := httptest.NewRequest("PUT", "/v1/polls/p/ballots/v%2Fw", nil)
	if h.shortcut(r) == nil || pathVar(r, "voter") != "v%2Fw" {
		t.Errorf("the voter is %q", pathVar(r, "voter"))
	}
}
