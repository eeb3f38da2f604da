package strangers

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"voted/client"
	"voted/internal/eventjson"
	"voted/internal/livefile"
	"voted/internal/poll"
	"voted/internal/webhook"
)

// keysOf returns the keys of an endpoint by a key file of these lines.
func keysOf(t *testing.T, lines ...byte) *webhook.Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webhook.key")
	var file []byte
	for _, first := range lines {
		file = append(base64.StdEncoding.AppendEncode(file, append([]byte{first}, make([]byte, 31)...)), '\n')
	}
	must(t, os.WriteFile(path, file, 0o600))
	keys, err := webhook.OpenKeys(livefile.NewWatch(slog.New(slog.DiscardHandler)), path)
	must(t, err)
	return keys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var crm = webhook.Generation{Endpoint: "crm", Number: 1, Key: 1}

func header(id string, at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/cloudevents+json")
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return h
}

// results are those of every poll.
type results struct{}

func (results) Closed(context.Context, poll.Info) ([]byte, error) {
	return []byte(`{"winners":["pizza"]}`), nil
}

// deliveries renders an event of each kind that a small election has, a ping and a gap.
func deliveries(t *testing.T) (all []eventjson.Delivery) {
	t.Helper()
	s := poll.NewState()
	do := func(c poll.Command) {
		s.Begin(poll.Stamp{Index: s.Index() + 1, At: 1795830012345})
		defer s.End()
		if r := s.Do(c); r.Err != nil {
			t.Fatalf("%T: %v", c, r.Err)
		}
	}
	do(poll.Raise{Level: poll.EventsLevel})
	do(poll.Create{Definition: poll.Definition{ID: "lunch", Title: "Où?", Options: []poll.Option{{ID: "pizza"}, {ID: "sushi"}}}.WithDefaults()})
	do(poll.Close{Poll: "lunch"})
	events, _, _ := s.Events(0, 100, func(poll.EventKind, string) bool { return true })
	about := eventjson.Gather(s, events)
	render := eventjson.Renderer{Cluster: "5c1f0b2a9d3e4f60", Results: results{}}
	for i, e := range events {
		d, err := render.Delivery(t.Context(), e, about[i])
		must(t, err)
		all = append(all, d)
	}
	ping, err := render.Ping("k7", 1795830012345)
	must(t, err)
	missed, err := render.Missed(4, 9, 1795830012345)
	must(t, err)
	return append(all, ping, missed)
}

func TestTheLibraryOfStandardWebhooksTakesWhatWeSign(t *testing.T) {
	t.Parallel()
	before, now, stranger := keysOf(t, 1), keysOf(t, 2, 1), keysOf(t, 3)
	for _, d := range deliveries(t) {
		body, at := d.Body(41), time.Now()
		// While the key file is being changed, both secrets are good.
		h := header(d.ID, at, webhook.Sign(d.ID, at, body, now.Signing(crm)...))
		for name, c := range map[string]struct {
			key  webhook.Key
			body []byte
			want error
		}{
			"the new secret":       {now.Key(crm), body, nil},
			"the secret before":    {before.Key(crm), body, nil},
			"a stranger's secret":  {stranger.Key(crm), body, standardwebhooks.ErrNoMatchingSignature},
			"one byte more":        {now.Key(crm), append(bytes.Clone(body), ' '), standardwebhooks.ErrNoMatchingSignature},
			"another event before": {now.Key(crm), d.Body(40), standardwebhooks.ErrNoMatchingSignature},
		} {
			theirs, err := standardwebhooks.NewWebhook(c.key.Secret())
			must(t, err)
			if err := theirs.Verify(c.body, h); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: their library says %v", d.ID, name, err)
			}
			_, err = client.VerifyWebhook(c.key.Secret(), h, c.body, 0)
			if (err == nil) != (c.want == nil) {
				t.Errorf("%s, %s: our client says %v, theirs %v", d.ID, name, err, c.want)
			}
		}
	}
}

// What is sent again after the tolerance of receivers is over must be signed again.
func TestARetryWithTheFirstSignatureIsTooOldForBoth(t *testing.T) {
	t.Parallel()
	key, d := keysOf(t, 1).Key(crm), deliveries(t)[0]
	theirs, err := standardwebhooks.NewWebhook(key.Secret())
	must(t, err)
	body, first := d.Body(0), time.Now().Add(-6*time.Minute)
	h := header(d.ID, first, webhook.Sign(d.ID, first, body, key))
	if err := theirs.Verify(body, h); !errors.Is(err, standardwebhooks.ErrMessageTooOld) {
		t.Errorf("their library says %v", err)
	}
	if _, err := client.VerifyWebhook(key.Secret(), h, body, 0); !errors.Is(err, client.ErrWebhookTime) {
		t.Errorf("our client says %v", err)
	}
	again := time.Now()
	h = header(d.ID, again, webhook.Sign(d.ID, again, body, key))
	if err := theirs.Verify(body, h); err != nil {
		t.Errorf("signed again: their library says %v", err)
	}
	if _, err := client.VerifyWebhook(key.Secret(), h, body, 0); err != nil {
		t.Errorf("signed again: our client says %v", err)
	}
}

func TestOurClientTakesWhatTheLibraryOfStandardWebhooksSigns(t *testing.T) {
	t.Parallel()
	key := keysOf(t, 1).Key(crm)
	theirs, err := standardwebhooks.NewWebhook(key.Secret())
	must(t, err)
	for _, d := range deliveries(t) {
		body, at := d.Body(7), time.Now()
		signature, err := theirs.Sign(d.ID, at, body)
		must(t, err)
		if ours := webhook.Sign(d.ID, at, body, key); ours != signature {
			t.Errorf("%s: they sign %s, we %s", d.ID, signature, ours)
		}
		if e, err := client.VerifyWebhook(key.Secret(), header(d.ID, at, signature), body, 0); err != nil || e.ID != d.ID || e.Previous != 7 {
			t.Errorf("%s is read as %+v, %v", d.ID, e, err)
		}
	}
}

func TestTheSDKOfCloudEventsReadsEachDelivery(t *testing.T) {
	t.Parallel()
	for _, d := range deliveries(t) {
		body, at := d.Body(41), time.Now()
		r := httptest.NewRequest(http.MethodPost, "/hooks", bytes.NewReader(body))
		r.Header = header(d.ID, at, "v1,")
		e, err := cehttp.NewEventFromHTTPRequest(r)
		must(t, err)
		if err := e.Validate(); err != nil {
			t.Errorf("%s is no valid CloudEvent: %v", body, err)
		}
		if e.ID() != d.ID || e.Extensions()["previous"] != "41" || e.Extensions()["timestamp"] == nil || !json.Valid(e.Data()) {
			t.Errorf("%s is read as %v", body, e)
		}
	}
	// The control: they do refuse what is none.
	var e event.Event
	if err := e.UnmarshalJSON([]byte(`{"specversion":"1.0","id":"","source":"/voted","type":"poll.closed"}`)); err == nil && e.Validate() == nil {
		t.Error("an event without an id is valid")
	}
}
