package ledger

import (
	"fmt"

	"voted/harness/workload"
)

// pollCheck compares one node's export of one poll with the ledger.
type pollCheck struct {
	*judge
	node    string
	poll    *workload.Poll
	id      string
	number  int
	owners  map[uint32]owner // secret polls only
	lines   uint64           // ballots in the export
	twice   uint64           // of these, a voter's second one
	weights []uint64         // ballots by choice
	// highest is the highest number of a ballot. Without replacements the n ballots of a
	// poll have the numbers 1 to n.
	highest uint64
	// acknowledged and unknown votes of this poll, for the balance.
	acknowledged, unknown uint64
	keys                  map[string]struct{} // voter keys seen, secret polls only
	// unacknowledged counts, by choice, the ballots that had no answer. A secret box may
	// hold these, although they were acknowledged to no one.
	unacknowledged []uint64
}

func newPollCheck(j *judge, node string, number int, owners map[uint32]owner) *pollCheck {
	poll := j.ledger.plan.Poll(number)
	p := &pollCheck{
		judge: j, node: node, poll: poll, id: poll.Definition.ID, number: number, owners: owners,
		weights: make([]uint64, poll.Choices()), unacknowledged: make([]uint64, poll.Choices()),
	}
	if owners != nil {
		p.keys = map[string]struct{}{}
	}
	l := j.ledger
	for vote := uint64(number); vote < uint64(len(l.first)); vote += uint64(l.plan.Polls) {
		for _, c := range l.all(vote) {
			if c.state&(unknown|acked) == unknown {
				p.unacknowledged[c.choice]++
			}
		}
		_, ack, unanswered := l.stands(vote)
		switch {
		case ack:
			p.acknowledged++
		case unanswered:
			p.unknown++
		}
	}
	return p
}

func (p *pollCheck) report(f Fault, voter, format string, args ...any) {
	p.findings.add(Finding{Fault: f, Node: p.node, Poll: p.id, Voter: voter, What: fmt.Sprintf(format, args...)})
}

// record checks one ballot of the export.
func (p *pollCheck) record(r Record) error {
	p.lines++
	p.highest = max(p.highest, r.Number)
	choice, known := p.poll.ChoiceOf(r.Ballot)
	if !known {
		p.report(Invented, r.Voter, "ballot %d holds a choice that the load test never makes", r.Number)
		return nil
	}
	p.weights[choice]++
	if p.owners != nil {
		p.secret(r, choice)
		return nil
	}
	vote, ok := p.ledger.plan.NumberOf(p.number, r.Voter)
	if !ok || vote >= uint64(len(p.ledger.first)) || !p.sentAny(vote) {
		p.report(Invented, r.Voter, "ballot %d is of a voter who sent none", r.Number)
		return nil
	}
	if p.seen.has(vote) {
		p.twice++
		p.report(Twice, r.Voter, "ballot %d counts although another one of the same voter does", r.Number)
		return nil
	}
	p.seen.set(vote)
	p.settled(vote, r, choice)
	return nil
}

// sentAny reports whether a voter sent a ballot.
func (p *pollCheck) sentAny(vote uint64) bool {
	for _, c := range p.ledger.all(vote) {
		if c.state&sent != 0 {
			return true
		}
	}
	return false
}

// secret checks a ballot of a secret poll, whose voter is known only by its number.
func (p *pollCheck) secret(r Record, choice uint8) {
	if _, again := p.keys[r.VoterKey]; again {
		p.twice++
		p.report(Twice, "", "ballot %d counts although another one with the voter key %s does", r.Number, r.VoterKey)
		return
	}
	p.keys[r.VoterKey] = struct{}{}
	o, acknowledged := p.owners[uint32(r.Number)]
	switch {
	case acknowledged && p.seen.has(o.vote):
		p.twice++
		p.report(Twice, p.ledger.plan.Voter(o.vote), "ballot %d counts although another one of the same voter does", r.Number)
	case acknowledged:
		p.seen.set(o.vote)
		p.settled(o.vote, r, choice)
	case p.unacknowledged[choice] > 0:
		// Some request for this choice stayed without an answer: it may be that one.
		p.unacknowledged[choice]--
	default:
		p.report(Invented, "", "ballot %d was acknowledged to no one, and no request for its choice stayed without an answer", r.Number)
	}
}

// settled checks that the ballot which counts for a voter is the one that must.
func (p *pollCheck) settled(vote uint64, r Record, choice uint8) {
	all := p.ledger.all(vote)
	voter := p.ledger.plan.Voter(vote)
	if c := all[replacementCast]; c.state&acked != 0 {
		p.unchanged(voter, c, r, choice, 2)
		return
	} else if c.state&unknown != 0 && r.Version == 2 && choice == c.choice {
		return // the replacement did happen, without an answer
	}
	for _, c := range all[:replacementCast] {
		if c.state&acked != 0 {
			p.unchanged(voter, c, r, choice, 1)
			return
		}
	}
	for _, c := range all {
		if c.state&unknown != 0 && c.choice == choice {
			return
		}
	}
	p.report(Invented, voter, "ballot %d counts, and every request of this voter was refused or never sent", r.Number)
}

// unchanged checks a ballot against its acknowledgement.
func (p *pollCheck) unchanged(voter string, c cast, r Record, choice uint8, version uint64) {
	switch {
	case c.choice != choice:
		p.report(Changed, voter, "ballot %d was acknowledged with another choice than the one that counts", c.number)
	case c.number != uint32(r.Number):
		p.report(Changed, voter, "it was acknowledged as ballot %d and counts as ballot %d", c.number, r.Number)
	case r.Version != version:
		p.report(Changed, voter, "ballot %d was acknowledged as version %d and is version %d", r.Number, version, r.Version)
	case c.index != 0 && r.Index != 0 && c.index != uint32(r.Index): // exports of secret polls have none
		p.report(Changed, voter, "ballot %d was acknowledged at another log index than %d, where it stands", r.Number, r.Index)
	}
}

// tally checks the node's own count against the ballots that it exports.
func (p *pollCheck) tally(s *PollState) {
	wrong := func(format string, args ...any) {
		p.verdict.TalliesEqual = false
		p.report(WrongTally, "", format, args...)
	}
	if s.Ballots != p.lines {
		wrong("the tally counts %d ballots, the box holds %d that count", s.Ballots, p.lines)
	}
	want := p.poll.Tally(p.weights)
	for option, n := range want {
		if s.Options[option] != n {
			wrong("option %s has %d, its ballots add up to %d", option, s.Options[option], n)
		}
	}
	if !p.poll.Revotes() && p.highest != p.lines {
		wrong("the box holds numbers up to %d, and %d ballots", p.highest, p.lines)
	}
}
