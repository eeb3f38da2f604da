package server

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/ports/portstest"
	"voted/internal/survey"
	"voted/internal/usage"

	"voted/internal/trace/otlptest"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// tracedTo lets a node trace what clients trace, and nothing else.
func tracedTo(r *otlptest.Receiver) func(*Options) {
	return func(o *Options) { o.OTLPEndpoint = r.URL }
}

// child returns the one span of a trace that has this name and parent.
func child(spans []otlptest.Span, name, parent string) (found otlptest.Span, ok bool) {
	for _, s := range spans {
		if s.Name == name && s.Parent() == parent && s.Trace() == traceparent[3:35] {
			return s, true
		}
	}
	return found, false
}

func TestABallotThatAFollowerTakesIsOneTraceOverBothNodes(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	c := newTrio(t, tracedTo(receiver))
	follower, _ := c.places()
	c.do(follower, "PUT", "/v1/polls/p", `{"options":["ann","bo"]}`)
	c.do(follower, "PUT", "/v1/polls/p/ballots/untraced", `{"selections":["ann"]}`)
	c.do(follower, "PUT", "/v1/polls/p/ballots/secretvoter", `{"selections":["ann"]}`, "Traceparent", traceparent, "X-Request-Id", "mine-1")

	// Each is a part of the one before.
	chain := []string{"PUT /v1/polls/{poll}/ballots/{voter}", "batch", "call propose", "propose", "entry"}
	got := map[string]otlptest.Span{}
	c.eventually("the whole trace is delivered", func() bool {
		spans := receiver.Spans()
		parent := traceparent[36:52]
		for _, name := range chain {
			s, ok := child(spans, name, parent)
			if !ok {
				return false
			}
			got[name], parent = s, s.ID()
		}
		return true
	})
	request, entry := got[chain[0]], got["entry"]
	leader := entry.Node
	if leader == follower || leader == "" {
		t.Fatalf("the entry is of %q, and %s took the ballot", leader, follower)
	}
	for name, node := range map[string]string{
		chain[0]: follower, "batch": follower, "call propose": follower,
		"propose": leader, "entry": leader,
	} {
		s := got[name]
		if s.Node != node || s.StartTimeUnixNano < request.StartTimeUnixNano || s.EndTimeUnixNano > request.EndTimeUnixNano {
			t.Errorf("%s is of %s, and not within the request: %v", name, s.Node, s.Span)
		}
	}
	if request.Attributes["http.response.status_code"] != int64(201) || request.Attributes["voted.request_id"] != "mine-1" {
		t.Errorf("the request: %v", request.Attributes)
	}
	if entry.Attributes["voted.entry.ballots"] != int64(1) || entry.Attributes["voted.log_index"] == int64(0) || entry.Attributes["voted.term"] == int64(0) {
		t.Errorf("the entry: %v", entry.Attributes)
	}
	elected := false
	for _, s := range receiver.Spans() {
		elected = elected || s.Name == "become leader" && s.Node == leader
		if s.Trace() != traceparent[3:35] && s.Kind != 1 {
			t.Errorf("there is a trace that was not asked for: %v", s.Span)
		}
		if strings.Contains(s.String(), "secretvoter") || strings.Contains(s.String(), "ann") {
			t.Errorf("a voter or a choice is in %v", s.Span)
		}
	}
	if !elected {
		t.Error("that a leader was elected is not told")
	}
	examplesName(t, c, follower, "voted_http_request_duration_seconds_bucket")
	examplesName(t, c, leader, "voted_commit_seconds_bucket")
}

// examplesName fails the test unless a histogram has the trace as an exemplar.
func examplesName(t *testing.T, c *trio, node, histogram string) {
	t.Helper()
	resp, metrics := c.do(node, "GET", "/metrics", "", "Accept", "application/openmetrics-text; version=1.0.0")
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text") {
		t.Errorf("the metrics are %s", got)
	}
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, histogram) && strings.Contains(line, `# {trace_id="`+traceparent[3:35]+`"}`) {
			return
		}
	}
	t.Errorf("%s of %s has no exemplar", histogram, node)
}

func TestCommandsAndReadsAreTracedThroughTheLeaderToo(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	c := newTrio(t, tracedTo(receiver))
	follower, _ := c.places()
	c.do(follower, "PUT", "/v1/polls/p", `{"options":["ann","bo"]}`, "Traceparent", traceparent)
	c.do(follower, "GET", "/v1/polls/p/results", "", "Traceparent", traceparent)
	for request, call := range map[string]string{"PUT /v1/polls/{poll}": "execute", "GET /v1/polls/{poll}/results": "read-index"} {
		c.eventually("the trace of "+request, func() bool {
			spans := receiver.Spans()
			in, ok := child(spans, request, traceparent[36:52])
			out, called := child(spans, "call "+call, in.ID())
			_, answered := child(spans, call, out.ID())
			return ok && called && answered
		})
	}
}

