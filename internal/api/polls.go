package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"voted/internal/poll"
)

// info reads what a poll shows of itself, and the log index of that.
func (h *Handler) info(id string) (info poll.Info, index uint64, err error) {
	var refusal *poll.Error
	h.cluster.Read(func(s *poll.State) {
		info, refusal = s.Info(id)
		index = s.Index()
	})
	if refusal != nil {
		return info, index, refusal
	}
	return info, index, nil
}

// sendPoll renders a poll as this node has it now.
func (h *Handler) sendPoll(w *response, id string, status int) error {
	info, index, err := h.info(id)
	w.saw(index)
	if err != nil {
		return err
	}
	body, err := json.Marshal(pollOf(info))
	if err != nil {
		return err
	}
	w.tag(info.Revision)
	w.send(status, typeJSON, append(body, '\n'))
	return nil
}

// getPoll serves GET of a poll.
func (h *Handler) getPoll(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	return h.sendPoll(w, id, http.StatusOK)
}

// execute carries out a command and turns its refusal into an error.
func (h *Handler) execute(ctx context.Context, w *response, c poll.Command) (poll.Result, error) {
	result, err := h.cluster.Execute(ctx, c)
	if err != nil {
		return result, inTime(err, poll.CodeOutcomeUnknown)
	}
	w.saw(result.Index)
	if result.Err != nil {
		return result, result.Err
	}
	return result, nil
}

// closePoll serves POST …/close.
func (h *Handler) closePoll(w *response, r *http.Request) error {
	return h.onPoll(w, r, func(ctx context.Context, id string) error {
		if _, err := h.execute(ctx, w, poll.Close{Poll: id}); err != nil {
			return err
		}
		return h.sendPoll(w, id, http.StatusOK)
	})
}

// deletePoll serves DELETE of a poll.
func (h *Handler) deletePoll(w *response, r *http.Request) error {
	return h.onPoll(w, r, func(ctx context.Context, id string) error {
		if _, err := h.execute(ctx, w, poll.Delete{Poll: id}); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// onPoll decodes a request that names a poll and brings nothing else.
func (h *Handler) onPoll(w *response, r *http.Request, do func(ctx context.Context, id string) error) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	return do(ctx, id)
}

// pageJSON is one page of the list of polls.
type pageJSON struct {
	Polls []pollJSON `json:"polls"`
	Next  string     `json:"next_page_token,omitempty"`
}

// listPolls serves the list of polls, in the order of their creation.
func (h *Handler) listPolls(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	q, err := readPageQuery(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	page := pageJSON{Polls: []pollJSON{}}
	start, more := q.start, true
	for more && len(page.Polls) < q.size && ctx.Err() == nil {
		var found []poll.Info
		h.cluster.Read(func(s *poll.State) {
			// One call looks at a bounded number of polls: writers get their turn between.
			found, start = s.List(start, q.size-len(page.Polls), q.matches)
			w.index = s.Index()
		})
		for _, info := range found {
			page.Polls = append(page.Polls, pollOf(info))
		}
		more = start != 0
	}
	if more {
		page.Next = q.token(start)
	}
	body, err := json.Marshal(page)
	if err != nil {
		return err
	}
	w.send(http.StatusOK, typeJSON, append(body, '\n'))
	return nil
}

// pageQuery says which polls are listed.
type pageQuery struct {
	state string // "": all
	size  int
	start uint32 // number of the first poll to look at
}

func (q pageQuery) matches(i poll.Info) bool { return q.state == "" || q.state == i.Phase.String() }

func readPageQuery(v url.Values) (pageQuery, error) {
	q := pageQuery{state: v.Get("state"), size: defaultPageSize}
	switch q.state {
	case "", poll.Scheduled.String(), poll.Opened.String(), poll.Closed.String():
	default:
		return q, malformed("state must be scheduled, open or closed.")
	}
	if v.Has("page_size") {
		n, err := strconv.Atoi(v.Get("page_size"))
		if err != nil || n < 1 || n > maxPageSize {
			return q, malformed("page_size must be a whole number from 1 to %d.", maxPageSize)
		}
		q.size = n
	}
	if v.Has("page_token") {
		start, ok := q.readToken(v.Get("page_token"))
		if !ok {
			return q, malformed("page_token must be the next_page_token of a page that was asked for with the same state.")
		}
		q.start = start
	}
	return q, nil
}

// token names where the next page begins. It is bound to the filter: under
// another one it would skip polls unseen.
func (q pageQuery) token(start uint32) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, start), q.state...))
}

func (q pageQuery) readToken(token string) (start uint32, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 4 || string(b[4:]) != q.state {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
