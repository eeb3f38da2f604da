package api

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"voted/internal/poll"
)

// createPoll serves PUT of a poll: it is made under the id in the path, unless
// the same one is there.
func (h *Handler) createPoll(w *response, r *http.Request) error {
	// An id of the wrong form is a fault of the definition here, and named there.
	id, err := url.PathUnescape(mux.Vars(r)["poll"])
	if err != nil {
		return malformed("The path is not percent-encoded UTF-8.")
	}
	var body definitionBody
	if err := h.readDefinition(w, r, &body); err != nil {
		return err
	}
	if body.ID != "" && body.ID != id {
		return &poll.Error{
			Code: poll.CodeInvalidPoll, Detail: "The body names another poll than the path.",
			Fields: []poll.FieldError{{Field: "id", Detail: "Leave it out, or make it the id in the path."}},
		}
	}
	d, err := body.definition(id)
	if err != nil {
		return err
	}
	return h.create(w, r, poll.Create{Definition: d})
}

// createKeyedPoll serves POST of a poll: it is made under an id of ours, once for
// each Idempotency-Key.
func (h *Handler) createKeyedPoll(w *response, r *http.Request) error {
	key, err := idempotencyKey(r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	if key == "" {
		return poll.Refuse(poll.CodeIdempotencyKeyMissing, "Send an Idempotency-Key that is new for each poll, so that a retry makes no second one; or choose an id and use PUT.")
	}
	var body definitionBody
	if err := h.readDefinition(w, r, &body); err != nil {
		return err
	}
	if body.ID != "" {
		return &poll.Error{
			Code: poll.CodeInvalidPoll, Detail: "POST makes the poll's id itself.",
			Fields: []poll.FieldError{{Field: "id", Detail: "Leave it out, or create the poll with PUT /v1/polls/{id}."}},
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
		Definition: d, Key: key, Fingerprint: sha256.Sum256(nameless.AppendCanonical(nil)),
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
