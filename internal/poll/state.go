package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"voted/internal/refusal"
)

// Stamp is where and when in the log a command stands.
type Stamp struct {
	Index uint64
	At    int64 // milliseconds since the Unix epoch, by the leader's stamp
}

// State is the replicated state: every poll, the clock and the digest. Commands
// are applied between Begin and End. Equal commands give equal states.
type State struct {
	index  uint64 // of the last command
	clock  int64  // never goes back
	until  int64  // where the clock goes in this command; see keepTimes
	digest Digest
	level  uint32 // of the formats in use; never goes back
	shift  uint64 // see Shift
	origin Origin

	polls     map[string]*Poll
	order     []*Poll // by number; deleted polls keep their place
	removed   int     // how many of them are deleted
	deadlines deadlines
	keys      keyTable
	tokens    tokenTable
	tasks     schedule
	endpoints endpointTable
	alarms    alarmTable
	journal   journal
	rolls     []*rollNews // that have changed since their last event, the first due first

	late []int64 // of the polls that this command closed by the clock; see ClosedLate

	views  []*View
	fresh  []*Poll // changed since Changes returned them
	swept  int     // how many of order Changes has returned at least once
	dirty  []*Poll
	folded []byte // what this command changed outside boxes, for the digest
	hash   hash.Hash
}

// NewState returns the empty state.
func NewState() *State {
	return &State{level: FirstLevel, polls: map[string]*Poll{}, hash: sha256.New()}
}

// Index returns the log index of the last command applied.
func (s *State) Index() uint64 { return s.index }

// Clock returns the replicated time in milliseconds since the Unix epoch.
func (s *State) Clock() int64 { return s.clock }

// Digest returns the digest of everything up to Index: equal on all members at
// equal index.
func (s *State) Digest() Digest { return s.digest }

// Begin starts the command at a stamp: time moves on, and what falls due happens
// first. Indexes must rise; anything else is a broken log, and it panics.
func (s *State) Begin(at Stamp) {
	if at.Index <= s.index {
		panic(fmt.Sprintf("poll: entry %d applied after entry %d", at.Index, s.index))
	}
	s.index, s.late = at.Index, s.late[:0]
	// A stamp is cut to the latest time that a record can hold.
	s.keepTimes(max(s.clock, min(at.At, maxTime)))
	s.tellRolls()
	s.keys.expire(s.clock)
	s.tokens.expire(s.clock)
	s.tasks.expire(s.clock)
	s.endpoints.expire(s.clock)
}

// ClosedLate returns, for each poll that the last command closed because the clock had
// passed its closing time, how long that time was past, in milliseconds. A poll that was
// closed by hand, or that fell due in a backup on its way into this cluster, is not among
// them. The slice is valid until the next Begin.
func (s *State) ClosedLate() []int64 { return s.late }

// End completes the command: the digest covers what it changed.
func (s *State) End() {
	if len(s.dirty) == 0 && len(s.folded) == 0 {
		return
	}
	for _, p := range s.dirty {
		s.hash.Reset()
		p.fold(s.hash)
		s.folded = append(s.folded, p.digest[:]...)
		p.dirty = false
	}
	s.hash.Reset()
	s.hash.Write(s.digest[:])
	var index [8]byte
	binary.LittleEndian.PutUint64(index[:], s.index)
	s.hash.Write(index[:])
	s.hash.Write(s.folded)
	s.hash.Sum(s.digest[:0])
	s.dirty, s.folded = s.dirty[:0], s.folded[:0]
}

// fold makes the poll's digest cover what was appended since the last fold: the
// profile's new entries, the new voter ids, the roll's new entries, the new records.
func (p *Poll) fold(h hash.Hash) {
	h.Write(p.digest[:])
	var length [binary.MaxVarintLen64]byte
	for _, e := range p.profile.entries[p.listed:] {
		h.Write(length[:binary.PutUvarint(length[:], uint64(len(e)))])
		h.Write([]byte(e))
	}
	if p.rules.Secrecy == Open {
		for n := p.hashed + 1; n <= p.box.n; n++ {
			h.Write(appendString(nil, p.names.of(n)))
		}
	}
	p.foldRoll(func(raw []byte) { h.Write(raw) })
	p.box.spans(p.hashed+1, func(raw []byte) { h.Write(raw) })
	h.Sum(p.digest[:0])
	p.hashed, p.listed = p.box.n, len(p.profile.entries)
}

