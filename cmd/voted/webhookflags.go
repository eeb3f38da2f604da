package main

import (
	"time"

	"voted/internal/server"
)

// webhookFlags are the flags of server.Webhooks.
type webhookFlags struct {
	WebhookKey       string        `help:"File that signs webhooks, as voted webhook key makes it: the same on all members. It is read again when it changes. Without it there are no webhooks, and nobody is called." placeholder:"FILE" secret:""`
	WebhookAllow     []string      `help:"Where webhooks may go besides public addresses and the ports 443 and 8443: a network such as 10.0.0.0/8, an address, or a port; repeatable. Whoever may make webhooks can then have this node call machines there." placeholder:"NETWORK|PORT"`
	WebhookAllowHTTP bool          `help:"Allow webhooks without TLS, and port 80." name:"webhook-allow-http"`
	WebhookTimeout   time.Duration `help:"How long a delivery may take, its connection included (default 15s)." placeholder:"DURATION"`
}

func (f webhookFlags) options() server.Webhooks {
	return server.Webhooks{
		WebhookKey: f.WebhookKey, WebhookAllow: f.WebhookAllow, WebhookAllowHTTP: f.WebhookAllowHTTP, WebhookTimeout: f.WebhookTimeout,
	}
}
