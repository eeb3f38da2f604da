package ledger

import (
	"fmt"

	"voted/harness/workload"
)

// The ballots that one vote can consist of.
const (
	firstCast = iota
	rivalCast
	replacementCast
	casts
)

// cast is what is known of one ballot of a voter: 12 bytes, because there are millions.
type cast struct {
	number uint32 // in the poll's box; 0: never acknowledged
	index  uint32 // low bits of the log index; 0: unknown
	choice uint8
	state  uint8
}

// The bits of a cast's state.
const (
	sent    = 1 << iota // a client sent it
	acked               // it was acknowledged
	unknown             // some request for it stayed without an answer
	fresh               // it was acknowledged as counted or replaced, not as a replay
)

// Ledger is the load test's own record. It is not safe for concurrent use: one
// goroutine owns it.
type Ledger struct {
	plan *workload.Plan
	// first has an element for each vote; extra only for the few voters who send
	// further ballots.
	first    []cast
	extra    map[uint64]*[casts]cast
	counts   Counts
	findings findings
}

// Counts are the totals of the requests.
type Counts struct {
	Attempts  uint64 // every try of the client
	Retries   uint64 // tries after the first of a request
	Requests  uint64 // calls of the client
	Replayed  uint64 // answers that said replayed
	Conflicts uint64 // refusals of a different ballot of the same voter
	Errors    uint64 // requests that ended without a final answer
	ByKind    map[workload.Kind]uint64
}

// New makes an empty ledger of a plan.
func New(plan *workload.Plan) *Ledger {
	return &Ledger{plan: plan, extra: map[uint64]*[casts]cast{}, counts: Counts{ByKind: map[workload.Kind]uint64{}}}
}

// Counts returns the totals so far.
func (l *Ledger) Counts() Counts { return l.counts }

// Findings returns how many contradictions the answers alone have shown so far.
func (l *Ledger) Findings() uint64 { return l.findings.total() }

// maxVotes bounds the number of a vote. Without it a damaged log could make the ledger use
// all memory.
const maxVotes = 1 << 28

// Add enters one request and its answer.
func (l *Ledger) Add(e *Entry) error {
	if e.Vote >= maxVotes {
		return fmt.Errorf("vote %d is beyond what a ledger holds; the log is damaged", e.Vote)
	}
	c := &l.counts
	c.Requests++
	c.Attempts += 1 + e.retries()
	c.Retries += e.retries()
	c.ByKind[e.Kind]++
	which, choice := l.castOf(e)
	if choice != e.Choice {
		return fmt.Errorf("vote %d has choice %d in the log and %d by the seed; the log is of another run", e.Vote, e.Choice, choice)
	}
	x := l.cast(e.Vote, which)
	x.choice = e.Choice
	x.state |= sent
	switch {
	case e.Accepted():
		l.accepted(e, x)
	case e.Unknown:
		c.Errors++
		x.state |= unknown
	case !e.Final():
		c.Errors++
	default:
		l.refused(e, which)
	}
	return nil
}

// castOf returns which of the voter's ballots a request carries, and the choice that this
// ballot has in the plan.
func (l *Ledger) castOf(e *Entry) (which int, choice uint8) {
	v := l.plan.Vote(e.Vote)
	switch {
	case e.IfVersion > 0:
		return replacementCast, v.Replacement
	case e.Kind == workload.Rival || e.Kind == workload.Conflict,
		e.Kind == workload.Unanswered && e.Choice != v.First:
		return rivalCast, v.Other
	}
	return firstCast, v.First
}

// cast returns the record of one of a voter's ballots.
func (l *Ledger) cast(vote uint64, which int) *cast {
	for uint64(len(l.first)) <= vote {
		l.first = append(l.first, cast{})
	}
	if which == firstCast {
		return &l.first[vote]
	}
	x := l.extra[vote]
	if x == nil {
		x = &[casts]cast{}
		l.extra[vote] = x
	}
	return &x[which]
}

// all returns the voter's ballots, in the order of their constants.
func (l *Ledger) all(vote uint64) (c [casts]cast) {
	if x := l.extra[vote]; x != nil {
		c = *x
	}
	if vote < uint64(len(l.first)) {
		c[firstCast] = l.first[vote]
	}
	return c
}

// accepted enters an acknowledgement and compares it with earlier ones.
func (l *Ledger) accepted(e *Entry, x *cast) {
	report := func(format string, args ...any) {
		l.findings.add(Finding{Fault: WrongAnswer, Node: e.Node, Poll: e.Poll, Voter: e.Voter, What: fmt.Sprintf(format, args...)})
	}
	if e.Outcome == "replayed" {
		l.counts.Replayed++
	}
	wanted := e.IfVersion + 1
	switch {
	case e.Ballot == 0 || e.Ballot > 1<<32-1:
		report("it was acknowledged as ballot %d, which is no number of a ballot", e.Ballot)
		x.state |= acked
		return
	case e.Version != wanted:
		report("it was acknowledged as version %d, and was sent to become version %d", e.Version, wanted)
	case x.number != 0 && x.number != uint32(e.Ballot):
		l.findings.add(Finding{
			Fault: Twice, Node: e.Node, Poll: e.Poll, Voter: e.Voter,
			What: fmt.Sprintf("the same ballot was acknowledged as number %d and as number %d", x.number, e.Ballot),
		})
	case x.index != 0 && e.Index != 0 && x.index != uint32(e.Index):
		report("ballot %d was acknowledged at log index %d, and earlier at another one", e.Ballot, e.Index)
	}
	if e.Outcome != "replayed" {
		if x.state&fresh != 0 {
			report("ballot %d was acknowledged as %s twice; the second time must be a replay", e.Ballot, e.Outcome)
		}
		x.state |= fresh
	}
	x.number = uint32(e.Ballot)
	if e.Index != 0 {
		x.index = uint32(e.Index)
	}
	x.state |= acked
}

// refused enters a refusal and checks whether the rules allow it.
func (l *Ledger) refused(e *Entry, which int) {
	v := l.plan.Vote(e.Vote)
	all := l.all(e.Vote)
	rivals := v.HasRival || all[rivalCast].state&sent != 0
	legitimate := false
	switch e.Code {
	case "already_voted":
		l.counts.Conflicts++
		legitimate = which == rivalCast || which == firstCast && rivals
	case "superseded":
		l.counts.Conflicts++
		legitimate = v.Replaces && which != replacementCast
	case "version_mismatch":
		l.counts.Conflicts++
		// The first ballot may never have arrived, if it had no answer.
		legitimate = which == replacementCast && all[firstCast].state&acked == 0
	}
	if !legitimate {
		l.findings.add(Finding{
			Fault: WrongAnswer, Node: e.Node, Poll: e.Poll, Voter: e.Voter,
			What: fmt.Sprintf("a %s request was refused with %s, and nothing that this voter sent explains it", e.Kind, e.Code),
		})
	}
}
