package api

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// createPoll serves PUT of a poll: it creates the poll under the id in the path, unless
// the same poll exists.
func (h *Handler) createPoll(w *response, r *http.Request) error {
	// Here an id of the wrong form is a fault of the definition, and reported there.
	id, err := url.PathUnescape(pathVar(r, "poll"))
	if err != nil {
		return malformed("The path is not percent-encoded UTF-8.")
	}
	var body definitionBody
	if err := h.readDefinition(w, r, &body); err != nil {
		return err
	}
	if body.ID != "" && body.ID != id {
		return &refusal.Error{
			Code: refusal.InvalidPoll, Detail: "The body names another poll than the path.",
			Fields: []refusal.FieldError{{Field: "id", Detail: "Leave it out, or make it the id in the path."}},
		}
	}
	d, err := body.definition(id)
	if err != nil {
		return err
	}
	revision, err := ifMatch(r.Header["If-Match"])
	if err != nil {
		return err
	}
	return h.create(w, r, poll.Create{Definition: d, IfRevision: revision, IfAbsent: r.Header["If-None-Match"] != nil})
}

// createKeyedPoll serves POST of a poll: it creates the poll under an id that this node
// draws, once for each Idempotency-Key.
func (h *Handler) createKeyedPoll(w *response, r *http.Request) error {
	key, err := idempotencyKey(r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	if key == "" {
		return refusal.Of(refusal.IdempotencyKeyMissing)
	}
	var body definitionBody
	if err := h.readDefinition(w, r, &body); err != nil {
		return err
	}
	if body.ID != "" {
		return &refusal.Error{
			Code: refusal.InvalidPoll, Detail: "POST makes the poll's id itself.",
			Fields: []refusal.FieldError{{Field: "id", Detail: "Leave it out, or create the poll with PUT /v1/polls/{id}."}},
		}
	}
	id, err := h.madeID()
	if err != nil {
		return err
	}
	d, err := body.definition(id)
	if err != nil {
		return err
	}
	nameless := d
	nameless.ID = "" // a retry draws another id
	return h.create(w, r, poll.Create{
		Definition: d, Key: key, Client: w.client, Fingerprint: sha256.Sum256(nameless.AppendCanonical(nil)),
	})
}

func (h *Handler) readDefinition(w *response, r *http.Request, body *definitionBody) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	return readJSON(w, r, maxDefinitionBytes, body, mediaJSON)
}

// create proposes a poll and shows it.
func (h *Handler) create(w *response, r *http.Request, c poll.Create) error {
	if _, err := io.ReadFull(h.rand, c.Salt[:]); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	result, err := h.execute(ctx, w, c)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if result.Created || result.Replayed {
		status = http.StatusCreated
		w.Header().Set("Location", "/v1/polls/"+result.Poll)
	}
	if result.Replayed {
		w.Header()["Idempotent-Replayed"] = yes
	}
	return h.sendPoll(w, result.Poll, status)
}
