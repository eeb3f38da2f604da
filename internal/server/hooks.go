package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/api"
	"voted/internal/server/backend"
	"voted/internal/survey"
	"voted/internal/webhook"
)

// Webhooks is how a node delivers events to endpoints. Its zero value is a node that calls
// nobody.
type Webhooks struct {
	// WebhookKey is the file that the keys of all endpoints follow from, the same on all
	// members. It is read again when it changes. Without it there are no webhooks.
	WebhookKey string
	// WebhookAllow names networks and ports to which webhooks go besides public addresses and
	// the ports 443 and 8443.
	WebhookAllow []string
	// WebhookAllowHTTP allows endpoints without TLS.
	WebhookAllowHTTP bool
	// WebhookTimeout bounds one delivery; default 15 s.
	WebhookTimeout time.Duration
}

// The limits of a delivery: more than a handshake around the world takes, and less than
// endpoints may hold up their own events.
const (
	minWebhookTimeout = 100 * time.Millisecond
	maxWebhookTimeout = time.Minute
)

func (w Webhooks) on() bool { return w.WebhookKey != "" }

func (w Webhooks) check() error {
	switch {
	case !w.on() && (len(w.WebhookAllow) > 0 || w.WebhookAllowHTTP || w.WebhookTimeout != 0):
		return errors.New("--webhook-allow, --webhook-allow-http and --webhook-timeout do nothing without --webhook-key")
	case w.WebhookTimeout != 0 && (w.WebhookTimeout < minWebhookTimeout || w.WebhookTimeout > maxWebhookTimeout):
		return fmt.Errorf("--webhook-timeout %s is not from %s to %s", w.WebhookTimeout, minWebhookTimeout, maxWebhookTimeout)
	}
	if _, err := webhook.NewGuard(w.WebhookAllow, w.WebhookAllowHTTP); err != nil {
		return fmt.Errorf("--webhook-allow: %w", err)
	}
	return nil
}

func (w Webhooks) withDefaults() Webhooks {
	if w.WebhookTimeout == 0 {
		w.WebhookTimeout = webhook.DefaultTimeout
	}
	return w
}

// openWebhooks reads the key file.
func (g *guards) openWebhooks(w Webhooks) (err error) {
	if w.on() {
		g.webhookKeys, err = webhook.OpenKeys(g.watch, w.WebhookKey)
	}
	return err
}

// openHooks makes what delivers webhooks, which begins when the node is open. Without
// --webhook-key there is none, and nothing is called.
func (s *Server) openHooks(registry *prometheus.Registry) error {
	o := s.opts
	if !o.Webhooks.on() {
		return nil
	}
	guard, err := webhook.NewGuard(o.WebhookAllow, o.WebhookAllowHTTP)
	if err != nil {
		return err
	}
	s.webhookGuard = guard
	s.log.Info("webhooks are delivered while this member leads: to public addresses, and to what is allowed besides", "allowed", guard.Allowed())
	s.hooks = webhook.New(webhook.Options{
		Sender: guard.Sender(webhook.NewSender(guard.Control, o.WebhookTimeout)), Keys: s.guards.webhookKeys,
		Agent: "voted/" + o.Version + " (+webhooks)", Logger: s.log, Metrics: registry,
	})
	return nil
}

// startHooks begins to deliver.
func (s *Server) startHooks() {
	if s.hooks != nil {
		h := backend.Hooks{Node: s.node, Renderer: s.handler.Renderer}
		s.hooks.Start(h, h, h)
		s.hookAPI.Store(s.hooksOfAPI())
	}
}

func (s *Server) hooksOfAPI() *backend.HookAPI {
	return &backend.HookAPI{Node: s.node, Deliverer: s.hooks, Keys: s.guards.webhookKeys, Guard: s.webhookGuard}
}

// withHooks adds the deliverer to the options of the API. A nil pointer must not become an
// interface that is not nil.
func (s *Server) withHooks(o api.Options) api.Options {
	if s.hooks != nil {
		o.Webhooks = *s.hooksOfAPI()
	}
	return o
}

// hookCalls are what other members ask of this one while it leads. They may ask before it has
// begun.
func (s *Server) hookCalls() map[string]func(context.Context, []byte) ([]byte, error) {
	all := map[string]func(context.Context, []byte) ([]byte, error){}
	for _, method := range backend.HookMethods {
		if s.hooks == nil {
			all[method] = backend.NoHooks
			continue
		}
		all[method] = func(ctx context.Context, body []byte) ([]byte, error) {
			h := s.hookAPI.Load()
			if h == nil {
				return nil, errors.New("this member has only just started")
			}
			return h.Calls()[method](ctx, body)
		}
	}
	return all
}

// reportHooks is the member's part in webhooks; nil without one.
func (s *Server) reportHooks() func() survey.Webhooks {
	if s.hooks == nil {
		return nil
	}
	return func() survey.Webhooks {
		r := s.hooks.Report()
		return survey.Webhooks{Key: r.Fingerprint, Allow: s.webhookGuard.Allowed(), Oldest: r.Oldest, Withheld: r.Withheld}
	}
}

// closeHooks ends the deliverer, before the node to which it reports.
func (s *Server) closeHooks() {
	if s.hooks != nil {
		s.hooks.Close()
	}
}
