package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/webhook"
)

// receiver is an endpoint on this machine. It keeps what is delivered.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []delivered
	news chan struct{} // of capacity 1
}

type delivered struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{news: make(chan struct{}, 1)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if q.Method != http.MethodPost || err != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		r.mu.Lock()
		r.got = append(r.got, delivered{q.Header, string(body)})
		r.mu.Unlock()
		select {
		case r.news <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// await waits until the events with these sequences have come, each at least once, and in
// order where they come for the first time. It returns how many came again.
func (r *receiver) await(t *testing.T, want ...uint64) (repeated int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		seen, again := r.sequences(t)
		if fmt.Sprint(seen) == fmt.Sprint(want) {
			return again
		}
		select {
		case <-r.news:
		case <-ctx.Done():
			t.Fatalf("the events %v came, want %v", seen, want)
		}
	}
}

func (r *receiver) sequences(t *testing.T) (seen []uint64, again int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := uint64(0)
	for _, d := range r.got {
		var e struct{ Sequence string }
		must(t, json.Unmarshal([]byte(d.body), &e))
		n, err := strconv.ParseUint(e.Sequence, 10, 64)
		switch {
		case err != nil: // a ping has no number
		case n > last:
			seen, last = append(seen, n), n
		default:
			again++
		}
	}
	return seen, again
}

// withHooks lets the nodes deliver to receivers on this machine, with one key file.
func withHooks(t *testing.T, to ...*receiver) func(o *Options) {
	t.Helper()
	line, err := webhook.NewKeyLine()
	must(t, err)
	file := filepath.Join(t.TempDir(), "webhook.key")
	must(t, os.WriteFile(file, []byte(line+"\n"), 0o600))
	allow := []string{"127.0.0.0/8"}
	for _, r := range to {
		u, err := url.Parse(r.URL)
		must(t, err)
		allow = append(allow, u.Port())
	}
	return func(o *Options) { o.WebhookKey, o.WebhookAllow, o.WebhookAllowHTTP = file, allow, true }
}

// hook makes an endpoint for what polls are made and deleted.
func (c *trio) hook(node, id, url string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	c.eventually("the cluster uses the formats of webhooks", func() (yes bool) {
		c.nodes[node].Node().Read(func(s *poll.State) { yes = s.Level() >= poll.WebhookLevel })
		return yes
	})
	r, err := c.nodes[node].Node().Execute(ctx, poll.PutEndpoint{ID: id, Webhook: poll.Webhook{
		URL: url + "/hooks", Kinds: poll.KindsOf(poll.PollCreated, poll.PollDeleted), Rate: 100,
	}})
	must(c.t, err)
	if r.Err != nil {
		c.t.Fatal(r.Err)
	}
}

func TestWebhooksGoOnWhenTheLeaderDies(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	c := newTrio(t, withHooks(t, to))
	follower, leader := c.places()
	c.hook(follower, "board", to.URL)
	create := func(id string) { c.do(follower, "PUT", "/v1/polls/"+id, `{"title":"Board","options":["ann","bo"]}`) }
	create("a")
	create("b")
	to.await(t, 1, 3)
	c.nodes[leader].Node().Fail(errors.New("killed by the test"))
	create("c")
	create("d")
	if again := to.await(t, 1, 3, 5, 7); again > 2 {
		t.Errorf("%d deliveries were repeated", again)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, d := range to.got {
		id, signature := d.header.Get("Webhook-Id"), d.header.Get("Webhook-Signature")
		if !strings.HasPrefix(signature, "v1,") || id == "" || d.header.Get("Voted-Attempt") != "1" || d.header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("a delivery has the header %v", d.header)
		}
	}
}

// attempt waits until a member that leads has the answer to an attempt at an event of the webhook
// "board", 0 for a ping, and returns it: which member that is may change meanwhile.
func (c *trio) attempt(event uint64) (found webhook.Attempt) {
	c.t.Helper()
	c.eventually(fmt.Sprint("there is an attempt at event ", event), func() bool {
		for _, s := range c.nodes {
			var e *poll.Endpoint
			s.Node().Read(func(now *poll.State) { e, _ = now.Endpoint("board") })
			if e == nil {
				continue // it has not come here yet
			}
			all, _ := s.hooks.Attempts(e.Number)
			if i := slices.IndexFunc(all, func(a webhook.Attempt) bool { return a.Event == event }); i >= 0 {
				found = all[i]
				return true
			}
		}
		return false
	})
	return found
}

func TestAHandOverRepeatsNoDelivery(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	c := newTrio(t, withHooks(t, to))
	follower, _ := c.places()
	c.hook(follower, "board", to.URL)
	var want []uint64
	for n := range uint64(12) {
		id := fmt.Sprint("p", n)
		c.do(follower, "PUT", "/v1/polls/"+id, `{"title":"Board","options":["ann","bo"]}`)
		want = append(want, 2*n+1)
		to.await(t, want...)
		if n%4 == 3 {
			c.attempt(2*n + 1) // what is under way while leadership is passed on may be repeated
			_, leader := c.places()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			must(t, c.nodes[leader].Node().HandOver(ctx))
			cancel()
		}
	}
	if again := to.await(t, want...); again != 0 {
		t.Errorf("%d deliveries were repeated", again)
	}
}

func TestWithoutAKeyFileNobodyIsCalled(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	c := newTrio(t, func(*Options) {})
	follower, _ := c.places()
	c.hook(follower, "board", to.URL)
	c.do(follower, "PUT", "/v1/polls/a", `{"title":"Board","options":["ann","bo"]}`)
	for _, s := range c.nodes {
		if s.hooks != nil {
			t.Errorf("%s has a deliverer", s.opts.ID)
		}
	}
	if len(to.got) != 0 {
		t.Errorf("the receiver was called: %+v", to.got)
	}
}

func TestAnAddressThatIsNotAllowedIsNotCalled(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	open, port := withHooks(t, to), ""
	c := newTrio(t, func(o *Options) {
		open(o)
		o.WebhookAllow = o.WebhookAllow[1:] // the port, and not the address
		port = o.WebhookAllow[0]
	})
	follower, _ := c.places()
	c.hook(follower, "board", to.URL)
	if a := c.attempt(0); a.Result != webhook.Blocked || !strings.Contains(a.Failure, "--webhook-allow 127.0.0.0/8") {
		t.Errorf("the attempt is %+v", a)
	}
	if len(to.got) != 0 {
		t.Errorf("the receiver was called: %+v", to.got)
	}
	status, err := c.nodes[follower].Node().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range status.Members {
		if want := []string{port, "http"}; !slices.Equal(m.WebhookAllow, want) {
			t.Errorf("%s may send to %q, and %q is shown", m.ID, want, m.WebhookAllow)
		}
	}
}

func TestOptionsOfWebhooksThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for says, w := range map[string]Webhooks{
		"do nothing without --webhook-key": {WebhookAllowHTTP: true},
		"is neither a network":             {WebhookKey: "f", WebhookAllow: []string{"inside"}},
		"--webhook-timeout 1h0m0s is not":  {WebhookKey: "f", WebhookTimeout: time.Hour},
	} {
		if err := w.check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", w, err, says)
		}
	}
	if err := (Webhooks{}).check(); err != nil {
		t.Error(err)
	}
}

