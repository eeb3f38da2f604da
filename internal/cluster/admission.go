package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/peer"
)

// guarded is a network whose connections have names, as certificates give them.
type guarded interface {
	// Guard sets who is let in; the open calls are for everybody with a certificate.
	Guard(g peer.Gate, open ...string)
	// Recheck closes the connections of who is not let in any more.
	Recheck(ctx context.Context)
	// Named reports whether connections have names at all.
	Named() bool
}

// The limits of admission.
const (
	// vouchFor is how long an answer of the others about a member is kept.
	vouchFor = time.Second
	// maxVouched bounds what is kept; ids come from certificates of the CA.
	maxVouched = 256
)

// admission decides which members may talk to this one: those of the newest
// membership that it knows, before it has one those that it is to found a cluster
// with, and those that another member vouches for who knows more.
//
// The last is what a member needs that was away for a while: the leader may have
// joined meanwhile, and only the leader can tell it so.
type admission struct {
	node *Node

	mu      sync.Mutex
	vouched map[string]vouching // guarded by mu
}

type vouching struct {
	until time.Time
	ok    bool
}

// roster is what one member knows of the membership.
type roster struct {
	Index   uint64   `json:"index"` // log index up to which the membership is known for certain
	Members []Server `json:"members"`
}

// admit wires admission to a network that knows names.
func (n *Node) admit() {
	if g, ok := n.opts.Network.(guarded); ok && g.Named() {
		n.admission = &admission{node: n, vouched: map[string]vouching{}}
		g.Guard(n.admission, callJoin, callMembers)
	}
}

// roster returns what this member knows. Its index is that of the last entry in
// the log: raft follows a change of membership as soon as it is there.
func (n *Node) roster() roster {
	if !n.isStarted() {
		return roster{Members: n.opts.Cluster}
	}
	return rosterOf(n.raft.LastIndex(), n.configuration())
}

func rosterOf(index uint64, c raft.Configuration) roster {
	r := roster{Index: index}
	for _, s := range c.Servers {
		r.Members = append(r.Members, Server{string(s.ID), string(s.Address)})
	}
	return r
}

func (r roster) has(id string) bool {
	return slices.ContainsFunc(r.Members, func(s Server) bool { return s.ID == id })
}

// answerMembers tells a member what this one knows for certain: the membership as it was
// decided. What stands in the log alone may yet be undone, and a member must neither stop
// nor be let in for that.
func (n *Node) answerMembers() ([]byte, error) {
	if !n.isStarted() {
		return json.Marshal(roster{})
	}
	index := n.fsm.Index() // before the membership is read, so that this is at least as new
	var r roster
	if known := n.decided.Load(); known != nil {
		r = *known
		r.Index = max(r.Index, index)
	}
	return json.Marshal(r)
}

// Admits implements peer.Gate.
func (a *admission) Admits(ctx context.Context, id string) bool {
	n := a.node
	if id == n.opts.ID {
		return true
	}
	known := n.roster()
	if known.has(id) {
		return true
	}
	now := time.Now()
	a.mu.Lock()
	v, asked := a.vouched[id]
	a.mu.Unlock()
	if asked && now.Before(v.until) {
		return v.ok
	}
	ok := a.ask(ctx, id, known)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.vouched) >= maxVouched {
		clear(a.vouched)
	}
	a.vouched[id] = vouching{now.Add(vouchFor), ok}
	return ok
}

// ask asks all members that are known here whether they know id to be a member.
// Only who has applied more than is in this member's log knows more.
func (a *admission) ask(ctx context.Context, id string, known roster) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	n := a.node
	addresses := slices.Clone(n.opts.Join)
	for _, s := range known.Members {
		if s.ID != n.opts.ID {
			addresses = append(addresses, s.Peer)
		}
	}
	answers := make(chan bool, len(addresses))
	for _, addr := range addresses {
		go func() { // ends with its call
			r, err := n.askMembers(ctx, addr)
			answers <- err == nil && r.Index > known.Index && r.has(id)
		}()
	}
	for range addresses {
		if <-answers {
			return true
		}
	}
	return false
}

func (n *Node) askMembers(ctx context.Context, addr string) (r roster, err error) {
	body, err := n.opts.Network.Call(ctx, addr, callMembers, nil)
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	return r, err
}

// MemberAt implements peer.Gate.
func (a *admission) MemberAt(addr string) string {
	for _, s := range a.node.roster().Members {
		if s.Peer == addr {
			return s.ID
		}
	}
	return ""
}

// mayJoin refuses a join by somebody else than the member that joins, and one of a
// member that was not let in before and shows no join token. A token goes no further
// than here: the leader, which decides about it, gets its hash.
func (n *Node) mayJoin(ctx context.Context, c *change) error {
	caller := peer.Caller(ctx)
	token := c.Token
	c.Token, c.TokenHash = "", nil
	if caller == "" {
		if token != "" {
			return errNoNames
		}
		return nil // no TLS: nobody has a name
	}
	if c.ID != caller {
		return fmt.Errorf("the certificate is for member %s, and it asks to let %s in", caller, c.ID)
	}
	if token != "" {
		hash := hashOf(token[:min(len(token), maxTokenLen)])
		c.TokenHash = hash[:]
		return nil
	}
	if !n.admission.Admits(ctx, c.ID) {
		return fmt.Errorf("member %s was not let in yet; do that with `voted cluster add %s %s`, or give it a join token (`voted cluster token %s`)", c.ID, c.ID, c.Peer, c.ID)
	}
	return nil
}
