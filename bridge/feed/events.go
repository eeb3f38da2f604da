package feed

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"time"

	"voted/client"
	"voted/internal/usage"
)

// Cluster is what is asked of a cluster. A *client.Client is one.
type Cluster interface {
	Cluster(ctx context.Context) (client.ClusterStatus, error)
	EventPage(ctx context.Context, q client.EventsQuery) (client.EventPage, error)
	BallotsAfter(ctx context.Context, poll string, after uint64) iter.Seq2[client.ExportedBallot, error]
}

// pageSize is how many events are asked for at a time: as many as a node sends.
const pageSize = 1000

// TypeMissed is the type of a message that says which events are no longer kept.
const TypeMissed = "events.missed"

// Events is the journal of a cluster, all types of events, so that numbers have no gap.
type Events struct {
	cluster Cluster
	id      string
}

// NewEvents returns the journal of the cluster with an id.
func NewEvents(c Cluster, id string) *Events { return &Events{c, id} }

func (e *Events) eventID(number uint64) string {
	return "evt_" + e.id + "_" + strconv.FormatUint(number, 10)
}

// After yields a page of events.
func (e *Events) After(ctx context.Context, last Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		after := last.Number
		page, err := e.cluster.EventPage(ctx, client.EventsQuery{
			After: e.eventID(after), Types: []string{"*", "ballots.counted"}, Limit: pageSize, Follow: true,
		})
		for _, event := range page.Events {
			m := Message{
				Number: event.Number, ID: event.ID, Type: event.Type, Body: event.Raw,
				Left: max(page.Newest, event.Number) - event.Number,
			}
			if !yield(m, nil) {
				return
			}
		}
		var gone *client.Error
		switch {
		case errors.As(err, &gone) && gone.Code == client.CodeEventsGone:
			yield(e.gone(ctx, after, gone))
		case err != nil:
			yield(Message{}, err)
		}
	}
}

// Newest returns the number of the newest event.
func (e *Events) Newest(ctx context.Context) (uint64, bool) {
	page, err := e.cluster.EventPage(ctx, client.EventsQuery{After: "newest"})
	return page.Newest, err == nil && page.ClusterID == e.id
}

// gone says what became of the events after a number.
func (e *Events) gone(ctx context.Context, after uint64, gone *client.Error) (Message, error) {
	status, err := e.cluster.Cluster(ctx)
	switch {
	case err != nil:
		return Message{}, err
	case status.ClusterID != e.id:
		return Message{}, usage.Errorf("the nodes are of cluster %s now, and this feed began with cluster %s. "+
			"Start it again: events of the new cluster go into a stream of their own", status.ClusterID, e.id)
	case after > gone.Newest:
		return Message{}, usage.Errorf("there is no event %d in this cluster, which has only %d now. If the number is from --after, it is "+
			"too high. If the stream ends with it, the cluster was set back to an earlier state, and will give the same numbers to "+
			"other events: tell whoever reads the stream, and then purge it or make a new one, which the feed begins with the oldest "+
			"event that is kept", after, gone.Newest)
	case after+1 >= gone.Oldest:
		return Message{}, gone // what was pruned meanwhile is seen the next time
	}
	return e.missed(after+1, gone.Oldest-1, gone.Newest)
}

// missed makes the message that stands in the place of events that are no longer kept, as
// webhooks have it. Its number is that of the last one, so that readers and feeds go on behind it.
func (e *Events) missed(from, to, newest uint64) (Message, error) {
	last := strconv.FormatUint(to, 10)
	id := "missed_" + e.id + "_" + last
	body, err := json.Marshal(struct {
		Version  string            `json:"specversion"`
		ID       string            `json:"id"`
		Source   string            `json:"source"`
		Type     string            `json:"type"`
		Time     time.Time         `json:"time"`
		Sequence string            `json:"sequence"`
		Data     map[string]string `json:"data"`
	}{
		"1.0", id, "/voted/" + e.id, TypeMissed, time.Now().UTC().Truncate(time.Millisecond),
		last,
		map[string]string{"from": strconv.FormatUint(from, 10), "to": last},
	})
	return Message{Number: to, ID: id, Type: TypeMissed, Body: body, Left: newest - to}, err
}
