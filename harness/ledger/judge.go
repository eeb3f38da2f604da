package ledger

import (
	"fmt"
	"maps"

	"voted/client"
)

// Record is a ballot as a node exports it.
type Record = client.ExportedBallot

// PollState is what one node holds of one poll.
type PollState struct {
	// Each calls f with every ballot that counts, once.
	Each func(f func(Record) error) error
	// Ballots and Options are the node's own tally: votes, first preferences or points.
	Ballots uint64
	Options map[string]uint64
}

// Holdings is what one node holds.
type Holdings struct {
	Node   string
	Polls  []PollState // in the order of the plan
	Index  uint64      // applied log index
	Digest string      // of its state at that index, empty if it has none
}

// Verdict closes the books.
type Verdict struct {
	Unique       uint64 // voters who sent a ballot, counted in each poll
	Acknowledged uint64 // of these, acknowledged
	Counted      uint64 // ballots that count, the same on every node if they agree
	Unknown      uint64 // not acknowledged, and may or may not count
	// CountedOf is what each node counts, in the order of the holdings.
	CountedOf []uint64
	Nodes     []string // the nodes of the holdings
	// Lost and DoubleCounted are each the largest count of any node.
	Lost, DoubleCounted uint64
	Balanced            bool
	TalliesEqual        bool
	DigestsEqual        bool
	// Compared is how many nodes' digests were compared.
	Compared int
	Counts   map[Fault]uint64
	Findings []Finding
}

// Exact reports whether nothing contradicts that every ballot counted exactly once.
func (v *Verdict) Exact() bool { return len(v.Counts) == 0 }

// Add adds what was found otherwise.
func (v *Verdict) Add(all ...Finding) {
	if v.Counts == nil {
		v.Counts = map[Fault]uint64{}
	}
	for _, f := range all {
		v.Counts[f.Fault]++
	}
	v.Findings = append(v.Findings, all...)
}

// Judge compares the ledger with what the nodes hold. It returns an error, and no verdict,
// if an export cannot be read.
func (l *Ledger) Judge(nodes []Holdings) (*Verdict, error) {
	v := &Verdict{TalliesEqual: true, DigestsEqual: true, Balanced: true}
	j := judge{ledger: l, verdict: v}
	j.findings.counts = maps.Clone(l.findings.counts)
	j.findings.kept = append(j.findings.kept, l.findings.kept...)
	v.Unique, v.Acknowledged, v.Unknown = l.Sums()
	j.rivals()
	owners := l.owners()
	for i := range nodes {
		if err := j.node(&nodes[i], owners); err != nil {
			return nil, err
		}
	}
	j.agreement(nodes)
	v.Counts, v.Findings = j.findings.counts, j.findings.kept
	return v, nil
}

// judge is one closing of the books.
type judge struct {
	ledger   *Ledger
	verdict  *Verdict
	findings findings
	seen     bitset // votes whose voter was found in the export that is being read
}

// Sums returns what the ledger alone knows: the voters who sent a ballot, counted in
// each poll, and of these the acknowledged ones and those whose requests had no answer.
func (l *Ledger) Sums() (unique, acknowledged, undecided uint64) {
	for vote := range uint64(len(l.first)) {
		wasSent, ack, unanswered := l.stands(vote)
		switch {
		case ack:
			acknowledged++
		case unanswered:
			undecided++
		}
		if wasSent {
			unique++
		}
	}
	return unique, acknowledged, undecided
}

// stands reports whether a voter sent a ballot, whether one of the voter's was acknowledged,
// and whether one had no answer.
func (l *Ledger) stands(vote uint64) (wasSent, ack, unanswered bool) {
	for _, c := range l.all(vote) {
		wasSent = wasSent || c.state&sent != 0
		ack = ack || c.state&acked != 0
		unanswered = unanswered || c.state&unknown != 0
	}
	return wasSent, ack, unanswered
}

// rivals reports voters of whom two ballots were acknowledged as the first one.
func (j *judge) rivals() {
	l := j.ledger
	for vote := range l.extra {
		all := l.all(vote)
		if all[firstCast].state&acked != 0 && all[rivalCast].state&acked != 0 {
			v := l.plan.Vote(vote)
			j.findings.add(Finding{
				Fault: Twice, Poll: l.plan.Poll(v.Poll).Definition.ID, Voter: v.Voter,
				What: fmt.Sprintf("two different ballots of this voter were acknowledged as the first one (numbers %d and %d)",
					all[firstCast].number, all[rivalCast].number),
			})
		}
	}
}

// owner is the vote for which a ballot's number was acknowledged, and which ballot of it.
type owner struct {
	vote  uint64
	which int
}

