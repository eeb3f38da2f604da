package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

// patienceOfTests bounds what should happen at once.
const patienceOfTests = 10 * time.Second

// serve runs the handler on a real server.
func (g *rig) serve() *httptest.Server {
	g.t.Helper()
	s := httptest.NewServer(g.h)
	g.t.Cleanup(s.Close)
	return s
}

// follower reads one stream.
type follower struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
}

func (g *rig) follow(s *httptest.Server, id string, header ...string) *follower {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patienceOfTests)
	g.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/v1/polls/"+id+"/results/stream", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode == http.StatusOK {
		if faults := theReference(g.t).check("GET", r.URL.Path, resp, nil); faults != nil {
			g.t.Error(faults)
		}
	}
	return &follower{g.t, resp, bufio.NewReader(resp.Body)}
}

// block reads up to the next empty line; "" is the end of the stream.
func (f *follower) block() string {
	f.t.Helper()
	var b strings.Builder
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			if err.Error() != "EOF" {
				f.t.Fatalf("the stream broke: %v", err)
			}
			return b.String()
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

// event reads the next event and returns its id and results.
func (f *follower) event() (id string, results map[string]any) {
	f.t.Helper()
	lines := strings.Split(f.block(), "\n")
	if len(lines) != 4 || lines[0] != "event: results" {
		f.t.Fatalf("no event of results: %q", lines)
	}
	data := strings.TrimPrefix(lines[2], "data: ")
	if err := json.Unmarshal([]byte(data), &results); err != nil {
		f.t.Fatal(err)
	}
	d := theReference(f.t)
	schema := d.root["components"].(object)["schemas"].(object)["Results"]
	if faults := d.value("event", schema, results); faults != nil {
		f.t.Errorf("the event is not as documented: %v", faults)
	}
	return strings.TrimPrefix(lines[1], "id: "), results
}

func TestAStreamFollowsThePollToItsCertifiedResult(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	f := g.follow(g.serve(), "p")
	if b := f.block(); b != "retry: 2000\n" {
		t.Fatalf("the stream begins with %q", b)
	}
	if id, r := f.event(); id != "1" || r["ballots"] != 0.0 {
		t.Errorf("event %s says %v", id, r)
	}
	g.cast("p", "v", forAnn)
	if id, r := f.event(); id != "2" || r["ballots"] != 1.0 || r["certified"] != false {
		t.Errorf("event %s says %v", id, r)
	}
	g.close("p")
	if id, r := f.event(); id != "3" || r["certified"] != true {
		t.Errorf("event %s says %v", id, r)
	}
	if b := f.block(); b != "" {
		t.Errorf("after the certified result comes %q", b)
	}
}

func TestChangesWithinTheStreamsPaceGoIntoOneEvent(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.h.pace = 100 * time.Millisecond
	g.poll("p", twoOptions)
	f := g.follow(g.serve(), "p")
	f.block()
	f.event()
	for i := range 200 {
		g.cast("p", fmt.Sprint("v", i), forAnn)
	}
	events := 0
	for n := 0.0; n < 200; events++ {
		_, r := f.event()
		if r["ballots"].(float64) <= n {
			t.Fatal("an event brings nothing new")
		}
		n = r["ballots"].(float64)
	}
	if events > 20 {
		t.Errorf("200 ballots made %d events", events)
	}
}

func TestAStreamResumesAfterTheLastEvent(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	s := g.serve()
	g.poll("p", twoOptions)
	g.cast("p", "v", forAnn)
	older := g.follow(s, "p", "Last-Event-ID", "1")
	older.block()
	if id, _ := older.event(); id != "2" {
		t.Errorf("who has seen less is sent %s", id)
	}
	current := g.follow(s, "p", "Last-Event-ID", "2")
	current.block()
	g.poll("other", twoOptions) // index 3, nothing of this poll
	g.cast("p", "w", forAnn)
	if id, r := current.event(); id != "4" || r["ballots"] != 2.0 {
		t.Errorf("who has seen all is sent %s %v", id, r)
	}
	g.close("p")
	if f := g.follow(s, "p", "Last-Event-ID", "5"); f.resp.StatusCode != http.StatusNoContent {
		t.Errorf("who has seen the certified result gets %d", f.resp.StatusCode)
	}
}

func TestAQuietStreamIsKeptAlive(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.h.heartbeat = 10 * time.Millisecond
	g.poll("p", twoOptions)
	f := g.follow(g.serve(), "p")
	f.block()
	f.event()
	for range 3 {
		if b := f.block(); b != ": still here\n" {
			t.Fatalf("a quiet stream says %q", b)
		}
	}
}

func TestAStreamTellsThatThePollHasOpened(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", future)
	f := g.follow(g.serve(), "p")
	f.block()
	if _, r := f.event(); r["state"] != "scheduled" {
		t.Errorf("state is %v", r["state"])
	}
	g.b.pass(24 * time.Hour)
	if _, r := f.event(); r["state"] != "open" {
		t.Errorf("state is %v", r["state"])
	}
}

func TestDrainEndsStreams(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	f := g.follow(g.serve(), "p")
	f.block()
	f.event()
	g.h.Drain()
	if b := f.block(); b != "" {
		t.Errorf("the stream ends with %q", b)
	}
}

func TestDeletingThePollEndsItsStreams(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	s := g.serve()
	g.poll("p", twoOptions)
	f := g.follow(s, "p")
	f.block()
	f.event()
	g.b.set(func(b *backend) { // both at once, or the certified result ends it first
		b.apply(func(s *poll.State) {
			s.Do(poll.Close{Poll: "p"})
			s.Do(poll.Delete{Poll: "p"})
		})
	})
	if b := f.block(); b != "" {
		t.Errorf("the stream ends with %q", b)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.MaxStreams = 1 })
	s := g.serve()
	g.poll("p", twoOptions)
	f := g.follow(s, "p")
	f.block()
	f.event()
	g.do("GET", "/metrics", "").holds("voted_stream_subscribers 1\n")
	g.do("GET", "/v1/polls/p/results/stream", "").want(429).code("too_many_requests")
	g.do("GET", "/v1/polls/p/results/stream", "", "Accept", "application/json").want(406)
}
