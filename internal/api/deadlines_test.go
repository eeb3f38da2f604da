package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
)

// connection is a recorder that has deadlines, as a connection does.
type connection struct {
	*httptest.ResponseRecorder
	read, write time.Time
	unlimited   bool   // whether something was written without a deadline
	wrote       func() // after each piece
}

// serversOwn is the deadline that the server sets before a handler runs.
var serversOwn = time.Now().Add(time.Hour)

func newConnection() *connection {
	return &connection{ResponseRecorder: httptest.NewRecorder(), read: serversOwn, write: serversOwn, wrote: func() {}}
}

func (c *connection) SetReadDeadline(t time.Time) error  { c.read = t; return nil }
func (c *connection) SetWriteDeadline(t time.Time) error { c.write = t; return nil }

func (c *connection) WriteHeader(status int) {
	c.unlimited = c.unlimited || c.write.IsZero()
	c.ResponseRecorder.WriteHeader(status)
}

func (c *connection) Write(b []byte) (int, error) {
	c.unlimited = c.unlimited || c.write.IsZero()
	n, err := c.ResponseRecorder.Write(b)
	c.wrote()
	return n, err
}

// over serves a request over a connection, which breaks where nothing else ends it.
func (g *rig) over(c *connection, path string, header ...string) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patienceOfTests)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	g.h.ServeHTTP(c, r)
}

func TestAReaderThatDoesNotReadHoldsNoAnswerForever(t *testing.T) {
	t.Parallel()
	g := eventRig(t)
	g.poll("p", members)
	g.close("p")
	for path, want := range map[string]int{
		"/v1/events":                 200,
		"/v1/events?wait=1":          200,
		"/v1/events?limit=0":         400,
		"/v1/polls/p/roll":           200,
		"/v1/polls/none/ballots":     404,
		"/v1/polls/p/results/stream": 200,
	} {
		c := newConnection()
		if g.over(c, path); c.Code != want || c.unlimited || c.write.IsZero() {
			t.Errorf("GET %s: status %d; written without a deadline: %v; in the end it is %v", path, c.Code, c.unlimited, c.write)
		}
	}
	// The server's own is enough for all others.
	c := newConnection()
	if g.over(c, "/v1/polls"); c.Code != 200 || c.write != serversOwn {
		t.Errorf("status %d with the deadline %v", c.Code, c.write)
	}
}

func TestTheServersTimeoutsHoldForStrangers(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.Auth = everybody })
	for who, want := range map[string]struct {
		status int
		lifted bool
	}{"stranger": {401, false}, "gateway": {403, false}, "reader": {200, true}} {
		c := newConnection()
		g.over(c, "/v1/events", as(who)...)
		if c.Code != want.status || c.read.IsZero() != want.lifted {
			t.Errorf("%s: status %d, and the deadline for reading is %v", who, c.Code, c.read)
		}
	}
}

func TestAStreamThatIsBehindEndsToo(t *testing.T) {
	t.Parallel()
	door := &revocable{list: doorman{"reader": everybody["reader"]}}
	for name, c := range map[string]struct {
		change func(o *Options)
		end    func(g *rig)
	}{
		"its credential is withdrawn": {func(o *Options) { o.Auth = door }, func(*rig) { door.withdraw("reader") }},
		"the node drains":             {func(*Options) {}, func(g *rig) { g.h.Drain() }},
	} {
		// Given a stream that sends one event at a time, and many are to come,
		g := eventRig(t, c.change)
		g.b.set(func(b *backend) {
			b.apply(func(s *poll.State) {
				for _, id := range strings.Fields("a b c d e f") {
					d := poll.Definition{ID: id, Options: []poll.Option{{ID: "ann"}, {ID: "bo"}}, MinSelections: 1}
					s.Do(poll.Create{Definition: d.WithDefaults()})
				}
			})
		})
		conn := newConnection()
		conn.wrote = func() {
			if strings.Count(conn.Body.String(), "\nid: ") == 3 {
				c.end(g)
			}
		}
		// when that happens after the third one,
		g.over(conn, "/v1/events?limit=1", append(as("reader"), "Accept", mediaEvents)...)
		// then no more follow.
		if n := strings.Count(conn.Body.String(), "\nid: "); conn.Code != http.StatusOK || n != 3 {
			t.Errorf("%s: status %d, and %d events were sent", name, conn.Code, n)
		}
	}
}
