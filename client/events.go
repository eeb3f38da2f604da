package client

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EventsQuery selects events.
type EventsQuery struct {
	// After is the ID of the last event that was seen: begin after it. "newest" is what
	// comes from now on. Empty: the oldest event that is kept.
	After string
	// Types are the types to send, such as "poll.closed" or "poll.*". None: all but
	// "ballots.counted".
	Types []string
	// Polls are up to 16 ids of polls, or beginnings of ids followed by "*". None: all polls.
	Polls []string
	// Limit bounds how many a node sends at a time, 1 to 1,000; 0: the service's default.
	Limit int
	// Follow waits for further events instead of ending after the newest one.
	Follow bool
}

// JournalEvent is one thing that happened.
type JournalEvent struct {
	// ID names the event forever. It is what EventsQuery.After takes.
	ID   string
	Type string // such as "poll.closed"
	Poll string // id of the poll, "" if the event is about all
	// Number is 1, 2, 3 … without a gap in one cluster.
	Number uint64
	Index  uint64 // log index of the entry that made it
	Time   time.Time
	// Data is what the event says, a JSON object; the schema JournalEvent has its fields.
	Data json.RawMessage
	// Raw is the whole event as it came, a CloudEvent 1.0.
	Raw  json.RawMessage
	Meta Meta
}

// cluster returns the id of the cluster whose event it is, which a recovery changes: the middle of
// an id such as evt_k2j4mq7xw3ab5cde_42 or missed_k2j4mq7xw3ab5cde_42; "" for any other id.
func (e *JournalEvent) cluster() string {
	begin, end := strings.IndexByte(e.ID, '_'), strings.LastIndexByte(e.ID, '_')
	if begin == end {
		return ""
	}
	return e.ID[begin+1 : end]
}

// cloudEvent is an event in the JSON of CloudEvents.
type cloudEvent struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Subject  string          `json:"subject"`
	Time     time.Time       `json:"time"`
	Sequence string          `json:"sequence"`
	Index    string          `json:"index"`
	Data     json.RawMessage `json:"data"`
}

// event returns what was read from data.
func (in *cloudEvent) event(data []byte) (e JournalEvent, err error) {
	number, err := in.number(in.Sequence)
	if err != nil {
		return e, err
	}
	index, err := in.number(in.Index)
	return JournalEvent{
		ID: in.ID, Type: in.Type, Poll: strings.TrimPrefix(in.Subject, "polls/"), Number: number, Index: index,
		Time: in.Time, Data: in.Data, Raw: bytes.Clone(data),
	}, err
}

// number reads a number, which events that are in no journal do not have.
func (in *cloudEvent) number(text string) (uint64, error) {
	if text == "" && !strings.HasPrefix(in.ID, "evt_") {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// UnmarshalJSON reads a CloudEvent.
func (e *JournalEvent) UnmarshalJSON(data []byte) (err error) {
	var in cloudEvent
	if err := decodeJSON(data, &in); err != nil {
		return err
	}
	*e, err = in.event(data)
	return err
}

// eventWait is how long a node is asked to hold a request for events; each try must end
// before its time is up.
const eventWait = 5 * time.Second

// EventPage is a part of the journal, as of one log index.
type EventPage struct {
	ClusterID string
	// Oldest and Newest are the numbers of the events that are kept.
	Oldest, Newest uint64
	// Next is where to go on: every event up to it was looked at.
	Next   uint64
	Events []JournalEvent
	Meta   Meta
}

// After is what EventsQuery.After takes to go on after the page.
func (p *EventPage) After() string {
	return "evt_" + p.ClusterID + "_" + strconv.FormatUint(p.Next, 10)
}

// EventPage returns what comes after q.After, as much as a node sends at a time. With Follow
// it waits for a few seconds while there is nothing; the page may then still be empty. An
// *UnreadableError comes with the events before the one that cannot be read.
func (c *Client) EventPage(ctx context.Context, q EventsQuery) (EventPage, error) {
	var in struct {
		Cluster string            `json:"cluster_id"`
		Oldest  uint64            `json:"oldest"`
		Newest  uint64            `json:"newest"`
		Next    uint64            `json:"next"`
		Events  []json.RawMessage `json:"events"`
	}
	k := call{method: http.MethodGet, path: "/v1/events", batch: true, query: q.encode(c.eventWait()), into: jsonInto{&in}}
	meta, err := c.do(ctx, &k)
	page := EventPage{ClusterID: in.Cluster, Oldest: in.Oldest, Newest: in.Newest, Next: in.Next, Meta: meta}
	for _, raw := range in.Events {
		var e JournalEvent
		if err := e.UnmarshalJSON(raw); err != nil {
			return page, &UnreadableError{Endpoint: meta.Endpoint, Status: meta.Status, Cause: err}
		}
		e.Meta = meta
		page.Events = append(page.Events, e)
	}
	return page, err
}

// Events iterates over what happened, in order, each event once, also while leaders change
// and nodes go away: every page begins after the event before it. It ends after the newest
// event, or with Follow when ctx ends. An error ends it; CodeEventsGone says that events
// were missed: read the polls as they stand, and begin with an empty After.
func (c *Client) Events(ctx context.Context, q EventsQuery) iter.Seq2[JournalEvent, error] {
	return func(yield func(JournalEvent, error) bool) {
		for {
			page, err := c.EventPage(ctx, q)
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				if !q.Follow || ctx.Err() == nil {
					yield(JournalEvent{}, err)
				}
				return
			}
			if !q.Follow && page.Next >= page.Newest {
				return
			}
			q.After = page.After()
		}
	}
}

// eventWait is how many seconds a node holds a request.
func (c *Client) eventWait() int {
	return max(1, int(min(eventWait, c.attemptTimeout/2)/time.Second))
}

func (q EventsQuery) encode(wait int) string {
	v := url.Values{}
	if q.After != "" {
		v.Set("after", q.After)
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if len(q.Types) > 0 {
		v.Set("types", strings.Join(q.Types, ","))
	}
	if len(q.Polls) > 0 {
		v.Set("poll", strings.Join(q.Polls, ","))
	}
	if q.Follow {
		v.Set("wait", strconv.Itoa(wait))
	}
	return v.Encode()
}

// BallotsAfter iterates over the records of a poll's box after one of them, in its order,
// as of one log index: those too that later ones replace. 0 begins; go on after the Number
// of the last one. Only polls that disclose their ballots have them; of a replaced record in
// a secret poll the number is all there is (Replaced). An error ends it.
func (c *Client) BallotsAfter(ctx context.Context, poll string, after uint64) iter.Seq2[ExportedBallot, error] {
	return c.exported(ctx, poll, "/ballots", "after="+strconv.FormatUint(after, 10), true)
}
