package api

import (
	"sync"

	"voted/internal/poll"
)

// look is what a ballot's request reads from the state. It is reused: a new function for
// each request, with all that it refers to, would be work for the garbage collector.
type look struct {
	id     string       // of the request
	ballot *poll.Ballot // of the request

	rules   *poll.Rules
	outcome poll.Outcome
	settled bool

	findRules, findSettled func(s *poll.State)
}

var looks = sync.Pool{New: func() any {
	l := new(look)
	l.findRules = func(s *poll.State) { l.rules = s.Rules(l.id) }
	l.findSettled = func(s *poll.State) { l.outcome, l.settled = s.Settled(l.ballot) }
	return l
}}

// done gives l back for reuse, without its references.
func (l *look) done() {
	l.id, l.ballot, l.rules, l.outcome = "", nil, nil, poll.Outcome{}
	looks.Put(l)
}

// knownRules returns the rules of a poll, nil if this node does not know it.
func (h *Handler) knownRules(id string) *poll.Rules {
	l := looks.Get().(*look)
	defer l.done()
	l.id = id
	h.cluster.Read(l.findRules)
	return l.rules
}

// settled returns the outcome of a ballot if committed state has a final one.
func (h *Handler) settled(b *poll.Ballot) (poll.Outcome, bool) {
	if !h.cluster.CaughtUp() {
		return poll.Outcome{}, false
	}
	l := looks.Get().(*look)
	defer l.done()
	l.ballot = b
	h.cluster.Read(l.findSettled)
	return l.outcome, l.settled
}
