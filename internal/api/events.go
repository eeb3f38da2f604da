package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/eventjson"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// eventQuery selects events.
type eventQuery struct {
	after uint64
	any   bool // begin with the oldest event that is kept: after was not given
	only  bool // begin after the newest one
	limit int
	kinds map[poll.EventKind]bool
	polls []string // ids, and beginnings of ids followed by *; nil: all
	wait  time.Duration
}

// matches reports whether events of a kind about a poll are wanted. Events about no poll
// are about all polls.
func (q *eventQuery) matches(kind poll.EventKind, id string) bool {
	return q.kinds[kind] && poll.AmongPolls(q.polls, id)
}

// eventsJSON is a page of events. next is what to go on after: all events up to it were
// looked at.
type eventsJSON struct {
	Cluster string           `json:"cluster_id"`
	Oldest  uint64           `json:"oldest"`
	Newest  uint64           `json:"newest"`
	Next    uint64           `json:"next"`
	Events  []jsontext.Value `json:"events"`
}

// getEvents serves the journal: a page of it, or its stream.
func (h *Handler) getEvents(w *response, r *http.Request) error {
	mediaType, err := negotiate(r, mediaJSON, mediaEvents)
	if err != nil {
		return err
	}
	q, err := h.readEventQuery(r)
	if err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore
	w.Header().Add("Vary", "Accept")
	if mediaType == mediaEvents {
		return h.streamEvents(w, r, q)
	}
	if q.wait > 0 { // a request that is held takes the place of a stream
		if !h.streams.take() {
			return tooManyStreams()
		}
		defer h.streams.give()
	}
	page, err := h.eventPage(w, r, q)
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

func tooManyStreams() error {
	return refusal.New(refusal.TooManyRequests, "This node serves all the streams and waiting requests it can; try another one, or ask again without wait.")
}

// eventPage reads a page after a linearizable read. While there is nothing for it, it waits
// as long as the query says.
func (h *Handler) eventPage(w *response, r *http.Request, q eventQuery) (page eventsJSON, err error) {
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return page, err
	}
	if err := h.beginning(&q); err != nil {
		return page, err
	}
	held, release := context.WithTimeout(&w.ctx, q.wait)
	defer release()
	defer context.AfterFunc(h.draining, release)()
	for {
		found, err := h.readEvents(&q)
		if err != nil {
			return page, err
		}
		if w.index = found.index; len(found.events) > 0 || found.seen == found.newest && !h.awaitEvent(held, w, found.newest) {
			return h.renderPage(w, r, found)
		}
		q.after = found.seen
	}
}