func TestAReceiverThatIsDownOrHangsTouchesNoBallot(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	release := make(chan struct{})
	receiver.Answer(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	for name, endpoint := range map[string]string{"down": "http://" + portstest.Addr(t), "hanging": receiver.URL} {
		s := alone(t, func(o *Options) { o.OTLPEndpoint, o.TraceRatio = endpoint, 1 })
		web := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
		defer web.CloseIdleConnections()
		put := func(path, body string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL()+path, strings.NewReader(body))
			must(t, err)
			r.Header.Set("Content-Type", "application/json")
			resp, err := web.Do(r)
			must(t, err)
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
				t.Fatalf("%s: %s %s", name, resp.Status, body)
			}
		}
		put("/v1/polls/p", `{"options":["ann","bo"]}`)
		for i := range 1200 { // with their parts, more spans than the queue holds
			put(fmt.Sprint("/v1/polls/p/ballots/v", i), `{"selections":["ann"]}`)
		}
		resp, err := web.Get(s.URL() + "/metrics")
		must(t, err)
		metrics, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		lost := map[string]string{"down": `voted_trace_spans_total{result="failed"} 0`, "hanging": `voted_trace_spans_total{result="dropped"} 0`}[name]
		if strings.Contains(string(metrics), lost+"\n") {
			t.Errorf("%s: nothing was lost, or what was is not counted", name)
		}
	}
}

func TestAWrongEndpointForTracesIsOneSentenceAtTheStart(t *testing.T) {
	t.Parallel()
	for _, tracing := range []Tracing{{OTLPEndpoint: "collector"}, {OTLPEndpoint: "http://x", TraceRatio: 2}, {OTLPEndpoint: "http://x", OTLPHeaders: "x"}} {
		peer := portstest.Addr(t)
		_, err := New(Options{ID: "n1", DataDir: t.TempDir(), API: "127.0.0.1:0", Peer: peer, Cluster: []survey.Peer{{ID: "n1", Addr: peer}}, Tracing: tracing})
		if !usage.Is(err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", tracing, err)
		}
	}
}

func TestEveryTracedBallotLeadsToTheBatchThatCarriedIt(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	c := newTrio(t, tracedTo(receiver))
	follower, _ := c.places()
	c.do(follower, "PUT", "/v1/polls/p", `{"options":["ann","bo"]}`)
	const ballots = 64
	var all sync.WaitGroup
	for i := range ballots {
		all.Go(func() {
			c.do(follower, "PUT", fmt.Sprintf("/v1/polls/p/ballots/v%d", i), `{"selections":["ann"]}`, "Traceparent", traceparent)
		})
	}
	all.Wait()
	c.eventually("the spans of all ballots are delivered", func() bool {
		return len(spansNamed(receiver, "PUT /v1/polls/{poll}/ballots/{voter}")) == ballots
	})
	batches := map[string]otlptest.Span{}
	carried := int64(0)
	for _, b := range spansNamed(receiver, "batch") {
		batches[b.ID()] = b
		carried += b.Attributes["voted.batch.ballots"].(int64)
	}
	if carried != ballots {
		t.Errorf("%d batches carried %d ballots", len(batches), carried)
	}
	for _, r := range spansNamed(receiver, "PUT /v1/polls/{poll}/ballots/{voter}") {
		leads := 0
		for _, b := range batches {
			if b.Parent() == r.ID() {
				leads++
			}
		}
		for _, l := range r.Links {
			if _, known := batches[hex.EncodeToString(l.SpanId)]; known {
				leads++
			}
		}
		if leads != 1 {
			t.Errorf("a ballot leads to %d batches: %v", leads, r.Span)
		}
	}
	if len(batches) == ballots {
		t.Error("no two ballots shared a batch: nothing was tested") // two batches at a time, 64 callers
	}
}

func TestASnapshotIsATraceOfItsOwn(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	s := alone(t, func(o *Options) { o.OTLPEndpoint, o.SnapshotEvery = receiver.URL, 1 })
	web := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer web.CloseIdleConnections()
	for end := time.Now().Add(30 * time.Second); len(spansNamed(receiver, "snapshot")) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no snapshot was traced")
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, fmt.Sprintf("%s/v1/polls/p%d", s.URL(), time.Now().UnixNano()), strings.NewReader(`{"options":["ann","bo"]}`))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		resp, err := web.Do(r)
		must(t, err)
		must(t, resp.Body.Close())
	}
	if got := spansNamed(receiver, "snapshot")[0]; got.Parent() != "" || got.Kind != 1 || got.Status != nil {
		t.Errorf("got %v", got.Span)
	}
}

func spansNamed(r *otlptest.Receiver, name string) (found []otlptest.Span) {
	for _, s := range r.Spans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}
