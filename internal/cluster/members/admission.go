package members

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/survey"
)

// guarded is a network under mutual TLS, where the certificate of a connection names the
// member.
type guarded interface {
	// Guard sets which members are admitted; the open calls are for every member with a
	// certificate.
	Guard(g peer.Gate, open ...string)
	// Recheck closes the connections of members that are no longer admitted.
	Recheck(ctx context.Context)
	// Named reports whether the network uses mutual TLS.
	Named() bool
}

// The limits of admission.
const (
	// vouchFor is how long an answer of the other members about one member is kept.
	vouchFor = time.Second
	// maxVouched bounds what is kept; ids come from certificates of the CA.
	maxVouched = 256
)

// admission decides which members may talk to this one: those of the newest membership
// that it knows; before it has one, those that it founds a cluster with; and members that
// a better-informed member vouches for.
//
// A member that was away for a while needs the last kind: the leader may have joined in
// the meantime, and only the leader can send it the newer membership.
type admission struct {
	ms *Members

	mu      sync.Mutex
	vouched map[string]vouching // guarded by mu
}

type vouching struct {
	until time.Time
	ok    bool
}

// roster is what one member knows of the membership.
type roster struct {
	Index   uint64        `json:"index"` // log index up to which the membership is known for certain
	Members []survey.Peer `json:"members"`
}

// guard connects admission to a network under mutual TLS.
func (ms *Members) guard() {
	if g, ok := ms.opts.Network.(guarded); ok && g.Named() {
		ms.admission = &admission{ms: ms, vouched: map[string]vouching{}}
		g.Guard(ms.admission, CallJoin, CallRoster)
	}
}

// Recheck closes the connections of members that a newly decided membership has removed.
// It does not wait for that: other members may have to be asked about those that are
// unknown here.
func (ms *Members) Recheck() {
	if g, ok := ms.opts.Network.(guarded); ok && ms.ctx.Err() == nil {
		ms.opts.Go(func() { g.Recheck(ms.ctx) })
	}
}

// roster returns the newest membership in the log, and the index of the log's last entry:
// raft follows a change of membership as soon as it is in the log.
func (ms *Members) roster() roster {
	if !ms.opts.Started() {
		return roster{Members: ms.opts.Cluster}
	}
	index := ms.opts.Replica.Position().Last // before the membership is read, so that this is at least as new
	return roster{Index: index, Members: replica.Peers(ms.opts.Replica.Members())}
}

func (r roster) has(id string) bool {
	return slices.ContainsFunc(r.Members, func(s survey.Peer) bool { return s.ID == id })
}

// AnswerRoster answers with the membership that was decided. A change that is only in the
// log may still be undone, and no member may be stopped or admitted because of it.
func (ms *Members) AnswerRoster() ([]byte, error) {
	if !ms.opts.Started() {
		return json.Marshal(roster{})
	}
	members, index, _ := ms.opts.Replica.Decided()
	return json.Marshal(roster{Index: index, Members: replica.Peers(members)})
}

// Admits implements peer.Gate.
func (a *admission) Admits(ctx context.Context, id string) bool {
	ms := a.ms
	if id == ms.opts.ID {
		return true
	}
	known := ms.roster()
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

// ask asks all members that are known here whether id is a member. Only answers of
// members that have applied more than this member's log holds count.
func (a *admission) ask(ctx context.Context, id string, known roster) bool {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	ms := a.ms
	var asked []survey.Peer
	for _, addr := range ms.opts.Join {
		asked = append(asked, survey.Peer{Addr: addr})
	}
	for _, s := range known.Members {
		if s.ID != ms.opts.ID {
			asked = append(asked, survey.Peer{ID: s.ID, Addr: ms.opts.Lookout.WhereIs(s)})
		}
	}
	answers := make(chan bool, len(asked))
	for _, s := range asked {
		go func() { // ends with its call
			r, err := ms.askMembers(peer.Meaning(ctx, s.ID), s.Addr)
			answers <- err == nil && r.Index > known.Index && r.has(id)
		}()
	}
	for range asked {
		if <-answers {
			return true
		}
	}
	return false
}

func (ms *Members) askMembers(ctx context.Context, addr string) (r roster, err error) {
	body, err := ms.opts.Network.Call(ctx, addr, CallRoster, nil)
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	return r, err
}

// MemberAt implements peer.Gate.
func (a *admission) MemberAt(addr string) string { return a.ms.opts.Lookout.MemberAt(addr) }

// authenticated returns a change that a member asks for, after checking that this very
// member asks. It refuses a member that was not admitted before and shows no join token.
// The token itself stays here: the leader, which decides about it, gets its hash.
func (ms *Members) authenticated(ctx context.Context, c change) (change, error) {
	caller := peer.Caller(ctx)
	token := c.Token
	c.Token, c.TokenHash = "", nil
	if caller == "" {
		if token != "" {
			return c, errNoNames
		}
		return c, nil // no TLS: no member can prove its id
	}
	if c.ID != caller {
		return c, fmt.Errorf("the certificate is for member %s, and it asks to let %s in", caller, c.ID)
	}
	if token != "" {
		hash := hashOf(token[:min(len(token), maxTokenLen)])
		c.TokenHash = hash[:]
		return c, nil
	}
	if !ms.admission.Admits(ctx, c.ID) {
		return c, fmt.Errorf("member %s was not let in yet; do that with `voted cluster add %s %s`, or give it a join token (`voted cluster token %s`)", c.ID, c.ID, c.Peer, c.ID)
	}
	return c, nil
}
