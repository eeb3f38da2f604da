package trace_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"voted/internal/trace"
	"voted/internal/trace/otlptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logs keeps what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a tracer, and what it counts and logs.
type rig struct {
	*trace.Tracer
	t        *testing.T
	registry *prometheus.Registry
	log      *logs
	closed   sync.Once
}

func newRig(t *testing.T, endpoint string, change ...func(o *trace.Options)) *rig {
	t.Helper()
	g := &rig{t: t, registry: prometheus.NewRegistry(), log: &logs{}}
	o := trace.Options{
		Endpoint: endpoint, Ratio: 1, Node: "n1", Version: "test", Registry: g.registry,
		Logger: slog.New(slog.NewTextHandler(g.log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if g.Tracer, err = trace.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.close(0) })
	return g
}

// close ends the tracer within a time.
func (g *rig) close(within time.Duration) {
	g.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		g.Close(ctx)
	})
}

// counts fails the test unless so many spans had these results.
func (g *rig) counts(delivered, dropped, failed float64) {
	g.t.Helper()
	families, err := g.registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "voted_trace_spans_total" {
		g.t.Fatalf("gathered %v, %v", families, err)
	}
	got := map[string]float64{}
	for _, m := range families[0].Metric {
		got[m.Label[0].GetValue()] = m.Counter.GetValue()
	}
	if want := map[string]float64{"delivered": delivered, "dropped": dropped, "failed": failed}; !maps.Equal(got, want) {
		g.t.Errorf("counted %v, want %v", got, want)
	}
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestSpansArriveAsOpenTelemetryDefinesThem(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	g := newRig(t, receiver.URL+"/base/", func(o *trace.Options) { o.Headers = "authorization=Bearer%20x, x-team=votes" })
	before := time.Now()
	request := g.Enter(http.Header{"Traceparent": {traceparent}, "Tracestate": {"a=1"}})
	call := g.Start(request, "call", trace.Client)
	call.Text("network.peer.address", "127.0.0.1:1")
	call.Text("empty", "")
	call.Fail(nil)
	call.Fail(errors.New("no bytes: \xff"))
	g.Start(call, "part", trace.Internal).End()
	call.End()
	request.Rename("PUT /x")
	request.Number("http.response.status_code", 201)
	request.Link(call.Context())
	request.End()
	request.Rename("too late")
	request.End()
	g.Root("snapshot").End()
	g.close(10 * time.Second)

	spans := map[string]otlptest.Span{}
	for _, s := range receiver.Spans() {
		spans[s.Name] = s
		start, end := int64(s.StartTimeUnixNano), int64(s.EndTimeUnixNano)
		if s.Node != "n1" || start < before.UnixNano() || end < start || end > time.Now().Add(time.Second).UnixNano() {
			t.Errorf("%s is of %s, from %d to %d", s.Name, s.Node, start, end)
		}
	}
	if len(receiver.Spans()) != 4 || len(spans) != 4 {
		t.Fatalf("got %v", spans)
	}
	in, out, part, root := spans["PUT /x"], spans["call"], spans["part"], spans["snapshot"]
	if in.Trace() != traceparent[3:35] || in.Parent() != traceparent[36:52] || in.TraceState != "a=1" || in.Kind != 2 || in.Attributes["http.response.status_code"] != int64(201) || in.Status != nil {
		t.Errorf("the request: %v", in)
	}
	if len(in.Links) != 1 || !bytes.Equal(in.Links[0].SpanId, out.SpanId) || !bytes.Equal(in.Links[0].TraceId, out.TraceId) {
		t.Errorf("its link: %v", in.Links)
	}
	if out.Trace() != in.Trace() || out.Parent() != in.ID() || out.Kind != 3 || out.Attributes["network.peer.address"] != "127.0.0.1:1" || len(out.Attributes) != 1 {
		t.Errorf("the call: %v", out)
	}
	if out.Status.GetCode() != 2 || out.Status.GetMessage() != "no bytes: \uFFFD" {
		t.Errorf("its failure: %v", out.Status)
	}
	if part.Parent() != out.ID() || part.Kind != 1 {
		t.Errorf("its part: %v", part)
	}
	if root.Parent() != "" || root.Trace() == in.Trace() || len(root.TraceId) != 16 || len(root.SpanId) != 8 {
		t.Errorf("the root: %v", root)
	}
	h := receiver.Header()
	if h.Get("Path") != "/base/v1/traces" || h.Get("Content-Type") != "application/x-protobuf" || h.Get("Authorization") != "Bearer x" || h.Get("X-Team") != "votes" {
		t.Errorf("delivered with %v", h)
	}
	g.counts(4, 0, 0)
}

func TestWhichRequestsAreTraced(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	for name, c := range map[string]struct {
		ratio  float64
		header http.Header
		want   bool
	}{
		"none by itself at 0":                  {0, http.Header{}, false},
		"all by themselves at 1":               {1, http.Header{}, true},
		"what the client traces":               {0, http.Header{"Traceparent": {traceparent}}, true},
		"what the client does not trace":       {1, http.Header{"Traceparent": {traceparent[:53] + "00"}}, false},
		"what cannot be read counts as absent": {1, http.Header{"Traceparent": {"x"}}, true},
	} {
		g := newRig(t, receiver.URL, func(o *trace.Options) { o.Ratio = c.ratio })
		if got := g.Enter(c.header) != nil; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	g := newRig(t, receiver.URL, func(o *trace.Options) { o.Ratio = 0.25 })
	sampled := 0
	for range 10_000 {
		if g.Enter(http.Header{}) != nil {
			sampled++
		}
	}
	if sampled < 2000 || sampled > 3000 { // 11 standard deviations
		t.Errorf("%d of 10,000 were sampled at 0.25", sampled)
	}
}

func TestAReceiverThatHangsDelaysNeitherSpansNorTheEnd(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	hanging, release := make(chan struct{}, 1), make(chan struct{})
	receiver.Answer(func(w http.ResponseWriter, r *http.Request) {
		hanging <- struct{}{}
		<-release
	})
	defer close(release)
	g := newRig(t, receiver.URL)
	for range 512 {
		g.Root("x").End()
	}
	<-hanging // one delivery is under way
	start := time.Now()
	for range 3 * 2048 {
		g.Root("x").End()
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("ending 6,144 spans took %v", took)
	}
	g.counts(0, 2*2048, 0)
	start = time.Now()
	g.close(10 * time.Millisecond)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestAReceiverThatIsDownIsLoggedOnceAndCounted(t *testing.T) {
	t.Parallel()
	receiver := otlptest.New(t)
	answered := make(chan int, 10)
	refuse := func(status int) {
		receiver.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			answered <- status
		})
	}
	g := newRig(t, receiver.URL)
	for _, status := range []int{503, 400, 307} {
		refuse(status)
		g.Root("x").End()
		<-answered
	}
	receiver.Answer(nil)
	g.Root("x").End()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(g.log.String(), "delivered again"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not said that deliveries work again")
		}
	}
	if log := g.log.String(); strings.Count(log, "cannot be delivered") != 1 || !strings.Contains(log, "the receiver answered 503") {
		t.Errorf("logged:\n%s", log)
	}
	g.counts(1, 0, 3)
}

