package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"voted/cmd/voted/display"
	"voted/cmd/voted/probe"
)

// lying stands in front of a node and says that one more voter chose each option.
func lying(t *testing.T, node string) string {
	t.Helper()
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	votes := regexp.MustCompile(`"votes":"?\d+"?`)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Header.Del("Accept-Encoding") },
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			body = votes.ReplaceAll(body, []byte(`"votes":7`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Del("Content-Length")
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAProbeFindsAClusterThatCountsRightAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, "").Endpoints()
	limits := []string{"--every", "5s", "--late", "5s", "--endpoint"}
	probed := func(rounds, endpoint string, further ...string) outcome {
		return voted(append(append([]string{"probe", "--rounds", rounds}, append(limits, endpoint)...), further...)...)
	}
	right := probed("2", nodes[0], "--endpoint", nodes[1], "--endpoint", nodes[2])
	if right.code != 0 || !strings.Contains(right.out, "2 ok, 0 late, 0 failed, 0 wrong") {
		t.Errorf("a cluster that counts right: %+v", right)
	}
	if left := voted("poll", "list", "--endpoint", nodes[0]); strings.Contains(left.out, "probe-") {
		t.Errorf("the poll is left: %s", left.out)
	}
	wrong := probed("1", lying(t, nodes[0]))
	if wrong.code != 1 || !strings.Contains(wrong.out, "even has 7 votes, and must have 1") || !strings.Contains(wrong.errout, "1 wrong") {
		t.Errorf("a cluster that counts wrong: %+v", wrong)
	}
	if kept := voted("poll", "list", "--endpoint", nodes[0]); !strings.Contains(kept.out, "probe-") {
		t.Errorf("the poll that was counted wrong is gone: %s", kept.out)
	}
	if down := voted("probe", "--rounds", "1", "--every", "500ms", "--endpoint", "http://127.0.0.1:1"); down.code != 1 || !strings.Contains(down.errout, "1 failed") {
		t.Errorf("a cluster that is not there: %+v", down)
	}
}

func TestAProbesRoundsAreMetrics(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	out := display.New(io.Discard)
	p := &prober{probeCommand: &probeCommand{Listen: "127.0.0.1:0"}, s: &session{ctx: t.Context(), stdout: out, stderr: display.New(&said)}, results: map[probe.Result]int{}}
	stop, err := p.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := p.report(probe.OK, 20*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(strings.TrimSpace(strings.TrimPrefix(said.String(), "Metrics: ")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`voted_probe_total{result="ok"} 1`, `voted_probe_total{result="wrong"} 0`, `voted_probe_seconds_bucket{le="0.025"} 1`, `voted_probe_seconds_bucket{le="0.01"} 0`} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("there is no %s in\n%s", line, body)
		}
	}
}
