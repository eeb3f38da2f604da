package api

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// patchBody is a JSON merge patch (RFC 7396) of what may change in a poll. A
// value is kept as text, because null, which removes, differs from absence.
type patchBody struct {
	Title    jsontext.Value `json:"title"`
	OpensAt  jsontext.Value `json:"opens_at"`
	ClosesAt jsontext.Value `json:"closes_at"`
}

// patchPoll serves PATCH of a poll.
func (h *Handler) patchPoll(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	revision, err := ifMatch(r.Header["If-Match"])
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	var body patchBody
	if err := readJSON(w, r, maxPatchBytes, &body, mediaMergePatch, mediaJSON); err != nil {
		return err
	}
	c := poll.Patch{Poll: id, IfRevision: revision}
	if err := body.into(&c); err != nil {
		return err
	}
	if err := h.nameRequest(&c, w.client, key); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	result, err := h.execute(ctx, w, c)
	if err != nil {
		return err
	}
	if result.Replayed && key != "" { // without a key this node itself may have proposed it twice
		w.Header()["Idempotent-Replayed"] = yes
	}
	return h.sendPoll(w, id, http.StatusOK)
}

// into fills in the fields that the patch has.
func (b *patchBody) into(c *poll.Patch) error {
	var errs []refusal.FieldError
	if b.Title != nil {
		c.Title = new(string)
		if b.Title.Kind() != 'n' {
			if b.Title.Kind() != '"' || unmarshal(b.Title, c.Title) != nil {
				return misplaced("/title", "It must be a string, or null to remove it.")
			}
			if rule := poll.TitleRule(*c.Title); rule != "" {
				errs = append(errs, refusal.FieldError{Field: "title", Detail: rule})
			}
		}
	}
	for _, t := range []struct {
		field string
		value jsontext.Value
		into  **int64
	}{{"opens_at", b.OpensAt, &c.OpensAt}, {"closes_at", b.ClosesAt, &c.ClosesAt}} {
		if t.value == nil {
			continue
		}
		var at instant
		if !at.read(t.value) {
			return misplaced(jsontext.Pointer("/"+t.field), timeForm+" null removes it.")
		}
		*t.into = new(int64(at))
		if rule := poll.TimeRule(int64(at)); rule != "" {
			errs = append(errs, refusal.FieldError{Field: t.field, Detail: rule})
		}
	}
	if errs != nil {
		return &refusal.Error{Code: refusal.InvalidPoll, Fields: errs}
	}
	return nil
}

// nameRequest gives a patch the id by which a retry is recognised: made of the client's
// name and Idempotency-Key, or drawn. The same key with another patch must not count as a
// retry, so a fingerprint identifies the change.
func (h *Handler) nameRequest(c *poll.Patch, client, key string) error {
	if key == "" {
		_, err := io.ReadFull(h.rand, c.Request[:])
		return err
	}
	name := sha256.Sum256([]byte(client + "\x00" + key)) // neither holds a zero byte
	copy(c.Request[:], name[:])
	b := binary.BigEndian.AppendUint32(nil, c.IfRevision)
	if c.Title != nil {
		b = append(append(b, 't'), *c.Title...)
	}
	for _, ms := range []*int64{c.OpensAt, c.ClosesAt} {
		b = append(b, 0)
		if ms != nil {
			b = binary.BigEndian.AppendUint64(b, uint64(*ms))
		}
	}
	sum := sha256.Sum256(b)
	copy(c.Fingerprint[:], sum[:])
	return nil
}
