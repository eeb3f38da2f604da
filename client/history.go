package client

import (
	"context"
	"net/http"
	"time"
)

// History is what one node did and saw lately. It is in the node's memory: a restart begins
// again.
type History struct {
	Node          string    `json:"node"`
	Now           time.Time `json:"now"` // by its clock, as all times in it
	SampleSeconds float64   `json:"sample_seconds"`
	Samples       []Sample  `json:"samples"` // the oldest first, of a quarter of an hour at most
	Events        []Event   `json:"events"`  // the oldest first, a thousand at most
	Meta          Meta      `json:"-"`
}

// Sample is what a node did in the second before At.
type Sample struct {
	At       time.Time `json:"at"`
	Counted  uint64    `json:"counted"` // ballots that it answered, by outcome
	Replaced uint64    `json:"replaced"`
	Replayed uint64    `json:"replayed"`
	Refused  uint64    `json:"refused"`
	Index    uint64    `json:"index"`            // log index that it had applied
	Cast     *Times    `json:"cast,omitempty"`   // of single ballots; nil: there was none
	Commit   *Times    `json:"commit,omitempty"` // of entries that it proposed as the leader
	Sync     *Times    `json:"sync,omitempty"`   // of appends to its log
	Clients  uint64    `json:"clients"`
	Streams  uint64    `json:"streams"`
}

// Times are quantiles in milliseconds.
type Times struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// Event is something that happened to the cluster, as one node saw it.
type Event struct {
	Seq    uint64    `json:"seq"` // counts the events of this node since its start
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Member string    `json:"member,omitempty"`
	Term   uint64    `json:"term,omitempty"`
	TookMS float64   `json:"took_ms,omitempty"` // what took so long says Text
	Text   string    `json:"text"`
}

// HistoryAt returns what the node at an endpoint did and saw after an instant, all that it
// has if that is zero. The endpoint is asked once, and may be one that New was not given.
func (c *Client) HistoryAt(ctx context.Context, node string, since time.Time) (History, error) {
	ep, err := c.nodes.named(node)
	if err != nil {
		return History{}, err
	}
	var h History
	k := call{method: http.MethodGet, path: "/v1/cluster/history", into: jsonInto{&h}, pinned: ep}
	if !since.IsZero() {
		k.query = "since=" + string(appendEscaped(nil, since.UTC().Format(time.RFC3339Nano)))
	}
	meta, err := c.do(ctx, &k)
	h.Meta = meta
	return h, err
}
