package api

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a handler over a backend; whatever it answers is held against the
// reference document.
type rig struct {
	t   *testing.T
	b   *backend
	h   *Handler
	log *logs
}

// logs keeps what is logged.
type logs struct {
	mu sync.Mutex // guards b
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

func newRig(t *testing.T, change ...func(o *Options)) *rig {
	t.Helper()
	g := &rig{t: t, b: newBackend(), log: new(logs)}
	o := Options{
		RequestTimeout: 5 * time.Second, Version: "test",
		Logger: slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	g.h = New(g.b, o)
	g.h.pace, g.h.heartbeat = 5*time.Millisecond, time.Minute
	t.Cleanup(g.h.Drain)
	return g
}

// answer is a response that has been read and checked.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request; header holds names and values in turn. A body is JSON
// unless a Content-Type is given.
func (g *rig) do(method, path, body string, header ...string) answer {
	g.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Add(header[i], header[i+1])
		if header[i] == "Content-Type" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	rec := httptest.NewRecorder()
	g.h.ServeHTTP(rec, r)
	return g.checked(method, path, rec.Result())
}

func (g *rig) checked(method, path string, resp *http.Response) answer {
	g.t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	_ = resp.Body.Close()
	if faults := theReference(g.t).check(method, path, resp, body); len(faults) > 0 {
		g.t.Errorf("%s %s: the answer is not as documented:\n%s\n%d %s", method, path, strings.Join(faults, "\n"), resp.StatusCode, body[:min(len(body), 2000)])
	}
	return answer{g.t, resp.StatusCode, resp.Header, string(body)}
}

// want fails the test unless the status is as given.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status is %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// code fails the test unless the answer is a problem with this code.
func (a answer) code(want string) answer {
	a.t.Helper()
	if got, _ := a.json()["code"].(string); got != want {
		a.t.Fatalf("code is %q, want %q: %d %s", got, want, a.status, a.body)
	}
	return a
}

// has fails the test unless the header has the value.
func (a answer) has(name, value string) answer {
	a.t.Helper()
	if got := a.header.Get(name); got != value {
		a.t.Fatalf("%s is %q, want %q", name, got, value)
	}
	return a
}

// holds fails the test unless the body holds s.
func (a answer) holds(s string) answer {
	a.t.Helper()
	if !strings.Contains(a.body, s) {
		a.t.Fatalf("the body does not hold %s:\n%s", s, a.body)
	}
	return a
}

func (a answer) lacks(s string) answer {
	a.t.Helper()
	if strings.Contains(a.body, s) {
		a.t.Fatalf("the body holds %s:\n%s", s, a.body)
	}
	return a
}

func (a answer) json() map[string]any {
	a.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("the body is no JSON object: %v\n%s", err, a.body)
	}
	return v
}

// Polls that many tests begin with.
const (
	twoOptions = `{"options":["ann","bo"]}`
	// shownSecret discloses its ballots.
	shownSecret = `{"options":["ann","bo"],"disclosure":"ballots"}`
	revotable   = `{"options":["ann","bo"],"revote":"until_close"}`
	ranked      = `{"options":["ann","bo","cy"],"method":"irv"}`
	scored      = `{"options":["ann","bo"],"method":"score"}`
	roll        = `{"options":["ann","bo"],"secrecy":"open","revote":"until_close"}`
	secretTill  = `{"options":["ann","bo"],"results":"after_close"}`
	future      = `{"options":["ann","bo"],"opens_at":"2026-12-02T00:00:00Z"}`
	members     = `{"options":["ann","bo"],"eligibility":"roll"}`
	forAnn      = `{"selections":["ann"]}`
	forBo       = `{"selections":["bo"]}`
)

// poll creates a poll.
func (g *rig) poll(id, definition string) {
	g.t.Helper()
	g.do("PUT", "/v1/polls/"+id, definition).want(201)
}

// cast casts a ballot that counts.
func (g *rig) cast(id, voter, ballot string) {
	g.t.Helper()
	g.do("PUT", "/v1/polls/"+id+"/ballots/"+voter, ballot).want(201)
}

func (g *rig) close(id string) {
	g.t.Helper()
	g.do("POST", "/v1/polls/"+id+"/close", "").want(200)
}
