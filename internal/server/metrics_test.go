package server

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/trace/otlptest"
)

// maxSeries bounds what the metrics of one node cost to store; raise it for a new family
// that is worth it. Most of them are the durations and classes that each route and method has.
const maxSeries = 1550

// seriesOf returns the names of a node's series, with their labels.
func seriesOf(t *testing.T, s *Server) map[string]bool {
	t.Helper()
	resp, err := http.Get(s.URL() + "/metrics")
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	series := map[string]bool{}
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "#") {
			series[line[:strings.LastIndexByte(line, ' ')]] = true
		}
	}
	return series
}

func TestAnIdleNodeHasABoundedNumberOfSeries(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	series := seriesOf(t, alone(t, func(o *Options) {
		o.OTLPEndpoint = receiver.URL
		o.BackupDir = t.TempDir()
	}))
	families := map[string]int{}
	for name := range series {
		family, _, _ := strings.Cut(name, "{")
		families[family]++
		if prefix, _, _ := strings.Cut(family, "_"); !slices.Contains([]string{"voted", "go", "process"}, prefix) {
			t.Errorf("%s is named as nothing here is", family)
		}
	}
	if len(series) > maxSeries {
		t.Errorf("%d series, at most %d are allowed: %v", len(series), maxSeries, families)
	}
	if len(series) < 200 {
		t.Errorf("only %d series were found", len(series))
	}
}

// What clients send must decide no label, and so make no series: otherwise a client could
// fill the memory of the node and of Prometheus.
func TestNothingThatClientsSendMakesASeries(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	s := alone(t, func(o *Options) { o.OTLPEndpoint, o.TraceRatio = receiver.URL, 1 })
	before := seriesOf(t, s)
	web := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer web.CloseIdleConnections()
	const mark = "markedbyclient"
	for _, q := range []struct{ method, path, body, media string }{
		{"PUT", "/v1/polls/" + mark, `{"title":"` + mark + `","options":["` + mark + `","bo"]}`, "application/json"},
		{"PUT", "/v1/polls/" + mark + "/ballots/" + mark, `{"selections":["` + mark + `"]}`, "application/json"},
		{"PUT", "/v1/polls/" + mark + "/ballots/" + mark, `{"selections":["` + mark + `"]}`, "application/json"},
		{"PUT", "/v1/polls/" + mark + "/ballots/" + mark, `{"selections":["bo"]}`, "application/json"},
		{"PUT", "/v1/polls/none/ballots/" + mark, `{"selections":["` + mark + `"]}`, "application/" + mark},
		{"POST", "/v1/polls/" + mark + "/ballots", `{"voter":"` + mark + `2","selections":["` + mark + `"]}`, "application/x-ndjson"},
		{"GET", "/v1/polls/" + mark + "/results?" + mark + "=" + mark, "", ""},
		{"HEAD", "/v1/polls/" + mark, "", ""},
		{strings.ToUpper(mark), "/v1/polls/" + mark, "", ""},
		{strings.ToUpper(mark), "/" + mark, "", ""},
		{"DELETE", "/v1/cluster/members/" + mark, "", ""},
		{"POST", "/v1/cluster/members", `{"id":"` + mark + `","peer":"127.0.0.1:1"}`, "application/json"},
		{"GET", "/problems/" + mark, "", ""},
		{"GET", "/metrics?" + mark, "", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), q.method, s.URL()+q.path, strings.NewReader(q.body))
		must(t, err)
		r.Header = http.Header{
			"Content-Type": {q.media}, "X-Request-Id": {mark}, "User-Agent": {mark}, "Tracestate": {"a=" + mark},
			"Traceparent": {traceparent}, "Authorization": {"Bearer " + mark}, "X-" + mark: {mark},
		}
		resp, err := web.Do(r)
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
	}
	after := seriesOf(t, s)
	for name := range after {
		if strings.Contains(strings.ToLower(name), mark) {
			t.Errorf("a client has named %s", name)
		}
	}
	if fresh := slices.DeleteFunc(slices.Sorted(maps.Keys(after)), func(name string) bool { return before[name] }); len(fresh) > 0 {
		t.Errorf("requests made series: %s", strings.Join(fresh, ", "))
	}
}
