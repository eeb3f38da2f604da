package api

import (
	"sync"

	"voted/internal/poll"
)

// look is what a ballot's request asks of the state. Reading takes a function; made
// anew for each request it would be garbage, with all that it refers to.
type look struct {
	id     string       // asked for
	ballot *poll.Ballot // asked for

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

// done gives l back without what it refers to.
func (l *look) done() {
	l.id, l.ballot, l.rules, l.outcome = "", nil, nil, poll.Outcome{}
	looks.Put(l)
}

// knownRules returns the rules of a poll that this node knows, nil for another.
func (h *Handler) knownRules(id string) *poll.Rules {
	l := looks.Get().(*look)
	defer l.done()
	l.id = id
	h.cluster.Read(l.findRules)
	return l.rules
}

// settled returns the outcome of a ballot where committed state has a final one.
func (h *Handler) settled(b *poll.Ballot) (poll.Outcome, bool) {
	l := looks.Get().(*look)
	defer l.done()
	l.ballot = b
	h.cluster.Read(l.findSettled)
	return l.outcome, l.settled
}
