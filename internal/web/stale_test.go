package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// cutOff stands for the API of a node that does not reach the others.
var cutOff = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Query().Get("consistency") != "stale":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"unavailable","status":503,"retryable":true}`)
	case r.URL.Path == "/v1/polls/board":
		_, _ = io.WriteString(w, `{"id":"board","title":"Board","options":[{"id":"ann"},{"id":"bo"}],"method":"plurality","state":"open","audience":"anyone",
			"secrecy":"secret","eligibility":"anyone","revote":"never","results":"live","ballots":1}`)
	default:
		w.Header().Set("Voted-Age", "12")
		_, _ = io.WriteString(w, `{"state":"open","index":7,"ballots":1,"options":[{"id":"ann","votes":1},{"id":"bo","votes":0}],"winners":["ann"]}`)
	}
})

func TestEveryPageOfResultsSaysHowOldTheyAre(t *testing.T) {
	t.Parallel()
	h := handler(func(o *Options) { o.API = cutOff })
	for _, page := range []string{"", "/screen", "/embed"} {
		w := ask(h, http.MethodGet, "/polls/board"+page, nil, nil)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "As of 12 seconds ago: this server cannot reach the others.") {
			t.Errorf("%s: %d\n%s", page, w.Code, w.Body)
		}
	}
}
