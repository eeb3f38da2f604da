package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// WebhookDefinition is which events are sent where.
type WebhookDefinition struct {
	URL string
	// Types are types of events, or beginnings of them followed by "*". None: all but
	// "ballots.counted".
	Types []string
	// Polls are ids of polls, or beginnings of ids followed by "*". None: all polls.
	Polls []string
	Rate  int // deliveries a second, up to 100; 0: 20
	// From is where a new webhook begins: "oldest", or in Number the first event to send.
	// Neither: with what comes from now on.
	From   string
	Number uint64
	// IfRevision changes the webhook of this revision; 0: it is new, or the same already.
	IfRevision uint64
	// Key names the request, so that the same call may be made again, as in Patch. Empty: a
	// random key, which makes the call's own retries safe.
	Key string
}

// MarshalJSON writes the body of the request.
func (d WebhookDefinition) MarshalJSON() ([]byte, error) {
	body := struct {
		URL   string   `json:"url"`
		Types []string `json:"types,omitempty"`
		Polls []string `json:"polls,omitempty"`
		Rate  int      `json:"rate,omitempty"`
		From  any      `json:"from,omitempty"`
	}{URL: d.URL, Types: d.Types, Polls: d.Polls, Rate: d.Rate}
	switch {
	case d.From != "" && d.Number != 0:
		return nil, errors.New("a webhook begins in one place: From or Number")
	case d.From != "":
		body.From = d.From
	case d.Number != 0:
		body.From = d.Number
	}
	return json.Marshal(body)
}

// WebhookPatch changes a webhook. Nil fields change nothing; an empty list stands for the
// default.
type WebhookPatch struct {
	URL   *string
	Types *[]string
	Polls *[]string
	Rate  *int
	// Paused stops the deliveries, or lets them go on where they stopped: also those of a
	// webhook that was disabled.
	Paused *bool
	// IfRevision refuses the patch, with CodeVersionMismatch, unless the webhook is at this
	// revision; 0: any revision.
	IfRevision uint64
	Key        string // as in WebhookDefinition
}

// MarshalJSON makes a JSON merge patch (RFC 7396).
func (p WebhookPatch) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	if p.URL != nil {
		m["url"] = *p.URL
	}
	for name, list := range map[string]*[]string{"types": p.Types, "polls": p.Polls} {
		switch {
		case list == nil:
		case len(*list) == 0:
			m[name] = nil
		default:
			m[name] = *list
		}
	}
	if p.Rate != nil {
		m["rate"] = *p.Rate
	}
	if p.Paused != nil {
		m["paused"] = *p.Paused
	}
	if len(m) == 0 {
		return nil, errors.New("a patch must change something")
	}
	return json.Marshal(m)
}