func TestEveryMemberTellsWhatTheLeaderTriedAndHasItPing(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	c := newTrio(t, withHooks(t, to))
	follower, leader := c.places()
	c.hook(follower, "board", to.URL)
	c.do(follower, "PUT", "/v1/polls/a", `{"title":"Board","options":["ann","bo"]}`)
	to.await(t, 1)
	var e *poll.Endpoint
	c.nodes[follower].Node().Read(func(s *poll.State) { e, _ = s.Endpoint("board") })
	for _, id := range []string{follower, leader} {
		h := c.nodes[id].hooksOfAPI()
		p, err := h.Ping(t.Context(), e)
		must(t, err)
		if p.Status != 200 || p.Failure != "" || !strings.HasPrefix(p.Address, "127.0.0.1:") {
			t.Errorf("%s: a ping came to %+v", id, p)
		}
		all, err := h.Attempts(t.Context(), e)
		must(t, err)
		if len(all) == 0 || all[0].Result != "ok" || all[0].Number != 1 {
			t.Errorf("%s: the attempts are %+v", id, all)
		}
		secret, err := h.Secret(e)
		must(t, err)
		if !strings.HasPrefix(secret, "whsec_") {
			t.Errorf("%s: the secret has another form", id)
		}
	}
	if _, err := c.nodes[follower].hooksOfAPI().Ping(t.Context(), &poll.Endpoint{Number: 99}); err == nil {
		t.Error("an endpoint that is not there was pinged")
	}
}
