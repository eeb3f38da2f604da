package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// WebhookTolerance is how far the clocks of a sender and a receiver may differ, and how long a
// delivery may be on its way, where a receiver does not say.
const WebhookTolerance = 5 * time.Minute

// Why VerifyWebhook refuses a request. Answer it with 401 in each case: it is delivered again.
var (
	// ErrWebhookSignature: nobody who has the key has signed this body.
	ErrWebhookSignature = errors.New("no signature of this webhook is by the endpoint's key")
	// ErrWebhookTime: it was signed too long ago, or too far in the future. It may be a request
	// that somebody has recorded, or a clock is wrong.
	ErrWebhookTime = errors.New("the time of this webhook is too far from this machine's")
	// ErrWebhookHeader: it is no request of a webhook.
	ErrWebhookHeader = errors.New("this request has not the header of a webhook: webhook-id, webhook-timestamp and webhook-signature")
)

// WebhookEvent is an event as a webhook delivers it. A ping, whose type is "webhook.ping", has
// no number. "events.missed" has that of the last event that was missed.
type WebhookEvent struct {
	JournalEvent
	// Previous is the number of the event before that this endpoint asked for, 0 if there was
	// none. Deduplicator uses it.
	Previous uint64
	// Attempt is 1 for the first attempt of the node that sends, and so on. Another node begins
	// again.
	Attempt int
}

// VerifyWebhook checks that a request is a webhook of whoever has the key, and reads its event.
// key is the secret that the cluster shows for the endpoint, whsec_…; body is the request's, byte
// for byte. A request that was signed longer than the tolerance ago, or for a time so far ahead,
// is refused; 0 means WebhookTolerance. While a key is being rotated, the old and the new one
// both do.
//
// It does not tell a repetition from a new event: that is what Deduplicator does.
func VerifyWebhook(key string, header http.Header, body []byte, tolerance time.Duration) (e WebhookEvent, err error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil || len(secret) == 0 {
		return e, errors.New("the key of the webhook is no secret such as whsec_…; the same PUT /v1/webhooks/{id} once more shows it")
	}
	id, at, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" || signatures == "" {
		return e, ErrWebhookHeader
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + at + ".")) // a hash keeps no errors
	mac.Write(body)
	if !signedBy(signatures, mac.Sum(nil)) {
		return e, ErrWebhookSignature
	}
	if tolerance <= 0 {
		tolerance = WebhookTolerance
	}
	if away := time.Since(time.Unix(seconds, 0)); away > tolerance || away < -tolerance {
		return e, ErrWebhookTime
	}
	if err := e.UnmarshalJSON(body); err != nil {
		return e, fmt.Errorf("the webhook is genuine, and its body cannot be read: %w", err)
	}
	e.Attempt, _ = strconv.Atoi(header.Get("Voted-Attempt")) // 0 where a proxy took it away: it is not signed
	return e, nil
}

// signedBy reports whether one of the signatures in a header is the one that is expected. Those
// of other versions say nothing.
func signedBy(signatures string, want []byte) bool {
	for s := range strings.FieldsSeq(signatures) {
		encoded, ok := strings.CutPrefix(s, "v1,")
		if got, err := base64.StdEncoding.DecodeString(encoded); ok && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

// UnmarshalJSON reads the body of a webhook.
func (e *WebhookEvent) UnmarshalJSON(data []byte) error {
	var in struct {
		cloudEvent
		Previous string `json:"previous"`
	}
	if err := decodeJSON(data, &in); err != nil {
		return err
	}
	event, err := in.event(data)
	if err != nil {
		return err
	}
	previous, err := in.number(in.Previous)
	*e = WebhookEvent{JournalEvent: event, Previous: previous}
	return err
}

// WebhookOrder is what an event is to a receiver.
type WebhookOrder int

const (
	// WebhookNext: the event follows the last one. Handle it.
	WebhookNext WebhookOrder = iota
	// WebhookSeen: it was handled. Answer 204, and do nothing.
	WebhookSeen
	// WebhookGap: it is new, and events before it are missing, which this endpoint asked for:
	// they were refused too often, or fell out of the journal. Client.Events with the ID of the
	// last event as After has them, if they are still kept. Or the cluster was recovered from one
	// member: its numbers go on from what that one had, under another cluster id.
	WebhookGap
)

// String returns the order in a word.
func (o WebhookOrder) String() string {
	return [...]string{"next", "seen", "gap"}[o]
}

// Deduplicator tells repetitions from new events by one number. That is exact: a cluster delivers
// the events of its journal to an endpoint in their order, one at a time, and repeats only what
// it does not know to have arrived. Its zero value is for a new endpoint.
//
// Keep it where the events' effects are kept, and write both in one transaction: then each
// event has its effect exactly once. An event that somebody has delivered once more
// (redeliver) is WebhookSeen; to handle it again, set Last back before.
type Deduplicator struct {
	// Last is the number of the last event that was handled.
	Last uint64
	// Cluster is the id of the cluster that it was of. Where it is not known, "", the next event
	// says it.
	Cluster string
}

// Look says what an event is, and changes nothing.
func (d *Deduplicator) Look(e WebhookEvent) WebhookOrder {
	switch {
	case e.Number == 0: // a ping
		return WebhookNext
	case d.Cluster != "" && e.cluster() != d.Cluster: // its numbers are others
		return WebhookGap
	case e.Number <= d.Last:
		return WebhookSeen
	case e.Previous != d.Last || e.Type == "events.missed":
		return WebhookGap
	}
	return WebhookNext
}

// Handled notes that an event was handled.
func (d *Deduplicator) Handled(e WebhookEvent) {
	if e.Number == 0 { // a ping
		return
	}
	if cluster := e.cluster(); d.Cluster != cluster && d.Cluster != "" {
		d.Last = e.Number
	} else {
		d.Last = max(d.Last, e.Number)
	}
	d.Cluster = e.cluster()
}
