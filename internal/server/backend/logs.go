package backend

import (
	"context"

	"voted/internal/cluster"
	"voted/internal/poll"
	"voted/internal/prover"
)

// Logs is a cluster node as its prover sees it.
type Logs struct{ Node *cluster.Node }

var (
	_ prover.State   = Logs{}
	_ prover.Cluster = Logs{}
)

// Changes implements prover.State.
func (l Logs) Changes(limit int) (boxes []prover.Box, more bool) {
	c := l.Node.Changes(limit)
	for i := range c.Polls {
		boxes = append(boxes, box(&c.Polls[i], c.Lineage, 0))
	}
	return boxes, c.More
}

// Box implements prover.State.
func (l Logs) Box(id string) (b prover.Box, ok bool) {
	c, lineage, state, ok := l.Node.Log(id)
	if !ok {
		return b, false
	}
	return box(&c, lineage, state), true
}

func box(c *poll.Capture, lineage string, state uint64) prover.Box {
	return prover.Box{
		Poll: c.Rules().ID, Lineage: lineage, State: state, Size: c.LogSize(),
		Closed: c.Closed(), Deleted: c.Deleted(), Hidden: c.Hidden(), Leaves: c.Leaves,
	}
}

// Doubt implements prover.State.
func (l Logs) Doubt() error { return l.Node.Doubt() }

// Members implements prover.Cluster.
func (l Logs) Members() (all []prover.Member) {
	for _, m := range l.Node.Members() {
		all = append(all, prover.Member{ID: m.ID, Votes: m.Votes})
	}
	return all
}

// Leads implements prover.Cluster.
func (l Logs) Leads() bool { return l.Node.Leads() }

// Ask implements prover.Cluster.
func (l Logs) Ask(ctx context.Context, member string, body []byte) ([]byte, error) {
	return l.Node.Ask(ctx, member, prover.Method, body)
}
