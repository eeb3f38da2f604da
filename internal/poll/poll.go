package poll

import (
	"crypto/sha256"

	"voted/internal/refusal"
)

// Phase is where a poll stands in its life.
type Phase uint8

// The phases, in their order.
const (
	Scheduled Phase = iota
	Opened
	Closed
)

// String returns the phase as clients see it.
func (p Phase) String() string { return [...]string{"scheduled", "open", "closed"}[p] }

// Digest is a running SHA-256 over everything that was appended.
type Digest [sha256.Size]byte

// Checkpoint is the state's digest after all entries up to a log index: equal on all
// members. It is text, because members send it in their reports.
type Checkpoint struct {
	Index  uint64 `json:"index"`
	Digest string `json:"digest"` // hexadecimal
}

// header is everything of a poll that is not in its box: small and copied whole
// into a capture.
type header struct {
	rules       *Rules
	number      uint32 // position in the order of creation, from 0
	revision    uint32 // of the definition, from 1
	createdAt   int64
	closedAt    int64  // 0 while not closed
	closedIndex uint64 // log index at which it closed
	changed     uint64 // log index of the last change
	deleted     bool
	digest      Digest
	patches     []patchMark // recent patches, so that a retried one is recognised
	original    *Digest     // of the definition it was created with, nil while it has that one
	lot         Lot         // drawn after the close
}

// Poll is one poll's part of the State.
type Poll struct {
	header
	*contents
	roll *roll // nil if anyone may vote

	news   *rollNews // is in State.rolls; nil: the roll has not changed since its last event
	opened bool      // it is open, and its event was made
	fresh  bool      // is in State.fresh
	dirty  bool      // has appended what its digest does not cover yet
	hashed uint32    // records covered by the digest
	listed int       // profile entries covered by the digest
}

// contents are a poll's ballots, in the forms that serve it.
type contents struct {
	box     box
	index   index
	profile profile
	names   names // voter ids, open polls only
}

// nothing is what all polls without a ballot hold, so that a million of them are
// small. It is read by all and never written; see fill.
var nothing contents

// newPoll makes a poll without ballots.
func newPoll(h header) *Poll {
	p := &Poll{header: h, contents: &nothing}
	if h.rules.Eligibility == OnRoll {
		p.roll = &roll{}
	}
	return p
}

// fill gives the poll contents of its own, before the first ballot comes.
func (p *Poll) fill() {
	if p.contents == &nothing {
		p.contents = &contents{}
	}
}

// Rules returns the poll's definition, ready for checking ballots. Immutable.
func (p *Poll) Rules() *Rules { return p.rules }

// ballots returns the number of voters with a ballot in the box.
func (p *Poll) ballots() uint64 { return uint64(p.index.n) }

func (h *header) phase(clock int64) Phase {
	switch {
	case h.closedIndex != 0:
		return Closed
	case h.rules.OpensAt > clock:
		return Scheduled
	}
	return Opened
}

// current returns the number of the voter's current record, 0 if there is none.
func (p *Poll) current(key *VoterKey) uint32 {
	return p.index.find(&p.box.store, RecordBytes, key)
}

// receipt returns the voter's current receipt.
func (p *Poll) receipt(key VoterKey) (Receipt, bool) {
	n := p.current(&key)
	if n == 0 {
		return Receipt{}, false
	}
	return p.box.receipt(n), true
}

// cast applies one ballot. It looks for a retry before it looks whether the poll has
// closed: the voter of a retry did vote in time.
func (p *Poll) cast(s *State, b *Ballot) Outcome {
	current := p.current(&b.Key)
	sel, known := p.profile.find(b.Selections)
	if current != 0 && known {
		if o, seen := p.retraced(current, sel, b.IfVersion); seen {
			return o
		}
	}
	switch p.phase(s.clock) {
	case Scheduled:
		return refused(refusal.PollNotOpen)
	case Closed:
		return refused(refusal.PollClosed)
	case Opened:
	}
	if !known {
		// Selections that some ballot holds have been checked before.
		if _, ok := p.rules.Decode(b.Selections); !ok {
			return refused(refusal.InvalidBallot)
		}
	}
	weight, eligible := p.weight(&b.Key)
	if !eligible {
		return refused(refusal.NotEligible)
	}
	if current == 0 {
		return p.count(s, b, sel, known, weight)
	}
	return p.replace(s, b, current, sel, known, weight)
}

