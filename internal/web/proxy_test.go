package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// closedPoll stands for an API with one poll, which anybody may see.
var closedPoll = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/polls/board":
		_, _ = io.WriteString(w, `{"id":"board","title":"Board","options":[{"id":"ann"},{"id":"bo"}],"method":"plurality","state":"closed","audience":"anyone",
			"secrecy":"secret","eligibility":"anyone","revote":"never","results":"live","min_selections":1,"max_selections":1,"ballots":1}`)
	case "/v1/polls/board/results":
		_, _ = io.WriteString(w, `{"state":"closed","index":7,"closed_index":7,"ballots":1,"certified":true,"options":[{"id":"ann","votes":1},{"id":"bo","votes":0}],"winners":["ann"]}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
})

func TestLinksLeadToTheNodeAsBrowsersReachIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secure bool
		origin string
	}{
		"a proxy ends TLS":        {true, "https://vote.example"},
		"nothing is secret on it": {false, "http://vote.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := handler(func(o *Options) { o.API, o.Identify, o.Secure = closedPoll, nil, c.secure })
			for path, link := range map[string]string{
				"/manage/board/links":      c.origin + "/vote/{poll}#{credential}",
				"/polls/board/certificate": c.origin + "/v1/polls/board/ballots",
			} {
				// The proxy speaks to the node without TLS.
				w := ask(h, http.MethodGet, "http://vote.example"+path, nil, nil)
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), link) {
					t.Errorf("%s: %d, without %s:\n%s", path, w.Code, link, w.Body)
				}
			}
		})
	}
}
