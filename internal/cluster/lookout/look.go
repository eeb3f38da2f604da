// Package lookout finds the other members of a cluster, and asks them for reports of
// themselves.
package lookout

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/survey"
)

// CallReport is the call by which a member is asked for its survey.Report, in JSON.
const CallReport = "status"

// answerTime bounds a question that a healthy member answers at once.
const answerTime = time.Second

// Network carries questions to the others; see cluster.Network.
type Network interface {
	Call(ctx context.Context, addr, method string, body []byte) ([]byte, error)
}

// Lookout is where one member looks for the others. Its methods may be called from any
// goroutine.
type Lookout struct {
	self    string
	network Network
	book    *book
}

// New makes the lookout of the member self. configured are the members' addresses on its
// command line.
func New(self string, network Network, configured []survey.Peer) *Lookout {
	return &Lookout{self: self, network: network, book: newBook(configured)}
}

// Update takes over the newest membership that raft knows. The first one after a start
// may be older than the command line, later ones are newer. The caller must not pass old
// memberships that come again while the log is replayed.
func (l *Lookout) Update(members []replica.Server) { l.book.update(replica.Peers(members)) }

// Find returns where to look for a member, "" if nothing is known of it.
func (l *Lookout) Find(id string) string { return l.book.find(id) }

// WhereIs returns where to look for a member that the membership names.
func (l *Lookout) WhereIs(p survey.Peer) string {
	if addr := l.book.find(p.ID); addr != "" {
		return addr
	}
	return p.Addr
}

// Meet notes where a member has just answered.
func (l *Lookout) Meet(id, addr string) { l.book.meet(id, addr) }

// MemberAt returns the member that is looked for at an address, "" if there is none.
func (l *Lookout) MemberAt(addr string) string { return l.book.at(addr) }

// Ask asks the member at addr, which should be id ("": any), for a report of itself. at
// is the instant of the report, by the monotonic clock, since this member's own clock may
// jump while it waits.
func (l *Lookout) Ask(ctx context.Context, id, addr string) (r survey.Report, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(peer.Meaning(ctx, id), answerTime)
	defer cancel()
	before := time.Now()
	body, err := l.network.Call(ctx, addr, CallReport, nil)
	if err != nil {
		return r, at, err
	}
	after := time.Now()
	if err := json.Unmarshal(body, &r); err != nil {
		return r, at, &peer.UnheardError{Addr: addr, Because: "what it says of itself cannot be read; start it with the version of the others", Err: err}
	}
	return r, before.Add(after.Sub(before) / 2), nil
}

// Look looks at every member, at the same time. own returns this member's own report.
func (l *Lookout) Look(ctx context.Context, members []replica.Server, own func() survey.Report) survey.Look {
	l.Update(members)
	seen := make(survey.Look, len(members))
	var wg sync.WaitGroup
	for i, s := range members {
		seen[i] = survey.Sighting{Peer: s.Peer, Votes: s.Votes}
		if s.ID == l.self {
			seen[i].Report, seen[i].At = own(), time.Now()
			seen[i].Where = seen[i].Report.Peer
			continue
		}
		wg.Go(func() { l.LookAt(ctx, &seen[i]) })
	}
	wg.Wait()
	return seen
}

// LookAt asks one member at the address where it should be, and at the same time at the
// others where it may be.
func (l *Lookout) LookAt(ctx context.Context, m *survey.Sighting) {
	id := m.ID
	elsewhere := l.book.others(id)
	others, asked := make(chan survey.Sighting, len(elsewhere)), *m
	for _, addr := range elsewhere {
		go func() { others <- l.lookAt(ctx, asked, addr) }() // ends with its call
	}
	*m = l.lookAt(ctx, asked, l.WhereIs(m.Peer))
	for range elsewhere {
		if m.Err == nil {
			return
		}
		if found := <-others; found.Err == nil {
			l.book.meet(id, found.Where)
			*m = found
		}
	}
}

func (l *Lookout) lookAt(ctx context.Context, m survey.Sighting, addr string) survey.Sighting {
	m.Where = addr
	m.Report, m.At, m.Err = l.Ask(ctx, m.ID, addr)
	if m.Err == nil && m.Report.ID != m.ID {
		m.Err = &peer.OtherMemberError{Addr: addr, Member: m.Report.ID, Dialled: m.ID}
	}
	m.Obstacle = ObstacleOf(m.Err)
	return m
}

// ObstacleOf returns what answered a call that ended with err, nil if no one did.
func ObstacleOf(err error) *survey.Obstacle {
	var stranger *peer.OtherClusterError
	var other *peer.OtherMemberError
	var refused *peer.RefusedError
	var unheard *peer.UnheardError
	switch {
	case errors.As(err, &stranger):
		return &survey.Obstacle{Kind: survey.OtherCluster, Addr: stranger.Addr, Member: stranger.Member, Cluster: stranger.Cluster}
	case errors.As(err, &other):
		return &survey.Obstacle{Kind: survey.OtherMember, Addr: other.Addr, Member: other.Member}
	case errors.As(err, &refused):
		return &survey.Obstacle{Kind: survey.Refuses, Addr: refused.Addr, Because: refused.Message}
	case errors.As(err, &unheard):
		return &survey.Obstacle{Kind: survey.Unheard, Addr: unheard.Addr, Because: unheard.Because}
	}
	return nil
}
