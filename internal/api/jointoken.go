package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
	"voted/internal/refusal"
)

const (
	// defaultTokenTTL is how long a join token lives if the request does not say: long
	// enough to start a node by hand, and so short that a token forgotten in a file is
	// harmless soon.
	defaultTokenTTL = time.Hour
	// maxTokenSeconds is the longest life that a request may ask for.
	maxTokenSeconds = poll.MaxTokenTTL / 1000
)

type tokenWish struct {
	ID         string `json:"id"`
	TTLSeconds *int64 `json:"ttl_seconds"`
}

func (t tokenWish) ttl() (time.Duration, error) {
	e := malformed("No join token can be made like this.")
	if !poll.ValidID(t.ID) {
		e.Fields = append(e.Fields, refusal.FieldError{Field: "id", Detail: "Use 1 to 64 letters, digits, '.', '_', '~' or '-', beginning with a letter or digit."})
	}
	ttl := defaultTokenTTL
	if t.TTLSeconds != nil {
		if *t.TTLSeconds < 1 || *t.TTLSeconds > maxTokenSeconds {
			e.Fields = append(e.Fields, refusal.FieldError{Field: "ttl_seconds", Detail: fmt.Sprintf("Give 1 to %d seconds.", maxTokenSeconds)})
			return 0, e
		}
		ttl = time.Duration(*t.TTLSeconds) * time.Second
	}
	if e.Fields != nil {
		return 0, e
	}
	return ttl, nil
}

type tokenMade struct {
	ID        string `json:"id"`
	Token     string `json:"token"`
	ExpiresAt string `json:"expires_at"`
}

// newJoinToken serves POST …/tokens: a token with which one member may join once. Only
// this answer has it.
func (h *Handler) newJoinToken(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	var wish tokenWish
	if err := readJSON(w, r, maxMemberBytes, &wish, mediaJSON); err != nil {
		return err
	}
	ttl, err := wish.ttl()
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	token, expires, err := h.cluster.NewJoinToken(ctx, wish.ID, ttl)
	if err != nil {
		return inTime(err, refusal.OutcomeUnknown)
	}
	body, err := json.Marshal(tokenMade{wish.ID, token, expires.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.send(http.StatusCreated, typeJSON, append(body, '\n'))
	return nil
}
