package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"voted/internal/eventjson"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// onWebhook reads the id in the path, and gives what follows its deadline.
func (h *Handler) onWebhook(w *response, r *http.Request, do func(ctx context.Context, id string) error) error {
	id, err := webhookID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	return do(ctx, id)
}

// webhookID returns the id in the path.
func webhookID(r *http.Request) (string, error) {
	id, err := url.PathUnescape(pathVar(r, "id"))
	if err != nil || !poll.ValidID(id) {
		return "", refusal.New(refusal.WebhookNotFound,
			"No webhook can have the id in this path; ids are letters, digits, '.', '_', '~' and '-', up to 64.")
	}
	return id, nil
}

// putWebhook serves PUT of a webhook: it adds it, or with If-Match replaces what it was. The
// answer has the secret each time: the first one may have got lost.
func (h *Handler) putWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		if err := h.canSign(); err != nil {
			return err
		}
		revision, err := ifMatch(r.Header["If-Match"])
		if err != nil {
			return err
		}
		var body webhookBody
		if err := readJSON(w, r, maxWebhookBytes, &body, mediaJSON); err != nil {
			return err
		}
		c := poll.PutEndpoint{ID: id, IfRevision: revision}
		if c.Webhook, c.From, err = h.webhookOf(&body, revision != 0); err != nil {
			return err
		}
		if c.Ask, err = h.askOf(w, r, "put", id, revision, &body); err != nil {
			return err
		}
		result, err := h.executeWebhook(ctx, w, c)
		if err != nil {
			return err
		}
		status := http.StatusOK
		if result.Created {
			status = http.StatusCreated
			w.Header().Set("Location", "/v1/webhooks/"+id)
		}
		return h.sendWebhook(w, id, status, h.addSecret)
	})
}

// canSign refuses a request that would be answered with a secret, before anything is done.
func (h *Handler) canSign() error {
	if h.webhooks == nil {
		return refusal.Of(refusal.WebhooksOff)
	}
	return h.webhooks.CheckKey()
}

// patchWebhook serves PATCH of a webhook.
func (h *Handler) patchWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		revision, err := ifMatch(r.Header["If-Match"])
		if err != nil {
			return err
		}
		var body webhookPatch
		if err := readJSON(w, r, maxWebhookBytes, &body, mediaMergePatch, mediaJSON); err != nil {
			return err
		}
		c := poll.PatchEndpoint{ID: id, IfRevision: revision}
		if err := h.patchOf(&body, &c); err != nil {
			return err
		}
		if c.Ask, err = h.askOf(w, r, "patch", id, revision, &body); err != nil {
			return err
		}
		if _, err := h.executeWebhook(ctx, w, c); err != nil {
			return err
		}
		return h.sendWebhook(w, id, http.StatusOK, nil)
	})
}

// deleteWebhook serves DELETE of a webhook.
func (h *Handler) deleteWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		revision, err := ifMatch(r.Header["If-Match"])
		if err != nil {
			return err
		}
		if err := noBody(w, r); err != nil {
			return err
		}
		c := poll.DropEndpoint{ID: id, IfRevision: revision}
		if c.Ask, err = h.askOf(w, r, "delete", id, revision, nil); err != nil {
			return err
		}
		if _, err := h.executeWebhook(ctx, w, c); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// rotateBody says for how long the key before signs too.
type rotateBody struct {
	OverlapSeconds *uint32 `json:"overlap_seconds"`
}

// rotateWebhook gives a webhook a new key. It takes no request without an Idempotency-Key: a
// second key, drawn by a retry, would end the one that the receiver has.
func (h *Handler) rotateWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		if err := h.canSign(); err != nil {
			return err
		}
		if r.Header["Idempotency-Key"] == nil {
			return refusal.New(refusal.IdempotencyKeyMissing,
				"Send an Idempotency-Key that is new for each rotation, so that a retry does not rotate once more.")
		}
		var body rotateBody
		if err := readOptionalJSON(w, r, &body); err != nil {
			return err
		}
		c := poll.RotateKey{ID: id, Overlap: defaultOverlap.Milliseconds()}
		if body.OverlapSeconds != nil {
			c.Overlap = int64(*body.OverlapSeconds) * 1000
		}
		var err error
		if c.Ask, err = h.askOf(w, r, "rotate", id, 0, &c.Overlap); err != nil {
			return err
		}
		if _, err := h.executeWebhook(ctx, w, c); err != nil {
			return err
		}
		return h.sendWebhook(w, id, http.StatusOK, h.addSecret)
	})
}

// redeliverBody says what to send once more: exactly one of its fields is there.
type redeliverBody struct {
	Events []string `json:"events"`
	After  *uint64  `json:"after"`
}

