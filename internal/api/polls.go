package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// info reads a poll's Info, and the log index that it reflects.
func (h *Handler) info(id string) (info poll.Info, index uint64, err error) {
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		info, refused = s.Info(id)
		index = s.Index()
	})
	if refused != nil {
		return info, index, refused
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
	stale, err := wantsStale(r)
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.upToDate(ctx, w, stale); err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore // the tag is of the definition, and ballots do not change it
	return h.sendPoll(w, id, http.StatusOK)
}

// execute carries out a command and turns its refusal into an error.
func (h *Handler) execute(ctx context.Context, w *response, c poll.Command) (poll.Result, error) {
	result, err := h.cluster.Execute(ctx, c)
	if err != nil {
		return result, inTime(err, refusal.OutcomeUnknown)
	}
	w.saw(result.Index)
	if result.Err != nil {
		return result, result.Err
	}
	return result, nil
}

// closePoll serves POST …/close.
func (h *Handler) closePoll(w *response, r *http.Request) error {
	return h.changePoll(w, r, func(ctx context.Context, id string, revision uint32) error {
		if _, err := h.execute(ctx, w, poll.Close{Poll: id, IfRevision: revision}); err != nil {
			return err
		}
		return h.sendPoll(w, id, http.StatusOK)
	})
}

// deletePoll serves DELETE of a poll.
func (h *Handler) deletePoll(w *response, r *http.Request) error {
	return h.changePoll(w, r, func(ctx context.Context, id string, revision uint32) error {
		if _, err := h.execute(ctx, w, poll.Delete{Poll: id, IfRevision: revision}); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// changePoll is onPoll for a change that may be meant for one revision only.
func (h *Handler) changePoll(w *response, r *http.Request, do func(ctx context.Context, id string, revision uint32) error) error {
	revision, err := ifMatch(r.Header["If-Match"])
	if err != nil {
		return err
	}
	return h.onPoll(w, r, func(ctx context.Context, id string) error { return do(ctx, id, revision) })
}

// onPoll decodes a request that names a poll and has no body.
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
	Polls []jsontext.Value `json:"polls"`
	Next  string           `json:"next_page_token,omitempty"`
}

// listPolls serves the list of polls, in the order of their creation.
func (h *Handler) listPolls(w *response, r *http.Request) error {
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	q, err := readPageQuery(r.URL.Query(), h.cluster.ClusterID())
	if err != nil {
		return err
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return err
	}
	page, err := h.page(ctx, w, q)
	if err != nil {
		return err
	}
	body, err := json.Marshal(page)
	if err != nil {
		return err
	}
	w.send(http.StatusOK, typeJSON, append(body, '\n'))
	return nil
}

// page collects polls until the page has the number that was asked for, or maxPageBytes;
// one poll always fits.
func (h *Handler) page(ctx context.Context, w *response, q pageQuery) (pageJSON, error) {
	page := pageJSON{Polls: []jsontext.Value{}}
	bytes, start, more := 0, q.start, true
	for more && len(page.Polls) < q.size && ctx.Err() == nil {
		var found []poll.Info
		h.cluster.Read(func(s *poll.State) {
			// One call looks at a bounded number of polls: writers get their turn between.
			found, start = s.List(start, q.size-len(page.Polls), q.matches)
			w.index = s.Index()
		})
		for _, info := range found {
			text, err := json.Marshal(pollOf(info))
			if err != nil {
				return page, err
			}
			if bytes += len(text); bytes > maxPageBytes && len(page.Polls) > 0 {
				page.Next = q.token(info.Number)
				return page, nil
			}
			page.Polls = append(page.Polls, text)
		}
		more = start != 0
	}
	if more {
		page.Next = q.token(start)
	}
	return page, nil
}

// pageQuery selects the polls that are listed.
type pageQuery struct {
	state string // "": all
	life  string // of the cluster: another one numbers its polls differently
	size  int
	start uint32 // number of the first poll to look at
}

func (q pageQuery) matches(i poll.Info) bool { return q.state == "" || q.state == i.Phase.String() }

func readPageQuery(v url.Values, life string) (pageQuery, error) {
	q := pageQuery{state: v.Get("state"), life: life, size: defaultPageSize}
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
			return q, malformed("page_token must be the next_page_token of a page of this cluster that was asked for with the same state.")
		}
		q.start = start
	}
	return q, nil
}

// token names where the next page begins. It is bound to the filter and to the cluster:
// with another filter or cluster the client would miss polls.
func (q pageQuery) token(start uint32) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, start), q.filter()...))
}

// filter is what a token is bound to.
func (q pageQuery) filter() string { return q.state + "-" + q.life }

func (q pageQuery) readToken(token string) (start uint32, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 4 || string(b[4:]) != q.filter() {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
