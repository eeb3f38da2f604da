package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/auth"
)

// revocable accepts the senders on its list, which changes.
type revocable struct {
	mu      sync.Mutex // guards all fields
	list    doorman
	changes uint64
	asked   int
}

func (r *revocable) Authenticate(ctx context.Context, p auth.Presented) (auth.Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	who, err := r.list.Authenticate(ctx, p)
	if !who.Until.IsZero() && time.Now().After(who.Until) {
		return auth.Identity{}, auth.Unauthenticated(errors.New("it has ended"))
	}
	return who, err
}

func (r *revocable) Changes() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

func (r *revocable) withdraw(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.list, name)
	r.changes++
}

// lend makes a credential that ends by itself.
func (r *revocable) lend(name string, lasts time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list[name] = auth.Identity{Roles: auth.Reader, Name: name, Until: time.Now().Add(lasts)}
}

func (r *revocable) questions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func revocableRig(t *testing.T) (*rig, *revocable, *httptest.Server) {
	t.Helper()
	list := doorman{}
	for name, who := range everybody {
		list[name] = who
	}
	door := &revocable{list: list}
	g := newRig(t, func(o *Options) { o.Auth = door })
	server := httptest.NewServer(g.h)
	t.Cleanup(server.Close)
	g.do("PUT", "/v1/polls/p", revotable, as("admin")...).want(201)
	return g, door, server
}

// call begins a request that lasts.
func call(t *testing.T, method, url, who, mediaType string, body io.Reader) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+who)
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestAStreamEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	g, door, server := revocableRig(t)
	const path = "/v1/polls/p/results/stream"
	ended := func(stream io.Reader) chan string {
		all := make(chan string, 1)
		go func() {
			b, err := io.ReadAll(stream)
			all <- fmt.Sprint(string(b), err)
		}()
		return all
	}
	reader := call(t, "GET", server.URL+path, "reader", "", nil)
	stays := call(t, "GET", server.URL+path, "gateway", "", nil)
	door.lend("brief", 1500*time.Millisecond)
	brief := ended(call(t, "GET", server.URL+path, "brief", "", nil).Body)
	asked := door.questions()
	g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("gateway")...).want(201)
	seen := bufio.NewReader(reader.Body)
	for line := ""; !strings.Contains(line, `"ballots":1`); {
		var err error
		if line, err = seen.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	door.withdraw("reader")
	gone := ended(seen)
	for name, all := range map[string]chan string{"withdrawn": gone, "ended by itself": brief} {
		select {
		case text := <-all:
			if !strings.HasSuffix(text, "<nil>") {
				t.Errorf("the stream of a credential that is %s says %s", name, text)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("the stream of a credential that is %s goes on", name)
		}
	}
	// The others go on, and are not checked again and again.
	g.do("PUT", "/v1/polls/p/ballots/bo", forAnn, as("gateway")...).want(201)
	lines := bufio.NewScanner(stays.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"ballots":2`) {
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	if again := door.questions() - asked; again > 8 {
		t.Errorf("the authenticator was asked %d times", again)
	}
}

func TestAnUploadEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, who, first, second, answer string }{
		{"/v1/polls/p/ballots", "gateway", `{"voter":"a","selections":["ann"]}`, `{"voter":"b","selections":["ann"]}`, `{"line":1,"outcome":"counted","ballot":1,"version":1}`},
		{"/v1/polls/r/roll", "admin", `{"voter":"a","weight":0}` + strings.Repeat("\n"+`{"voter":"a"}`, 4096), `{"voter":"b"}`, `{"line":1,"code":"malformed_request"`},
	} {
		g, door, server := revocableRig(t)
		g.do("PUT", "/v1/polls/r", members, as("admin")...).want(201)
		in, out := io.Pipe()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_, _ = io.WriteString(out, c.first+"\n")
		}()
		method := "POST"
		if strings.HasSuffix(c.path, "roll") {
			method = "PUT"
		}
		resp := call(t, method, server.URL+c.path, c.who, mediaNDJSON, in)
		lines := bufio.NewScanner(resp.Body)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), c.answer) {
			t.Fatalf("%s: %d %s", c.path, resp.StatusCode, lines.Text())
		}
		<-sent
		door.withdraw(c.who)
		go func() {
			_, _ = io.WriteString(out, c.second+"\n")
			_ = out.Close()
		}()
		if !lines.Scan() || !strings.Contains(lines.Text(), `"code":"unauthenticated"`) || !strings.Contains(lines.Text(), `"retry_from_line":`) {
			t.Errorf("%s: after the withdrawal: %s %v", c.path, lines.Text(), lines.Err())
		}
		if c.who == "gateway" {
			g.do("GET", "/v1/polls/p", "", as("reader")...).want(200).holds(`"ballots":1`)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}