// redeliverWebhook has events sent once more, under the ids that they had.
func (h *Handler) redeliverWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		var body redeliverBody
		if err := readJSON(w, r, maxWebhookBytes, &body, mediaJSON); err != nil {
			return err
		}
		c := poll.Redeliver{ID: id}
		switch {
		case (body.Events == nil) == (body.After == nil):
			return misplaced("", `It has either "events", with ids of events, or "after", with the number of one.`)
		case body.After != nil:
			c.All, c.After = true, *body.After
		}
		var err error
		if c.Events, err = h.eventsOf(body.Events); err != nil {
			return err
		}
		if c.Ask, err = h.askOf(w, r, "redeliver", id, 0, &body); err != nil {
			return err
		}
		if _, err := h.executeWebhook(ctx, w, c); err != nil {
			return err
		}
		return h.sendWebhook(w, id, http.StatusAccepted, nil)
	})
}

// eventsOf reads ids of events of this cluster.
func (h *Handler) eventsOf(ids []string) ([]uint64, error) {
	var errs []refusal.FieldError
	numbers := make([]uint64, len(ids))
	for i, id := range ids {
		number, ours := eventjson.ParseID(id, h.cluster.ClusterID())
		if !ours {
			errs = append(errs, refusal.FieldError{
				Field: poll.Item("events", i), Detail: `It is no id of an event of this cluster, as "id" of an event has it.`,
			})
		}
		numbers[i] = number
	}
	if errs != nil {
		return nil, &refusal.Error{Code: refusal.InvalidWebhook, Fields: errs}
	}
	return numbers, nil
}

// readOptionalJSON is readJSON for a body that may be missing.
func readOptionalJSON(w *response, r *http.Request, into any) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	return readJSON(w, r, maxMemberBytes, into, mediaJSON)
}

// executeWebhook is execute with the words for a webhook that is at another revision.
func (h *Handler) executeWebhook(ctx context.Context, w *response, c poll.Command) (poll.Result, error) {
	result, err := h.execute(ctx, w, c)
	var refused *refusal.Error
	if errors.As(err, &refused) && refused.Code == refusal.VersionMismatch {
		said := *refused
		said.Detail = fmt.Sprintf("The webhook is not at the revision in If-Match, but at %d; read it again, then decide.", said.Version)
		return result, &said
	}
	if err == nil && result.Replayed {
		w.Header()["Idempotent-Replayed"] = yes
	}
	return result, err
}

// askOf names a request, so that a late duplicate of it is recognised: by the client's name
// and Idempotency-Key, or by what is drawn. The same key with other words is no retry.
func (h *Handler) askOf(
	w *response, r *http.Request, verb, id string, revision uint32, body any,
) (a poll.Ask, err error) {
	key, err := idempotencyKey(r.Header["Idempotency-Key"])
	if err != nil {
		return a, err
	}
	if key == "" {
		_, err = io.ReadFull(h.rand, a.Request[:])
		return a, err
	}
	said, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return a, err
	}
	name := sha256.Sum256([]byte(w.client + "\x00" + key)) // neither holds a zero byte
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint32([]byte(verb+"\x00"+id+"\x00"), revision), said...))
	copy(a.Request[:], name[:])
	copy(a.Fingerprint[:], sum[:])
	return a, nil
}

// getWebhook serves GET of one webhook.
func (h *Handler) getWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		if err := h.sync(ctx); err != nil {
			return err
		}
		return h.sendWebhook(w, id, http.StatusOK, h.addLastAttempt(ctx))
	})
}

// listWebhooks serves all webhooks, in the order in which they were added.
func (h *Handler) listWebhooks(w *response, r *http.Request) error {
	return h.afterSync(w, r, func() error {
		var all []*poll.Endpoint
		h.cluster.Read(func(s *poll.State) { all, w.index = s.Endpoints(), s.Index() })
		shown := make([]webhookJSON, len(all))
		for i, e := range all {
			h.cluster.Read(func(s *poll.State) { shown[i] = webhookShown(s, e) }) // others get their turn between
		}
		return h.sendJSON(w, http.StatusOK, map[string]any{"webhooks": shown})
	})
}

// endpointOf returns a webhook as this node has it.
func (h *Handler) endpointOf(w *response, id string) (e *poll.Endpoint, shown webhookJSON, err error) {
	var missing *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		w.index = s.Index()
		if e, missing = s.Endpoint(id); missing == nil {
			shown = webhookShown(s, e)
		}
	})
	if missing != nil {
		return nil, shown, missing
	}
	return e, shown, nil
}

// addSecret shows the secret of a webhook.
func (h *Handler) addSecret(e *poll.Endpoint, to *webhookJSON) (err error) {
	to.Secret, err = h.webhooks.Secret(e)
	return err
}