// The kinds of change that digests cover in addition to ballots.
const (
	foldCreated  = 'c'
	foldPatched  = 'p'
	foldClosed   = 'x'
	foldDeleted  = 'd'
	foldKey      = 'k'
	foldRaised   = 'l'
	foldRestored = 'r'
	foldLot      = 'o'
	foldEvent    = 'e' // of the journal

	foldScheduled = 'q'
	foldTaskEnded = 'z'

	foldEndpointChanged = 'h'
	foldEndpointDropped = 'g'
	foldEndpointAsk     = 'i'
	foldAlarm           = 'a'
)

// fold notes a change that is not a ballot, for the digest.
func (s *State) fold(kind byte, id string, payload []byte) {
	s.folded = append(s.folded, kind)
	s.folded = appendString(s.folded, id)
	s.folded = binary.AppendUvarint(s.folded, uint64(len(payload)))
	s.folded = append(s.folded, payload...)
}

// touch is called before anything of a poll changes.
func (s *State) touch(p *Poll) {
	for _, v := range s.views {
		v.keep(p)
	}
	s.follow(p)
	p.changed = s.index
	if !p.dirty {
		p.dirty = true
		s.dirty = append(s.dirty, p)
	}
}

// Find returns a poll that exists and has not been deleted, nil otherwise. The caller may
// use it only while it holds the lock.
func (s *State) Find(id string) *Poll {
	if p := s.polls[id]; p != nil && !p.deleted {
		return p
	}
	return nil
}

// Known reports whether a poll with this id exists or ever existed.
func (s *State) Known(id string) bool { return s.polls[id] != nil }

// Rules returns a poll's definition, nil if there is no such poll.
func (s *State) Rules(id string) *Rules {
	if p := s.Find(id); p != nil {
		return p.rules
	}
	return nil
}

// Cast applies one ballot to a poll found with Find (nil: there is none).
func (s *State) Cast(p *Poll, b *Ballot) Outcome {
	if p == nil {
		return refused(refusal.PollNotFound)
	}
	return p.cast(s, b)
}

// Settled answers a ballot from committed state if that answer can never change: the same
// ballot again in a poll that allows no revotes, or any ballot for a poll that has
// closed. ok is false if the log must decide.
//
// It is right on a member that lags, too: a final ballot's receipt and a closing last
// forever, so entries that this member has not applied yet cannot change them.
func (s *State) Settled(b *Ballot) (o Outcome, ok bool) {
	p := s.Find(b.Poll)
	if p == nil {
		return Outcome{}, false
	}
	closed := p.closedIndex != 0
	if !p.rules.Final() && !closed {
		return Outcome{}, false
	}
	if current := p.current(&b.Key); current != 0 {
		sel, known := p.profile.find(b.Selections)
		if known {
			if o, seen := p.retraced(current, sel, b.IfVersion); seen {
				return o, true
			}
		}
	}
	if closed {
		return refused(refusal.PollClosed), true
	}
	return Outcome{}, false
}

// Recall answers a ballot that is in the box already, as the log would; ok is false if it
// is not there. The caller's member must be up to date.
func (s *State) Recall(p *Poll, b *Ballot) (o Outcome, ok bool) {
	if p == nil {
		return Outcome{}, false
	}
	current := p.current(&b.Key)
	sel, known := p.profile.find(b.Selections)
	if current == 0 || !known {
		return Outcome{}, false
	}
	return p.retraced(current, sel, b.IfVersion)
}

// Receipt returns a voter's current receipt.
func (s *State) Receipt(id string, key VoterKey) (Receipt, *refusal.Error) {
	p := s.Find(id)
	if p == nil {
		return Receipt{}, refusal.Of(refusal.PollNotFound)
	}
	r, ok := p.receipt(key)
	if !ok {
		return Receipt{}, refusal.Of(refusal.BallotNotFound)
	}
	return r, nil
}
