package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"
)

// jsonInto decodes a body into what v points to.
type jsonInto struct{ v any }

func (j jsonInto) decode(body []byte) error { return decodeJSON(body, j.v) }

// rawInto decodes a body into what v points to, and keeps the answer as it came.
type rawInto struct {
	v   any
	raw *json.RawMessage
}

func (r rawInto) decode(body []byte) error {
	if err := decodeJSON(body, r.v); err != nil {
		return err
	}
	*r.raw = bytes.Clone(bytes.TrimSpace(body))
	return nil
}

// withBody gives a call a JSON body and the header fields for it.
func (c *Client) withBody(ctx context.Context, k *call, mediaType string, v any) error {
	if err := checkText(v); err != nil {
		return err
	}
	body, err := json.Marshal(v)
	if err != nil {
		return refused(CodeMalformedRequest, "the request cannot be written as JSON: %v", err)
	}
	k.body = body
	c.headed(ctx, k, mediaType)
	return nil
}

// headed makes the header of a call, to which the caller may add fields.
func (c *Client) headed(ctx context.Context, k *call, mediaType string) {
	k.header = c.header(c.preferenceOf(k, c.callDeadline(ctx)), "application/json", mediaType)
	c.authorize(k.header)
}

// doPoll sends a call that answers with a poll.
func (c *Client) doPoll(ctx context.Context, k *call) (Poll, error) {
	var into pollInto
	k.into = &into
	meta, err := c.do(ctx, k)
	into.Meta = meta
	return into.Poll, err
}

// CreatePoll creates a poll with the id in its definition. The same definition again
// returns the existing poll; another one is refused with CodePollExists.
func (c *Client) CreatePoll(ctx context.Context, d Definition) (Poll, error) {
	k := call{method: http.MethodPut, write: true}
	if err := k.route("/v1/polls/", d.ID); err != nil {
		return Poll{}, err
	}
	if err := c.withBody(ctx, &k, "application/json", d); err != nil {
		return Poll{}, err
	}
	return c.doPoll(ctx, &k)
}

// CreatePollWithKey creates a poll with an id that the service makes. The same key and
// definition again return the same poll (Meta.Replayed). An empty key is replaced by a
// random one, which makes this call's own retries safe.
func (c *Client) CreatePollWithKey(ctx context.Context, key string, d Definition) (Poll, error) {
	if key == "" {
		key = rand.Text()
	}
	if !utf8.ValidString(key) {
		return Poll{}, refused(CodeMalformedRequest, "the key %q is not UTF-8; write it in UTF-8", key)
	}
	k := call{method: http.MethodPost, path: "/v1/polls", write: true}
	if err := c.withBody(ctx, &k, "application/json", d); err != nil {
		return Poll{}, err
	}
	k.header["Idempotency-Key"] = []string{string(appendString(nil, key))}
	return c.doPoll(ctx, &k)
}

// Poll returns a poll.
func (c *Client) Poll(ctx context.Context, id string) (Poll, error) {
	k := call{method: http.MethodGet}
	if err := k.route("/v1/polls/", id); err != nil {
		return Poll{}, err
	}
	return c.doPoll(ctx, &k)
}

// PollsQuery selects polls.
type PollsQuery struct {
	State    State // empty: all
	PageSize int   // polls fetched at a time; 0: the service's choice
}

// Polls iterates over the polls, fetching a page at a time. A poll that this client
// cannot read comes with its Raw and an *UnreadableError, and the iteration continues.
// Any other error ends it.
func (c *Client) Polls(ctx context.Context, q PollsQuery) iter.Seq2[Poll, error] {
	return func(yield func(Poll, error) bool) {
		for token := ""; ; {
			var page struct {
				Polls []json.RawMessage `json:"polls"`
				Next  string            `json:"next_page_token"`
			}
			k := call{method: http.MethodGet, path: "/v1/polls", query: q.encode(token), into: jsonInto{&page}}
			meta, err := c.do(ctx, &k)
			if err != nil {
				yield(Poll{}, err)
				return
			}
			for _, raw := range page.Polls {
				var one pollInto
				err := one.decode(raw)
				if err != nil {
					err = &UnreadableError{Endpoint: meta.Endpoint, Status: meta.Status, Cause: err}
					one.Poll = Poll{Raw: raw}
				}
				one.Meta = meta
				if !yield(one.Poll, err) {
					return
				}
			}
			if token = page.Next; token == "" {
				return
			}
		}
	}
}

func (q PollsQuery) encode(token string) string {
	v := url.Values{}
	if q.State != "" {
		v.Set("state", string(q.State))
	}
	if q.PageSize > 0 {
		v.Set("page_size", strconv.Itoa(q.PageSize))
	}
	if token != "" {
		v.Set("page_token", token)
	}
	return v.Encode()
}

// PatchPoll changes the title or the times of a poll that is not closed. A retry of the
// call never undoes later changes: its answer is the poll as it is now (Meta.Replayed).
func (c *Client) PatchPoll(ctx context.Context, id string, p Patch) (Poll, error) {
	k := call{method: http.MethodPatch, write: true}
	if err := k.route("/v1/polls/", id); err != nil {
		return Poll{}, err
	}
	if err := c.withBody(ctx, &k, "application/merge-patch+json", p); err != nil {
		return Poll{}, err
	}
	key := p.Key
	if key == "" {
		key = rand.Text()
	}
	k.header["Idempotency-Key"] = []string{string(appendString(nil, key))}
	if p.IfRevision > 0 {
		k.header["If-Match"] = []string{quotedNumber(p.IfRevision)}
	}
	return c.doPoll(ctx, &k)
}

// ClosePoll closes a poll now. Closing it again changes nothing.
func (c *Client) ClosePoll(ctx context.Context, id string) (Poll, error) {
	k := call{method: http.MethodPost, write: true}
	if err := k.route("/v1/polls/", id, "/close"); err != nil {
		return Poll{}, err
	}
	return c.doPoll(ctx, &k)
}

// DrawLot enters the lot of a closed poll, once. The same lot again changes nothing;
// another one is refused with CodeLotDrawn.
func (c *Client) DrawLot(ctx context.Context, id string, lot Lot) (Poll, error) {
	k := call{method: http.MethodPut, write: true}
	if err := k.route("/v1/polls/", id, "/lot"); err != nil {
		return Poll{}, err
	}
	if err := c.withBody(ctx, &k, "application/json", lot); err != nil {
		return Poll{}, err
	}
	return c.doPoll(ctx, &k)
}

// DeletePoll drops the ballots of a closed poll. Its id is never used again.
func (c *Client) DeletePoll(ctx context.Context, id string) error {
	k := call{method: http.MethodDelete, write: true}
	if err := k.route("/v1/polls/", id); err != nil {
		return err
	}
	_, err := c.do(ctx, &k)
	return err
}
