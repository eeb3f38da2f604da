package api

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
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
	if err := h.nameRequest(&c, key); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if _, err := h.execute(ctx, w, c); err != nil {
		return err
	}
	return h.sendPoll(w, id, http.StatusOK)
}

// into fills in the fields that the patch has.
func (b *patchBody) into(c *poll.Patch) (err error) {
	if b.Title != nil {
		c.Title = new(string)
		if b.Title.Kind() != 'n' {
			err = unmarshal(b.Title, c.Title)
		}
	}
	if err == nil {
		c.OpensAt, err = patchedTime("opens_at", b.OpensAt)
	}
	if err == nil {
		c.ClosesAt, err = patchedTime("closes_at", b.ClosesAt)
	}
	return err
}

func patchedTime(field string, v jsontext.Value) (*int64, error) {
	if v == nil {
		return nil, nil
	}
	ms := new(int64)
	if v.Kind() == 'n' {
		return ms, nil
	}
	var t time.Time
	if err := unmarshal(v, &t); err != nil {
		e := malformed("The patch holds a time that cannot be read.")
		e.Fields = []poll.FieldError{{Field: field, Detail: "Write it as in RFC 3339, for example 2026-12-01T08:00:00Z, or null to remove it."}}
		return nil, e
	}
	*ms = millis(&t)
	return ms, nil
}

// nameRequest gives a patch the name by which a retry of it is known. With an
// Idempotency-Key that is the key and what is asked: the same key with another
// patch must not be taken for a retry, or it would be dropped in silence.
func (h *Handler) nameRequest(c *poll.Patch, key string) error {
	if key == "" {
		_, err := io.ReadFull(h.rand, c.Request[:])
		return err
	}
	b := append([]byte(key), 0)
	b = binary.BigEndian.AppendUint32(b, c.IfRevision)
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
	copy(c.Request[:], sum[:])
	return nil
}
