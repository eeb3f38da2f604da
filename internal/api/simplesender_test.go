package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"voted/internal/refusal"
)

// narrow makes connections with small buffers: an end that does not read soon stops the
// other.
type narrow struct{ net.Listener }

const narrowBytes = 64 << 10

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = squeeze(c)
	}
	return c, err
}

func squeeze(c net.Conn) error {
	tcp := c.(*net.TCPConn)
	return errors.Join(tcp.SetReadBuffer(narrowBytes), tcp.SetWriteBuffer(narrowBytes))
}

// simpleSender sends a whole request and only then reads the answer, over a narrow
// connection.
func (g *rig) simpleSender(request string, body io.Reader) *http.Response {
	g.t.Helper()
	return g.sendThenRead(request, body, true)
}

func (g *rig) sendThenRead(request string, body io.Reader, small bool) *http.Response {
	g.t.Helper()
	s := httptest.NewUnstartedServer(g.h)
	if small {
		s.Listener = narrow{s.Listener}
	}
	s.Start()
	g.t.Cleanup(s.Close)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	if small {
		if err := squeeze(conn); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		g.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		g.t.Fatalf("sending the header: %v", err)
	}
	if _, err := io.Copy(conn, body); err != nil {
		g.t.Fatalf("sending the body: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		g.t.Fatalf("the answer: %v", err)
	}
	return resp
}

func ballotLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"voter":"v-%d","selections":["ann"]}`+"\n", i)
	}
	return b.String()
}

func bulkHeader(id, accept string, length int) string {
	return fmt.Sprintf("POST /v1/polls/%s/ballots HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nAccept: %s\r\nContent-Length: %d\r\n\r\n", id, mediaNDJSON, accept, length)
}

func TestASenderWhoReadsOnlyAtTheEndIsToldFromWhichLineToGoOn(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		lines int
		small bool
	}{
		"over a connection that holds little": {100_000, true},
		"over one that holds megabytes":       {600_000, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testReadingAtTheEnd(t, x.lines, x.small)
		})
	}
}

func testReadingAtTheEnd(t *testing.T, lines int, small bool) {
	g := newRig(t)
	g.h.stall = 50 * time.Millisecond
	g.poll("p", twoOptions)
	body := ballotLines(lines)
	resp := g.sendThenRead(bulkHeader("p", mediaNDJSON, len(body)), strings.NewReader(body), small)
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the answer is %d, %v", resp.StatusCode, err)
	}
	answers := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	counted := len(answers) - 1
	last := answers[counted]
	want := fmt.Sprintf(`{"code":"unavailable","retry_from_line":%d,`, counted+1)
	if !strings.HasPrefix(last, want) || !strings.Contains(last, "Accept: application/json") || counted == 0 || counted >= lines {
		t.Fatalf("after %d answers: %s", counted, last)
	}
	if b := g.do("GET", "/v1/polls/p", "").json()["ballots"]; b != float64(counted) {
		t.Errorf("%v ballots are counted and %d were answered", b, counted)
	}
}

func TestASenderWhoWantsASummaryNeedNotReadMeanwhile(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", revotable)
	g.cast("p", "v-0", forAnn)
	g.cast("p", "v-1", forBo)
	const lines = 40_000
	body := ballotLines(lines) + "\n" + `{"voter":"v-1","selections":["ann"],"if_version":1}` + "\n" + `{"voter":"w","selections":["cy"]}` + "\n" + `{}`
	resp := g.simpleSender(bulkHeader("p", mediaJSON, len(body)), strings.NewReader(body))
	got := g.checked("POST", "/v1/polls/p/ballots", resp).want(200).has("Content-Type", mediaJSON).has("Cache-Control", "no-store").json()
	for name, want := range map[string]any{"poll": "p", "lines": lines + 4.0, "counted": lines - 2.0, "replayed": 1.0, "replaced": 1.0, "refused": 3.0} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	var refusals []string
	for _, r := range got["refusals"].([]any) {
		refusals = append(refusals, fmt.Sprintf("%v %v", r.(map[string]any)["line"], r.(map[string]any)["code"]))
	}
	if want := fmt.Sprintf("[2 already_voted %d invalid_ballot %d malformed_request]", lines+3, lines+4); fmt.Sprint(refusals) != want {
		t.Errorf("refused are %v, want %s", refusals, want)
	}
}

func TestASummaryListsTheFirstRefusalsAndCountsAll(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	got := g.do("POST", "/v1/polls/p/ballots", strings.Repeat("{}\n", maxListedRefusals+7), "Content-Type", mediaNDJSON, "Accept", mediaJSON).want(200).json()
	if got["refused"] != float64(maxListedRefusals+7) || len(got["refusals"].([]any)) != maxListedRefusals {
		t.Errorf("%v refused, %d listed", got["refused"], len(got["refusals"].([]any)))
	}
	g.do("POST", "/v1/polls/p/ballots", "\n", "Content-Type", mediaNDJSON, "Accept", mediaJSON).want(200).holds(`"refusals":[]`)
	g.b.set(func(b *backend) { b.fault = refusal.New(refusal.Unavailable, "No leader.") })
	g.do("POST", "/v1/polls/p/ballots", ballotLines(1), "Content-Type", mediaNDJSON, "Accept", mediaJSON).want(503).code("unavailable")
}

func TestARefusalIsSeenByWhoSendsEverythingFirst(t *testing.T) {
	t.Parallel()
	const size = 50 << 20
	zeros := func() io.Reader { return io.LimitReader(endless{}, size) }
	for name, x := range map[string]struct {
		request, path string
		status        int
	}{
		"ballots for a poll that is not there": {bulkHeader("none", mediaNDJSON, size), "/v1/polls/none/ballots", 404},
		"a roll for a poll that is not there": {
			fmt.Sprintf("PUT /v1/polls/none/roll HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", mediaNDJSON, size), "/v1/polls/none/roll", 404,
		},
		"a definition that is too large": {
			fmt.Sprintf("PUT /v1/polls/p HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", mediaJSON, size), "/v1/polls/p", 413,
		},
		"a route that is not there": {
			fmt.Sprintf("POST /v1/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size), "/v1/none", 404,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			resp := g.simpleSender(x.request, zeros())
			method, _, _ := strings.Cut(x.request, " ")
			g.checked(method, x.path, resp).want(x.status)
		})
	}
}

// endless is white space without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