// awaitEvent returns when the journal is beyond an event, and reports whether it is. It
// looks at the pace of streams: not each entry of the log makes an event.
func (h *Handler) awaitEvent(ctx context.Context, w *response, newest uint64) bool {
	pace := time.NewTicker(h.pace)
	defer pace.Stop()
	for ctx.Err() == nil && w.session.still(ctx) == nil {
		var now, index uint64
		h.cluster.Read(func(s *poll.State) {
			_, now = s.EventSpan()
			index = s.Index()
		})
		if now > newest {
			return true
		}
		check, cancel := context.WithTimeout(ctx, sessionCheck)
		_ = h.cluster.Changed(check, index) // either way the journal is looked at again
		cancel()
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
	return false
}

// foundEvents are events as they are in the journal, at one log index.
type foundEvents struct {
	events               []poll.Event
	polls                []eventjson.About // of each event, as it is now
	index                uint64
	oldest, newest, seen uint64
}

// readEvents reads what comes after q.after.
func (h *Handler) readEvents(q *eventQuery) (found foundEvents, err error) {
	ok := false
	h.cluster.Read(func(s *poll.State) {
		found.index = s.Index()
		found.oldest, found.newest = s.EventSpan()
		if found.events, found.seen, ok = s.Events(q.after, q.limit, q.matches); ok {
			found.polls = eventjson.Gather(s, found.events)
		}
	})
	if !ok {
		return found, eventsGone(found.oldest, found.newest)
	}
	return found, nil
}

func eventsGone(oldest, newest uint64) error {
	e := refusal.Of(refusal.EventsGone)
	e.Oldest, e.Newest = oldest, newest
	return e
}

// beginning replaces a beginning that the query leaves to the journal.
func (h *Handler) beginning(q *eventQuery) error {
	var oldest, newest uint64
	h.cluster.Read(func(s *poll.State) { oldest, newest = s.EventSpan() })
	switch {
	case q.any:
		q.after = oldest - 1
	case q.only:
		q.after = newest
	}
	return nil
}

// renderPage renders what was found. What cannot be rendered in time comes with the next
// page.
func (h *Handler) renderPage(w *response, r *http.Request, found foundEvents) (eventsJSON, error) {
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	page := eventsJSON{Cluster: h.cluster.ClusterID(), Oldest: found.oldest, Newest: found.newest, Next: found.seen, Events: []jsontext.Value{}}
	size, render := 0, h.Renderer()
	for i, e := range found.events {
		text, err := render.Event(ctx, e, found.polls[i])
		if err != nil && len(page.Events) == 0 {
			return page, err
		}
		if size += len(text); err != nil || size > maxPageBytes && len(page.Events) > 0 {
			page.Next = e.Number - 1
			return page, nil
		}
		page.Events = append(page.Events, text)
	}
	return page, nil
}

// Renderer renders the events of this cluster.
func (h *Handler) Renderer() eventjson.Renderer {
	return eventjson.Renderer{Cluster: h.cluster.ClusterID(), Results: closedResults{h}}
}

// closedResults are the results that are kept for all who ask.
type closedResults struct{ *Handler }

// Closed implements eventjson.Results.
func (h closedResults) Closed(ctx context.Context, info poll.Info) ([]byte, error) {
	now, err := h.standing(ctx, info, info.ClosedIndex)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(now.appendJSON(nil), []byte("\n")), nil
}

// maxEventWait bounds how long a request waits for an event, in seconds.
const maxEventWait = 60

// readEventQuery reads the query, and for streams the event at which an earlier one ended.
func (h *Handler) readEventQuery(r *http.Request) (q eventQuery, err error) {
	v := r.URL.Query()
	q.limit = defaultPageSize
	if v.Has("limit") {
		if q.limit, err = strconv.Atoi(v.Get("limit")); err != nil || q.limit < 1 || q.limit > maxPageSize {
			return q, malformed("limit must be a whole number from 1 to %d.", maxPageSize)
		}
	}
	if v.Has("wait") {
		n, err := strconv.Atoi(v.Get("wait"))
		if err != nil || n < 0 || n > maxEventWait {
			return q, malformed("wait must be a whole number of seconds from 0 to %d.", maxEventWait)
		}
		q.wait = time.Duration(n) * time.Second
	}
	if q.kinds, err = readKinds(v.Get("types")); err != nil {
		return q, err
	}
	if q.polls, err = readPolls(v); err != nil {
		return q, err
	}
	return q, h.readAfter(&q, v, r.Header.Get("Last-Event-Id"))
}

// readAfter reads where to begin. Last-Event-ID comes first: a stream that is resumed
// repeats its query.
func (h *Handler) readAfter(q *eventQuery, v url.Values, last string) (err error) {
	after := v.Get("after")
	number, ours := uint64(0), true
	switch {
	case last != "":
		number, ours = readMoment(last, h.cluster.ClusterID())
	case after == "":
		q.any = true
	case after == "newest":
		q.only = true
	case strings.HasPrefix(after, "evt_"):
		number, ours = eventjson.ParseID(after, h.cluster.ClusterID())
	default:
		if number, err = strconv.ParseUint(after, 10, 63); err != nil {
			return malformed(`after must be the number or the id of an event, as in "sequence" and "id", or newest.`)
		}
	}
	if q.after = number; !ours { // of another cluster, which numbered other events
		var oldest, newest uint64
		h.cluster.Read(func(s *poll.State) { oldest, newest = s.EventSpan() })
		return eventsGone(oldest, newest)
	}
	return nil
}

// optional are the kinds of which there may be thousands: they come only to those who name
// them.
var optional = []poll.EventKind{poll.BallotsFiled}

// readKinds reads a list of kinds, with * at its end for all that begin so.
func readKinds(list string) (map[poll.EventKind]bool, error) {
	kinds := map[poll.EventKind]bool{}
	if list == "" {
		list = "*"
	}
	for name := range strings.SplitSeq(list, ",") {
		like := kindsLike(name)
		if like == nil {
			e := malformed("There are no events of the type %q.", name)
			e.Fields = []refusal.FieldError{{Field: "types", Detail: "Use some of " + kindNames() + ", or poll.* for all that begin so; separate them with commas."}}
			return nil, e
		}
		for _, k := range like {
			kinds[k] = true
		}
	}
	return kinds, nil
}

// kindsLike returns the kinds that a name stands for, nil if there are none. With * at its end
// it stands for all that begin so; those that are optional it must begin to name.
func kindsLike(name string) (kinds []poll.EventKind) {
	beginning, open := strings.CutSuffix(name, "*")
	for _, k := range poll.EventKinds() {
		named := k.String() == name
		if named || open && strings.HasPrefix(k.String(), beginning) && (beginning != "" || !slices.Contains(optional, k)) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func kindNames() string {
	var names []string
	for _, k := range poll.EventKinds() {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

// readPolls reads a list of ids of polls, with * at the end for all that begin so.
func readPolls(v url.Values) ([]string, error) {
	if !v.Has("poll") {
		return nil, nil
	}
	polls := strings.Split(v.Get("poll"), ",")
	if len(polls) > poll.MaxEndpointPolls { // each is compared with each event, while nothing else can be applied
		return nil, malformed("poll must name at most %d polls, or beginnings of ids followed by *.", poll.MaxEndpointPolls)
	}
	for _, p := range polls {
		if id, open := strings.CutSuffix(p, "*"); !poll.ValidID(id) && (!open || id != "") {
			e := malformed("poll must be the id of a poll, or a beginning of ids followed by *; separate several with commas.")
			return nil, e
		}
	}
	return polls, nil
}
