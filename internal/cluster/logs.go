package cluster

import (
	"context"
	"fmt"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/poll"
	"voted/internal/survey"
)

// What a prover and a deliverer of webhooks need to know of their member: what changed, who the
// others are, and a way to call them. Nothing here waits for them.

// Changes returns captures of up to limit polls whose logs may have grown since it last
// returned them. One caller alone can follow a member; see poll.State.Changes.
func (n *Node) Changes(limit int) poll.Changes { return n.fsm.Changes(limit) }

// Log returns a poll whose log others can check; see fsm.FSM.Log.
func (n *Node) Log(id string) (c poll.Capture, lineage string, state uint64, ok bool) {
	return n.fsm.Log(id)
}

// Members returns the members as they were decided, none before this one has entered its
// cluster.
func (n *Node) Members() []replica.Server {
	if !n.isStarted() {
		return nil
	}
	members, _, _ := n.replica.Decided()
	return members
}

// Leads reports whether this member leads, and has all that was committed before.
func (n *Node) Leads() bool { return n.isStarted() && n.replica.Leads() }

// Clock returns the replicated clock as it would be in a command that this member proposes
// now, in milliseconds since the Unix epoch.
func (n *Node) Clock() int64 { return n.stamp() }

// Reports returns what the other members that answer said last of themselves.
func (n *Node) Reports() (all []survey.Report) {
	look := n.members.LastLook()
	if look == nil {
		return nil
	}
	for i := range *look {
		if m := &(*look)[i]; m.Err == nil && m.ID != n.opts.ID {
			all = append(all, m.Report)
		}
	}
	return all
}

// Ask calls a method of Options.Calls of another member. Errors are those of Network.Call.
func (n *Node) Ask(ctx context.Context, member, method string, body []byte) ([]byte, error) {
	for _, m := range n.Members() {
		if m.ID == member {
			return n.opts.Network.Call(peer.Meaning(ctx, member), n.lookout.WhereIs(survey.Peer{ID: m.ID, Addr: m.Addr}), method, body)
		}
	}
	return nil, fmt.Errorf("%w: %s is no member", peer.ErrNotSent, member)
}