// addLastAttempt shows what came of the newest attempt, which the member that leads knows. Where it
// cannot be asked the rest is shown all the same.
func (h *Handler) addLastAttempt(ctx context.Context) func(e *poll.Endpoint, to *webhookJSON) error {
	return func(e *poll.Endpoint, to *webhookJSON) error {
		if h.webhooks == nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, attemptPatience)
		defer cancel()
		if all, err := h.webhooks.Attempts(ctx, e); err == nil && len(all) > 0 {
			last := attemptOf(h.cluster.ClusterID(), all[len(all)-1])
			to.LastAttempt = &last
		}
		return nil
	}
}

// sendWebhook shows a webhook, and what add adds; nil: nothing.
func (h *Handler) sendWebhook(w *response, id string, status int, add func(e *poll.Endpoint, to *webhookJSON) error) error {
	e, shown, err := h.endpointOf(w, id)
	if err != nil {
		return err
	}
	cluster := h.cluster.ClusterID()
	for _, d := range e.Dead {
		shown.Dead = append(shown.Dead, deadOf(cluster, d))
	}
	if add != nil {
		if err := add(e, &shown); err != nil {
			return err
		}
	}
	w.tag(e.Revision)
	return h.sendJSON(w, status, shown)
}

// pongJSON is what came back of a ping.
type pongJSON struct {
	Delivered    bool   `json:"delivered"`
	Status       int    `json:"status,omitzero"`
	Address      string `json:"address,omitempty"`
	Milliseconds int64  `json:"milliseconds"`
	Failure      string `json:"failure,omitempty"`
}

// pingWebhook serves POST …/ping: it answers what came back, whatever that was.
func (h *Handler) pingWebhook(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		if h.webhooks == nil {
			return refusal.Of(refusal.WebhooksOff)
		}
		if err := noBody(w, r); err != nil {
			return err
		}
		if err := h.sync(ctx); err != nil {
			return err
		}
		e, _, err := h.endpointOf(w, id)
		if err != nil {
			return err
		}
		pong, err := h.webhooks.Ping(ctx, e)
		if err != nil {
			return err
		}
		return h.sendJSON(w, http.StatusOK, pongJSON{
			Delivered: pong.Failure == "", Status: pong.Status, Address: pong.Address,
			Milliseconds: pong.Took.Milliseconds(), Failure: pong.Failure,
		})
	})
}

// attemptJSON is an attempt as clients see it.
type attemptJSON struct {
	At           string `json:"at"`
	Event        string `json:"event,omitempty"` // absent: it was a ping
	Sequence     uint64 `json:"sequence,omitzero"`
	Attempt      int    `json:"attempt"`
	Result       string `json:"result"`
	Status       int    `json:"status,omitzero"`
	Milliseconds int64  `json:"milliseconds"`
	Failure      string `json:"failure,omitempty"`
	NextAt       string `json:"next_at,omitempty"`
}

func attemptOf(cluster string, a Attempt) attemptJSON {
	shown := attemptJSON{
		At: string(appendTime(nil, a.At.UnixMilli())), Sequence: a.Event, Attempt: a.Number, Result: a.Result,
		Status: a.Status, Milliseconds: a.Took.Milliseconds(), Failure: a.Failure,
	}
	if a.Event != 0 {
		shown.Event = eventjson.ID(cluster, a.Event)
	}
	if !a.Next.IsZero() {
		shown.NextAt = string(appendTime(nil, a.Next.UnixMilli()))
	}
	return shown
}

// listAttempts serves what the leader tried lately, and all dead letters.
func (h *Handler) listAttempts(w *response, r *http.Request) error {
	return h.onWebhook(w, r, func(ctx context.Context, id string) error {
		if h.webhooks == nil {
			return refusal.Of(refusal.WebhooksOff)
		}
		if err := h.sync(ctx); err != nil {
			return err
		}
		e, _, err := h.endpointOf(w, id)
		if err != nil {
			return err
		}
		attempts, err := h.webhooks.Attempts(ctx, e)
		if err != nil {
			return err
		}
		cluster := h.cluster.ClusterID()
		shown := attemptsJSON{Attempts: make([]attemptJSON, len(attempts)), Dead: make([]deadJSON, len(e.Dead))}
		for i, a := range attempts {
			shown.Attempts[i] = attemptOf(cluster, a)
		}
		for i, d := range e.Dead {
			shown.Dead[i] = deadOf(cluster, d)
		}
		return h.sendJSON(w, http.StatusOK, shown)
	})
}

type attemptsJSON struct {
	Attempts []attemptJSON `json:"attempts"`
	Dead     []deadJSON    `json:"dead"`
}
