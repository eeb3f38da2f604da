package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/webhook"
)

// newSilentReceiver reads what comes, and never answers.
func newSilentReceiver(t *testing.T) *receiver {
	r := &receiver{news: make(chan struct{}, 1)}
	end := make(chan struct{})
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body) // or its context does not end with the connection
		if q.Method == http.MethodPost {
			select {
			case r.news <- struct{}{}:
			default:
			}
		}
		select {
		case <-q.Context().Done():
		case <-end:
		}
	}))
	t.Cleanup(func() {
		close(end)
		r.Close()
	})
	return r
}

// endpoint returns an endpoint as a node has it.
func (c *trio) endpoint(node, id string) (e *poll.Endpoint) {
	c.t.Helper()
	c.eventually("the endpoint is at "+node, func() bool {
		c.nodes[node].Node().Read(func(s *poll.State) { e, _ = s.Endpoint(id) })
		return e != nil
	})
	return e
}

func TestAReceiverThatHangsIsNotTakenForAMemberThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	to := newSilentReceiver(t)
	c := newTrio(t, withHooks(t, to))
	follower, leader := c.places()
	c.hook(follower, "board", to.URL)
	for _, id := range []string{follower, leader} {
		e := c.endpoint(id, "board")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		p, err := c.nodes[id].hooksOfAPI().Ping(ctx, e)
		cancel()
		if err != nil || !strings.Contains(p.Failure, "No answer came within 1.") {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	// Where the member that leads does not say, nobody knows whether it was sent.
	e := c.endpoint(follower, "board")
	ctx, cancel := context.WithCancel(t.Context())
	select {
	case <-to.news:
	default:
	}
	go func() {
		<-to.news
		cancel()
	}()
	_, err := c.nodes[follower].hooksOfAPI().Ping(ctx, e)
	cancel()
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.OutcomeUnknown {
		t.Errorf("a ping that may have been sent: %v", err)
	}
}

func TestALeaderWithoutAKeyFileSaysSo(t *testing.T) {
	t.Parallel()
	// Given a cluster in which a follower alone has the key file,
	open := withHooks(t)
	c := newTrio(t, func(o *Options) {
		if o.ID == "n3" {
			open(o)
		}
	})
	if _, leader := c.places(); leader == "n3" {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		must(t, c.nodes["n3"].Node().HandOver(ctx))
		cancel()
		c.eventually("another member leads", func() bool { l := c.nodes["n3"].Node().Leader(); return l != "" && l != "n3" })
	}
	c.hook("n3", "board", "http://127.0.0.1:443")
	e, h := c.endpoint("n3", "board"), c.nodes["n3"].hooksOfAPI()
	// when it asks the leader, then it is told what is missing there.
	_, pinged := h.Ping(t.Context(), e)
	_, tried := h.Attempts(t.Context(), e)
	for _, err := range []error{pinged, tried} {
		var refused *refusal.Error
		if !errors.As(err, &refused) || refused.Code != refusal.WebhooksOff || !strings.Contains(refused.Detail, "without --webhook-key") {
			t.Errorf("it is told %v", err)
		}
	}
	if err := h.CheckKey(); err != nil {
		t.Errorf("members without a key file say nothing against this one's: %v", err)
	}
}

func TestAMemberKnowsThatItsKeyFileIsNotTheOthers(t *testing.T) {
	t.Parallel()
	line, err := webhook.NewKeyLine()
	must(t, err)
	file := filepath.Join(t.TempDir(), "other.key")
	must(t, os.WriteFile(file, []byte(line+"\n"), 0o600))
	open := withHooks(t)
	c := newTrio(t, func(o *Options) {
		if open(o); o.ID == "n2" {
			o.WebhookKey = file
		}
	})
	c.eventually("n2 has heard of the others' file", func() bool {
		err := c.nodes["n2"].hooksOfAPI().CheckKey()
		return err != nil && strings.Contains(err.Error(), "Give all members the same file")
	})
	for _, id := range []string{"n1", "n3"} {
		c.eventually(id+" has heard of the third one's", func() bool { return len(c.nodes[id].Node().Reports()) == 2 })
		if err := c.nodes[id].hooksOfAPI().CheckKey(); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	// While it leads, it says that it delivers nothing, and why.
	c.hook("n1", "board", "https://a.example")
	e := c.endpoint("n1", "board")
	c.eventually("n2 leads", func() bool {
		if c.nodes["n1"].Node().Leader() == "n2" {
			return true
		}
		c.do("n1", "POST", "/v1/cluster/leader", `{"id":"n2"}`)
		return false
	})
	c.eventually("n2 says why it delivers nothing", func() bool {
		var refused *refusal.Error
		_, err := c.nodes["n1"].hooksOfAPI().Attempts(t.Context(), e)
		return errors.As(err, &refused) && refused.Code == refusal.WebhooksOff && strings.Contains(refused.Detail, "Give all members the same file")
	})
	if _, err := c.nodes["n1"].hooksOfAPI().Ping(t.Context(), e); err == nil || !strings.Contains(err.Error(), "Give all members the same file") {
		t.Errorf("a ping by a member that may not deliver: %v", err)
	}
}