// Webhook is a webhook, and how far it is served.
type Webhook struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Types     []string  `json:"types"`
	Polls     []string  `json:"polls"` // nil: all
	Rate      int       `json:"rate"`
	Revision  uint64    `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	State     string    `json:"state"`  // verifying, enabled, paused, disabled
	Reason    string    `json:"reason"` // why it is paused or disabled, in words
	// Cursor: every event up to this number is settled. It was delivered, not asked for, or is
	// a dead letter.
	Cursor       uint64       `json:"cursor"`
	LagEvents    int          `json:"lag_events"`    // that wait; counted up to 1,000
	LagSeconds   int64        `json:"lag_seconds"`   // for which the first of them has waited
	FailingSince time.Time    `json:"failing_since"` // zero: nothing fails
	DeadLetters  int          `json:"dead_letters"`  // that were given up, and not delivered later
	Dead         []DeadLetter `json:"dead"`          // not in lists
	Redelivering int          `json:"redelivering"`  // that wait to be sent once more
	// LastAttempt is the newest one of the node that leads; nil in lists, and where it has made
	// none yet.
	LastAttempt *WebhookAttempt `json:"last_attempt"`
	// PreviousUntil is until when the secret before signs too; zero if it does not.
	PreviousUntil time.Time `json:"previous_secret_until"`
	// Secret is what the receiver verifies with. It is there after PutWebhook and
	// RotateWebhook only.
	Secret string `json:"secret"`
	// Raw is the webhook as the node wrote it, with its secret.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// UnmarshalJSON reads what the service shows of a webhook.
func (w *Webhook) UnmarshalJSON(data []byte) error {
	type plain Webhook
	if err := decodeJSON(data, (*plain)(w)); err != nil {
		return err
	}
	w.Raw = bytes.Clone(bytes.TrimSpace(data))
	return nil
}

// DeadLetter is an event that was given up.
type DeadLetter struct {
	Event       string    `json:"event"`
	Number      uint64    `json:"sequence"`
	At          time.Time `json:"at"`
	Status      int       `json:"status"` // of the last answer; 0: none came
	Fault       string    `json:"fault"`  // why none came
	Redelivered bool      `json:"redelivered"`
}

// Pong is what came back of a ping.
type Pong struct {
	Delivered    bool            `json:"delivered"` // with 2xx
	Status       int             `json:"status"`    // of the answer; 0: none came
	Address      string          `json:"address"`   // that was called
	Milliseconds int64           `json:"milliseconds"`
	Failure      string          `json:"failure"` // why it does not count as delivered
	Raw          json.RawMessage `json:"-"`
}

// UnmarshalJSON reads what came back.
func (p *Pong) UnmarshalJSON(data []byte) error {
	type plain Pong
	if err := decodeJSON(data, (*plain)(p)); err != nil {
		return err
	}
	p.Raw = bytes.Clone(bytes.TrimSpace(data))
	return nil
}

// WebhookAttempts is what the node that leads tried lately, the oldest first, and all dead
// letters.
type WebhookAttempts struct {
	Attempts []WebhookAttempt `json:"attempts"`
	Dead     []DeadLetter     `json:"dead"`
	Raw      json.RawMessage  `json:"-"`
}

// UnmarshalJSON reads the attempts.
func (a *WebhookAttempts) UnmarshalJSON(data []byte) error {
	type plain WebhookAttempts
	if err := decodeJSON(data, (*plain)(a)); err != nil {
		return err
	}
	a.Raw = bytes.Clone(bytes.TrimSpace(data))
	return nil
}

// WebhookAttempt is one attempt to deliver an event.
type WebhookAttempt struct {
	At           time.Time `json:"at"`
	Event        string    `json:"event"` // "" if it was a ping
	Number       uint64    `json:"sequence"`
	Attempt      int       `json:"attempt"` // 1 for the first one of the node that leads
	Result       string    `json:"result"`  // ok, refused, failed, blocked, dead
	Status       int       `json:"status"`  // of the answer; 0: none came
	Milliseconds int64     `json:"milliseconds"`
	Failure      string    `json:"failure"` // a sentence, "" if it was delivered
	NextAt       time.Time `json:"next_at"` // when it is tried again; zero: it is not
}

// webhookCall is a call about a webhook. Key marks a late duplicate of a change.
func (c *Client) webhookCall(ctx context.Context, method, id, rest, key string, revision uint64, body any) (*call, error) {
	k := &call{method: method, write: true}
	if err := k.route("/v1/webhooks/", id, rest); err != nil {
		return nil, err
	}
	mediaType := "application/json"
	if method == http.MethodPatch {
		mediaType = "application/merge-patch+json"
	}
	if body == nil {
		c.headed(ctx, k, "")
	} else if err := c.withBody(ctx, k, mediaType, body); err != nil {
		return nil, err
	}
	if key == "" {
		key = rand.Text()
	}
	k.header["Idempotency-Key"] = []string{string(appendString(nil, key))}
	if revision > 0 {
		k.header["If-Match"] = []string{quotedNumber(revision)}
	}
	return k, nil
}

// doWebhook sends a call that is answered with a webhook.
func (c *Client) doWebhook(ctx context.Context, k *call, err error) (w Webhook, _ error) {
	if err != nil {
		return w, err
	}
	k.into = jsonInto{&w}
	w.Meta, err = c.do(ctx, k)
	return w, err
}

// PutWebhook adds a webhook, or changes the one at d.IfRevision. The same again changes
// nothing; another definition under the id is refused with CodeWebhookExists. The answer has
// the secret each time.
func (c *Client) PutWebhook(ctx context.Context, id string, d WebhookDefinition) (Webhook, error) {
	k, err := c.webhookCall(ctx, http.MethodPut, id, "", d.Key, d.IfRevision, d)
	return c.doWebhook(ctx, k, err)
}

// PatchWebhook changes a webhook, pauses it or lets it go on.
func (c *Client) PatchWebhook(ctx context.Context, id string, p WebhookPatch) (Webhook, error) {
	k, err := c.webhookCall(ctx, http.MethodPatch, id, "", p.Key, p.IfRevision, p)
	return c.doWebhook(ctx, k, err)
}

// DeleteWebhook sends nothing more. Again changes nothing.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	k, err := c.webhookCall(ctx, http.MethodDelete, id, "", "", 0, nil)
	if err == nil {
		_, err = c.do(ctx, k)
	}
	return err
}

// RotateWebhook gives a webhook a new secret. The one before signs too for overlap.
func (c *Client) RotateWebhook(ctx context.Context, id string, overlap time.Duration) (Webhook, error) {
	body := map[string]int64{"overlap_seconds": int64(overlap / time.Second)}
	k, err := c.webhookCall(ctx, http.MethodPost, id, "/rotate", "", 0, body)
	return c.doWebhook(ctx, k, err)
}

// RedeliverWebhook has events sent once more, by their ids. More than 64 are refused with
// CodeInvalidWebhook.
func (c *Client) RedeliverWebhook(ctx context.Context, id string, events ...string) (Webhook, error) {
	k, err := c.webhookCall(ctx, http.MethodPost, id, "/redeliver", "", 0, map[string][]string{"events": events})
	return c.doWebhook(ctx, k, err)
}

// RedeliverWebhookAfter has all events sent once more that the webhook asks for after the one
// with a number. Where they are more than 64, none is sent, and the error is CodeInvalidWebhook.
func (c *Client) RedeliverWebhookAfter(ctx context.Context, id string, after uint64) (Webhook, error) {
	k, err := c.webhookCall(ctx, http.MethodPost, id, "/redeliver", "", 0, map[string]uint64{"after": after})
	return c.doWebhook(ctx, k, err)
}

// Webhook returns a webhook, and what fails.
func (c *Client) Webhook(ctx context.Context, id string) (Webhook, error) {
	k := &call{method: http.MethodGet}
	return c.doWebhook(ctx, k, k.route("/v1/webhooks/", id))
}

// Webhooks returns all webhooks, in the order in which they were added.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	var list struct {
		Webhooks []Webhook `json:"webhooks"`
	}
	k := call{method: http.MethodGet, path: "/v1/webhooks", into: jsonInto{&list}}
	_, err := c.do(ctx, &k)
	return list.Webhooks, err
}

// PingWebhook sends a webhook.ping now, and returns what came back.
func (c *Client) PingWebhook(ctx context.Context, id string) (Pong, error) {
	var p Pong
	k := call{method: http.MethodPost, write: true, once: true, into: jsonInto{&p}}
	if err := k.route("/v1/webhooks/", id, "/ping"); err != nil {
		return p, err
	}
	_, err := c.do(ctx, &k)
	return p, err
}

// WebhookAttempts returns what was tried lately, and all dead letters.
func (c *Client) WebhookAttempts(ctx context.Context, id string) (WebhookAttempts, error) {
	var a WebhookAttempts
	k := call{method: http.MethodGet, into: jsonInto{&a}}
	if err := k.route("/v1/webhooks/", id, "/attempts"); err != nil {
		return a, err
	}
	_, err := c.do(ctx, &k)
	return a, err
}
