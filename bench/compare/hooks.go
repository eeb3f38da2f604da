package compare

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"voted/bench/hooks"
	"voted/client"
)

// idleHooks are webhooks that are registered, and for which there is nothing to deliver. Nil:
// there are none.
type idleHooks struct{ receiver *httptest.Server }

// newIdleHooks starts the receiver that answers their pings.
func newIdleHooks() (h *idleHooks, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the receiver of webhooks cannot listen: %w", err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	s.Start()
	return &idleHooks{s}, nil
}

// allowed is where nodes must be let call.
func (h *idleHooks) allowed() []string {
	_, port, _ := net.SplitHostPort(h.receiver.Listener.Addr().String()) // it listens there
	return []string{"127.0.0.0/8", port}
}

// add adds the webhooks, and waits until each has answered a ping.
func (h *idleHooks) add(ctx context.Context, c *client.Client) error {
	if h == nil {
		return nil
	}
	return hooks.Add(ctx, c, idleWebhooks, func(n int) client.WebhookDefinition {
		return client.WebhookDefinition{URL: h.receiver.URL, Types: []string{"poll.*"}, Polls: []string{fmt.Sprint("none", n)}}
	})
}

func (h *idleHooks) close() error {
	if h != nil {
		h.receiver.Close()
	}
	return nil
}