// owners finds the voters of secret polls by the numbers of their ballots: there an
// export does not say who voted.
func (l *Ledger) owners() []map[uint32]owner {
	polls := make([]map[uint32]owner, l.plan.Polls)
	for i := range polls {
		if l.plan.Poll(i).Secret() {
			polls[i] = map[uint32]owner{}
		}
	}
	for vote := range uint64(len(l.first)) {
		numbers := polls[vote%uint64(l.plan.Polls)]
		if numbers == nil {
			continue
		}
		for which, c := range l.all(vote) {
			if c.state&acked != 0 && c.number != 0 {
				numbers[c.number] = owner{vote, which}
			}
		}
	}
	return polls
}

// node checks everything that one node holds.
func (j *judge) node(n *Holdings, owners []map[uint32]owner) error {
	j.seen = newBitset(uint64(len(j.ledger.first)))
	var counted, lost, twice uint64
	for i := range j.ledger.plan.Polls {
		p := newPollCheck(j, n.Node, i, owners[i])
		if err := n.Polls[i].Each(p.record); err != nil {
			return fmt.Errorf("the export of poll %s from node %s cannot be read: %w", p.id, n.Node, err)
		}
		p.tally(&n.Polls[i])
		counted += p.lines
		twice += p.twice
		lost += j.missing(n.Node, i)
		if p.lines < p.acknowledged || p.lines > p.acknowledged+p.unknown {
			j.verdict.Balanced = false
		}
	}
	v := j.verdict
	v.CountedOf, v.Nodes = append(v.CountedOf, counted), append(v.Nodes, n.Node)
	v.Counted = counted
	v.Lost, v.DoubleCounted = max(v.Lost, lost), max(v.DoubleCounted, twice)
	return nil
}

// missing reports the acknowledged votes of a poll that an export did not show.
func (j *judge) missing(node string, poll int) (lost uint64) {
	l := j.ledger
	for vote := uint64(poll); vote < uint64(len(l.first)); vote += uint64(l.plan.Polls) {
		if j.seen.has(vote) {
			continue
		}
		all := l.all(vote)
		if l.plan.Poll(poll).Secret() && all[replacementCast].state&(unknown|acked) == unknown {
			continue // a replacement without an answer may count, under a number that was never acknowledged
		}
		for _, c := range all {
			if c.state&acked != 0 {
				lost++
				j.findings.add(Finding{
					Fault: Lost, Node: node, Poll: l.plan.Poll(poll).Definition.ID, Voter: l.plan.Voter(vote),
					What: fmt.Sprintf("it was acknowledged as ballot %d, and the node does not have it", c.number),
				})
				break
			}
		}
	}
	return lost
}

// agreement compares the nodes with each other.
func (j *judge) agreement(nodes []Holdings) {
	v := j.verdict
	for i := 1; i < len(nodes); i++ {
		a, b := &nodes[0], &nodes[i]
		if v.CountedOf[0] != v.CountedOf[i] {
			j.diverged(b.Node, fmt.Sprintf("it counts %d ballots, node %s counts %d", v.CountedOf[i], a.Node, v.CountedOf[0]))
		}
		for p := range a.Polls {
			if a.Polls[p].Ballots != b.Polls[p].Ballots || !maps.Equal(a.Polls[p].Options, b.Polls[p].Options) {
				v.TalliesEqual = false
				j.diverged(b.Node, fmt.Sprintf("its tally of poll %s is not that of node %s", j.ledger.plan.Poll(p).Definition.ID, a.Node))
			}
		}
	}
	var first *Holdings
	for i := range nodes {
		n := &nodes[i]
		if n.Digest == "" {
			continue
		}
		v.Compared++
		if first == nil {
			first = n
			continue
		}
		if n.Index != first.Index || n.Digest != first.Digest {
			v.DigestsEqual = false
			j.diverged(n.Node, fmt.Sprintf("its digest at log index %d is %.16s…, that of node %s at index %d is %.16s…",
				n.Index, n.Digest, first.Node, first.Index, first.Digest))
		}
	}
	if v.Compared < len(nodes) {
		v.DigestsEqual = false // not compared is not equal; the report says which it was
	}
}

func (j *judge) diverged(node, what string) {
	j.findings.add(Finding{Fault: Diverged, Node: node, What: what})
}

// bitset is a set of votes.
type bitset []uint64

func newBitset(n uint64) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) has(i uint64) bool { return i/64 < uint64(len(b)) && b[i/64]>>(i%64)&1 == 1 }
func (b bitset) set(i uint64)      { b[i/64] |= 1 << (i % 64) }
