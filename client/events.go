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
	// Polls are ids of polls, or beginnings of ids followed by "*". None: all polls.
	Polls []string
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

// UnmarshalJSON reads a CloudEvent.
func (e *JournalEvent) UnmarshalJSON(data []byte) error {
	var in struct {
		ID       string          `json:"id"`
		Type     string          `json:"type"`
		Subject  string          `json:"subject"`
		Time     time.Time       `json:"time"`
		Sequence string          `json:"sequence"`
		Index    string          `json:"index"`
		Data     json.RawMessage `json:"data"`
	}
	if err := decodeJSON(data, &in); err != nil {
		return err
	}
	number, err := strconv.ParseUint(in.Sequence, 10, 64)
	if err != nil {
		return err
	}
	index, err := strconv.ParseUint(in.Index, 10, 64)
	*e = JournalEvent{
		ID: in.ID, Type: in.Type, Poll: strings.TrimPrefix(in.Subject, "polls/"), Number: number, Index: index,
		Time: in.Time, Data: in.Data, Raw: bytes.Clone(data),
	}
	return err
}

// eventWait is how long a node is asked to hold a request for events; each try must end
// before its time is up.
const eventWait = 5 * time.Second

// Events iterates over what happened, in order, each event once, also while leaders change
// and nodes go away: every page begins after the event before it. It ends after the newest
// event, or with Follow when ctx ends. An error ends it; CodeEventsGone says that events
// were missed: read the polls as they stand, and begin with an empty After.
func (c *Client) Events(ctx context.Context, q EventsQuery) iter.Seq2[JournalEvent, error] {
	return func(yield func(JournalEvent, error) bool) {
		for after := q.After; ; {
			var page struct {
				Cluster string            `json:"cluster_id"`
				Newest  uint64            `json:"newest"`
				Next    uint64            `json:"next"`
				Events  []json.RawMessage `json:"events"`
			}
			k := call{method: http.MethodGet, path: "/v1/events", batch: true, query: q.encode(after, c.eventWait()), into: jsonInto{&page}}
			meta, err := c.do(ctx, &k)
			if err != nil {
				if !q.Follow || ctx.Err() == nil {
					yield(JournalEvent{}, err)
				}
				return
			}
			for _, raw := range page.Events {
				var e JournalEvent
				err := e.UnmarshalJSON(raw)
				if err != nil {
					e, err = JournalEvent{Raw: raw}, &UnreadableError{Endpoint: meta.Endpoint, Status: meta.Status, Cause: err}
				}
				if e.Meta = meta; !yield(e, err) || err != nil {
					return
				}
			}
			after = "evt_" + page.Cluster + "_" + strconv.FormatUint(page.Next, 10)
			if !q.Follow && page.Next >= page.Newest {
				return
			}
		}
	}
}

// eventWait is how many seconds a node holds a request.
func (c *Client) eventWait() int {
	return max(1, int(min(eventWait, c.attemptTimeout/2)/time.Second))
}

func (q EventsQuery) encode(after string, wait int) string {
	v := url.Values{}
	if after != "" {
		v.Set("after", after)
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
	return c.exported(ctx, poll, "/ballots", "after="+strconv.FormatUint(after, 10))
}
