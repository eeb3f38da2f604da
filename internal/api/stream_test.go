package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

// patienceOfTests bounds what should happen at once, on a machine that does much else too.
const patienceOfTests = 30 * time.Second

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
	return g.followPath(s.URL, "/v1/polls/"+id+"/results/stream", header...)
}

// followPath opens a stream.
func (g *rig) followPath(url, path string, header ...string) *follower {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patienceOfTests)
	g.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
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
	if b := f.block(); !strings.HasPrefix(b, "retry: ") {
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

func TestFollowersThatNeverReadHoldUpNeitherBallotsNorOtherFollowers(t *testing.T) {
	t.Parallel()
	// Given a poll that many follow without reading, over connections that hold little.
	g := newRig(t)
	g.h.pace = time.Millisecond
	options := []string{`{"id":"ann","title":"Ann"}`}
	for i := range 100 {
		options = append(options, fmt.Sprintf(`{"id":"o%d","title":"%s"}`, i, strings.Repeat("t", 200)))
	}
	g.poll("p", `{"options":[`+strings.Join(options, ",")+`]}`)
	s := httptest.NewUnstartedServer(g.h)
	s.Listener = narrow{s.Listener}
	s.Start()
	t.Cleanup(s.Close)
	for range 100 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "GET /v1/polls/p/results/stream HTTP/1.1\r\nHost: "+s.Listener.Addr().String()+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	reader := g.follow(s, "p")
	reader.block()
	reader.event()
	// When ballots are cast, then each is answered and the one that reads sees it.
	for i := range 50 {
		g.cast("p", fmt.Sprint("v", i), forAnn)
		for n := 0; n <= i; {
			_, r := reader.event()
			n = int(r["ballots"].(float64))
		}
	}
}

func TestHEADOfAStreamIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	s := g.serve()
	ctx, cancel := context.WithTimeout(t.Context(), patienceOfTests)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, s.URL+"/v1/polls/p/results/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is answered with %d, %v", resp.StatusCode, resp.Header)
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

func TestAnEventThatCannotHaveBeenSeenHereIsAsIfNothingHadBeen(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	s := g.serve()
	g.poll("p", twoOptions)
	for _, id := range []string{"99999999999999999999", "18446744073709551615", "2", "-1", "x", ""} {
		f := g.follow(s, "p", "Last-Event-ID", id)
		f.block()
		if got, _ := f.event(); got != "1" {
			t.Errorf("after %q the first event is %q", id, got)
		}
	}
	g.close("p")
	if f := g.follow(s, "p", "Last-Event-ID", "99999999999999999999"); f.resp.StatusCode != http.StatusOK {
		t.Errorf("who claims to have seen the certified result is answered %d", f.resp.StatusCode)
	}
}

// In virtual time: on a busy machine a stream may be quiet before its first event.
func TestAQuietStreamIsKeptAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := liveRig(t)
		g.poll("p", twoOptions)
		w := g.watch("p") // which gets a pause, and the results
		time.Sleep(3*streamHeartbeat + streamHeartbeat/2)
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.blocks) != 5 {
			t.Fatalf("it was sent %q", w.blocks)
		}
		for i, b := range w.blocks[2:] {
			if quiet := w.at[i+2].Sub(w.at[i+1]); b != "event: alive\ndata: {}" || quiet != streamHeartbeat {
				t.Errorf("a stream that is quiet for %v says %q", quiet, b)
			}
		}
	})
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