func TestWhatAReceiverSaysItDidNotTakeCountsAsFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rejected          int64
		delivered, failed float64
	}{
		"none": {0, 5, 0}, "some": {2, 3, 2}, "more than there were": {1 << 40, 0, 5}, "nonsense": {-1, 5, 0},
	} {
		receiver := otlptest.New(t)
		receiver.Answer(func(w http.ResponseWriter, _ *http.Request) {
			b, err := proto.Marshal(&v1.ExportTraceServiceResponse{PartialSuccess: &v1.ExportTracePartialSuccess{RejectedSpans: c.rejected, ErrorMessage: "full"}})
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(b)
		})
		t.Run(name, func(t *testing.T) {
			g := newRig(t, receiver.URL)
			for range 5 {
				g.Root("x").End()
			}
			g.close(10 * time.Second)
			g.counts(c.delivered, 0, c.failed)
		})
	}
}

func TestWrongOptionsAreSentences(t *testing.T) {
	t.Parallel()
	good := trace.Options{Endpoint: "http://127.0.0.1:4318"}
	with := func(change func(o *trace.Options)) trace.Options {
		o := good
		change(&o)
		return o
	}
	var cases []trace.Options
	for _, endpoint := range []string{"", "collector:4318", "ftp://x", "http://", "http://a b", "https://u:p@x", "http://x/?a=b", "grpc://x:4317", "http://x:y"} {
		cases = append(cases, with(func(o *trace.Options) { o.Endpoint = endpoint }))
	}
	for _, o := range cases {
		if _, err := trace.New(o); err == nil || !strings.Contains(err.Error(), "give a URL such as http://collector:4318") || strings.Contains(err.Error(), "\n") {
			t.Errorf("endpoint %q: %v", o.Endpoint, err)
		}
	}
	for _, headers := range []string{"secret", "=secret", "a b=secret", "a=%secret", "a=secret%0a"} {
		if _, err := trace.New(with(func(o *trace.Options) { o.Headers = headers })); err == nil || !strings.Contains(err.Error(), "KEY=VALUE") || strings.Contains(err.Error(), "%secret") {
			t.Errorf("headers %q: %v", headers, err)
		}
	}
	for _, ratio := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := trace.New(with(func(o *trace.Options) { o.Ratio = ratio })); err == nil || !strings.Contains(err.Error(), "between 0 and 1") {
			t.Errorf("ratio %v: %v", ratio, err)
		}
	}
}

func TestWhereNothingIsTracedItCostsNothing(t *testing.T) {
	// Not parallel: allocations are counted.
	var none *trace.Tracer
	h := http.Header{"Traceparent": {traceparent}}
	if got := testing.AllocsPerRun(100, func() {
		s := none.Start(none.Enter(h), "x", trace.Internal)
		s.Text("a", "b")
		s.Number("c", 1)
		s.Link(s.Context())
		s.Fail(http.ErrAbortHandler)
		s.Rename("y")
		s.Set(h)
		s.End()
		none.Root("z").End()
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
	none.Close(context.Background())
}

func TestADurationHasItsTraceAsExemplar(t *testing.T) {
	t.Parallel()
	g := newRig(t, otlptest.New(t).URL)
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x_seconds"})
	trace.Observe(h, time.Second, nil)
	span := g.Root("x")
	trace.Observe(h, 2*time.Second, span)
	span.End()
	registry := prometheus.NewRegistry()
	registry.MustRegister(h)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, b := range families[0].Metric[0].Histogram.Bucket {
		if b.Exemplar != nil {
			found = append(found, b.Exemplar.Label[0].GetName()+"="+b.Exemplar.Label[0].GetValue())
		}
	}
	if want := "trace_id=" + span.Context().Trace.String(); len(found) != 1 || found[0] != want {
		t.Errorf("got %v, want %s", found, want)
	}
	if n := families[0].Metric[0].Histogram.GetSampleCount(); n != 2 {
		t.Errorf("%d durations", n)
	}
}