// retraced recognises a ballot that is in the box already: as the voter's current one
// (replayed) or as one that a later ballot replaced (superseded).
func (p *Poll) retraced(current, sel, ifVersion uint32) (Outcome, bool) {
	r := p.box.record(current)
	receipt := Receipt{current, r.Version, r.Index, r.CastAt}
	if r.Selections == sel {
		return Outcome{Kind: Replayed, Receipt: receipt}, true
	}
	asked := uint64(ifVersion) + 1 // the version that the ballot was to become
	for range maxRetrace {
		if uint64(r.Version) <= asked {
			break
		}
		r = p.box.record(r.Supersedes)
		if uint64(r.Version) == asked && r.Selections == sel {
			return refusedFor(refusal.Superseded, receipt), true
		}
	}
	if uint64(r.Version) > asked {
		return refusedFor(refusal.Superseded, receipt), true
	}
	return Outcome{}, false
}

func (p *Poll) count(s *State, b *Ballot, sel uint32, known bool, weight int64) Outcome {
	if limit := p.rules.MaxBallots; limit != 0 && p.ballots() >= limit || p.box.n >= MaxRecords {
		return refused(refusal.PollFull)
	}
	if b.IfVersion != 0 {
		return refused(refusal.VersionMismatch)
	}
	number := p.put(s, b, Record{Version: 1, Selections: sel}, known, weight)
	p.index.insert(&b.Key, number)
	if p.roll != nil {
		p.roll.voted(uint64(weight))
	}
	p.joined(s)
	p.filed(s)
	return Outcome{Kind: Counted, Receipt: p.box.receipt(number)}
}

func (p *Poll) replace(s *State, b *Ballot, current, sel uint32, known bool, weight int64) Outcome {
	receipt := p.box.receipt(current)
	if b.IfVersion == 0 || p.rules.Final() {
		return refusedFor(refusal.AlreadyVoted, receipt)
	}
	if b.IfVersion != receipt.Version {
		return refusedFor(refusal.VersionMismatch, receipt)
	}
	if p.box.n >= MaxRecords {
		return refusedFor(refusal.PollFull, receipt)
	}
	old := p.box.record(current).Selections
	number := p.put(s, b, Record{Version: receipt.Version + 1, Selections: sel, Supersedes: current}, known, weight)
	p.index.update(&b.Key, current, number)
	p.profile.weigh(p.rules, old, -weight)
	p.filed(s)
	return Outcome{Kind: Replaced, Receipt: p.box.receipt(number)}
}

// put appends the record of a ballot that will count.
func (p *Poll) put(s *State, b *Ballot, r Record, known bool, weight int64) uint32 {
	s.touch(p)
	p.fill()
	if !known {
		r.Selections = p.profile.add(string(b.Selections))
	}
	r.Key, r.Index, r.CastAt = b.Key, s.index, s.clock
	p.profile.weigh(p.rules, r.Selections, weight)
	if p.rules.Secrecy == Open {
		p.names.append(b.Voter)
	}
	return p.box.append(r)
}

// names keeps the voter ids of an open poll, one a record, back to back.
type names struct {
	text []byte
	ends []uint64
}

func (n *names) append(voter string) {
	n.text = append(n.text, voter...)
	n.ends = append(n.ends, uint64(len(n.text)))
}

// of returns the voter id of a record.
func (n *names) of(number uint32) string {
	var start uint64
	if number > 1 {
		start = n.ends[number-2]
	}
	return string(n.text[start:n.ends[number-1]])
}
