package api

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// shortcut recognises the one path that nearly all requests name, a voter's ballot,
// without the router's regular expressions, which cost more than all else that is
// done for a ballot here. It finds what the router would find; a test holds the two
// against each other.
func (h *Handler) shortcut(r *http.Request) *endpoint {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v1/polls/")
	if !ok {
		return nil
	}
	id, rest, _ := strings.Cut(rest, "/")
	voter, ok := strings.CutPrefix(rest, "ballots/")
	if !ok || id == "" || voter == "" || strings.Contains(voter, "/") {
		return nil
	}
	r.SetPathValue("poll", id)
	r.SetPathValue("voter", voter)
	return h.ballots
}

// pathVar returns a variable of the path, percent-encoded as it came.
func pathVar(r *http.Request, name string) string {
	if v := r.PathValue(name); v != "" {
		return v
	}
	return mux.Vars(r)[name]
}
