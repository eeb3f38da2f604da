package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"voted/internal/ports/portstest"
	"voted/internal/survey"
	"voted/internal/usage"
)

func TestProfilesAreServedOnLoopbackAloneAndOnlyWhereAskedFor(t *testing.T) {
	t.Parallel()
	status := func(url string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		return resp.StatusCode
	}
	addr := portstest.Addr(t)
	s := alone(t, func(o *Options) { o.Profile = addr })
	for _, path := range []string{"", "heap", "goroutine?debug=1", "profile?seconds=1"} {
		if got := status("http://" + addr + "/debug/pprof/" + path); got != http.StatusOK {
			t.Errorf("/debug/pprof/%s: %d", path, got)
		}
	}
	if got := status(s.URL() + "/debug/pprof/"); got != http.StatusNotFound {
		t.Errorf("the public port answers %d for profiles", got)
	}
	for where, says := range map[string]string{"0.0.0.0:0": "127.0.0.1", ":6060": "names no host", addr: "give another", "nonsense": "HOST:PORT"} {
		peer := portstest.Addr(t)
		_, err := New(Options{ID: "n1", DataDir: t.TempDir(), API: "127.0.0.1:0", Peer: peer, Cluster: []survey.Peer{{ID: "n1", Addr: peer}}, Profile: where})
		// An address that is taken may be free later, with the same command line.
		if err == nil || usage.Is(err) == (where == addr) || !strings.Contains(err.Error(), says) {
			t.Errorf("--pprof %s: %v", where, err)
		}
	}
}
