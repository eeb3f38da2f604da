package webhook

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"voted/internal/eventjson"
	"voted/internal/poll"
)

// Signer has the keys of endpoints; see Keys.
type Signer interface {
	// Signing returns the keys that sign, the newest first.
	Signing(inForce ...Generation) []Key
	// Fingerprint names the key file without telling anything of its keys.
	Fingerprint() string
}

// inForce returns the generations of an endpoint's key that sign at clock, the replicated one.
func inForce(e *poll.Endpoint, clock int64) []Generation {
	all := []Generation{{Endpoint: e.ID, Number: e.Number, Key: e.Key}}
	if e.PreviousUntil > clock {
		all = append(all, Generation{Endpoint: e.ID, Number: e.Number, Key: e.PreviousKey})
	}
	return all
}

// post delivers an event to an endpoint. The signature is made for each attempt, with its
// time: receivers refuse what was signed long ago.
func (d *Deliverer) post(ctx context.Context, e *poll.Endpoint, x eventjson.Delivery, previous uint64, attempt int) Answer {
	body, now := x.Body(previous), time.Now()
	signature := Sign(x.ID, now, body, d.opts.Keys.Signing(inForce(e, d.state.Clock())...)...)
	h := http.Header{}
	for _, f := range [][2]string{
		{"Content-Type", "application/cloudevents+json"},
		{"Webhook-Id", x.ID},
		{"Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10)},
		{"Webhook-Signature", signature},
		{"Voted-Attempt", strconv.Itoa(attempt)},
		{"User-Agent", d.opts.Agent},
	} {
		h.Set(f[0], f[1])
	}
	return d.opts.Sender.Send(ctx, Request{Method: http.MethodPost, URL: e.URL, Header: h, Body: body})
}

// greetTimeout bounds the question for an endpoint's rate: those that do not know it may hang.
const greetTimeout = 2 * time.Second

// askRate asks an endpoint for its rate.
func (d *Deliverer) askRate(ctx context.Context, e *poll.Endpoint) Answer {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	h := http.Header{}
	h.Set("Webhook-Request-Origin", "voted")
	h.Set("Webhook-Request-Rate", strconv.Itoa(60*int(e.Rate)))
	h.Set("User-Agent", d.opts.Agent)
	return d.opts.Sender.Send(ctx, Request{Method: http.MethodOptions, URL: e.URL, Header: h})
}

// ping renders a new ping.
func (d *Deliverer) ping() (eventjson.Delivery, error) {
	return d.events.Ping(strings.ToLower(rand.Text()), d.state.Clock())
}

// hostOf returns the host and port of a URL, as requests to it share them.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// Ping sends a ping to an endpoint now, from this member, whatever the endpoint's state is. It
// changes nothing, so an endpoint that waits to be verified still has to answer its own.
func (d *Deliverer) Ping(ctx context.Context, e *poll.Endpoint) Answer {
	x, err := d.ping()
	if err != nil {
		return Answer{Fault: poll.FaultRender, Failure: "The ping could not be rendered: " + err.Error() + "."}
	}
	a := d.post(ctx, e, x, 0, 1)
	d.metrics.attempt(a)
	return a
}

// Attempts returns the newest attempts at an endpoint, the oldest first; ok is false if this
// member does not deliver.
func (d *Deliverer) Attempts(endpoint uint64) (all []Attempt, ok bool) {
	t := d.now()
	if t == nil {
		return nil, false
	}
	return t.attempts.of(endpoint), true
}
