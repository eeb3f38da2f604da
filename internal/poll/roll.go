package poll

import (
	"encoding/binary"

	"voted/internal/refusal"
)

// RollEntryBytes is the size of one entry of a roll. The encoding is canonical and
// fixed, like that of records. Little-endian:
//
//	 0  16  voter key
//	16   8  log index · 2^21 + dropped · 2^20 + weight
const RollEntryBytes = 24

const (
	rollWeightBits = 20 // holds MaxWeight
	rollDropped    = 1 << rollWeightBits
	rollIndexShift = rollWeightBits + 1
	// maxRollIndex is the greatest log index that an entry can hold, 2^43-1: a
	// thousand entries of the log a second reach it after 278 years.
	maxRollIndex = 1<<(64-rollIndexShift) - 1
)

// rollEntry is one decoded entry. A later entry of the same voter replaces it.
type rollEntry struct {
	Weight  uint32
	Dropped bool   // the voter may no longer cast; Weight is the last one
	Index   uint64 // log index of this change
}

// roll names the voters who may vote in a poll, and their weights. Entries are appended
// and never changed, like records; the index finds a voter's last one.
//
// A voter's weight cannot change once a ballot of theirs has been counted, not even
// by dropping them and adding them again. So the weight in a voter's last entry,
// dropped or not, is the weight that their ballot was counted with, and no record
// needs to hold it.
type roll struct {
	entries store
	index   index
	turnout Turnout
	hashed  uint32 // entries covered by the digest
}

// Turnout is how many may vote and how many have voted. A voter who was dropped
// after voting still counts in both: the ballot stays.
type Turnout struct {
	Eligible, EligibleWeight uint64
	Voted, VotedWeight       uint64
}

// find returns the voter's entry; known is false if there has never been one.
func (r *roll) find(key *VoterKey) (e rollEntry, known bool) {
	n := r.index.find(&r.entries, RollEntryBytes, key)
	if n == 0 {
		return rollEntry{}, false
	}
	return decodeRollEntry(r.entries.raw(n, RollEntryBytes)), true
}

func decodeRollEntry(raw []byte) rollEntry {
	v := binary.LittleEndian.Uint64(raw[16:])
	return rollEntry{Weight: uint32(v & (rollDropped - 1)), Dropped: v&rollDropped != 0, Index: v >> rollIndexShift}
}

// put appends a voter's entry, which replaces the one before.
func (r *roll) put(key *VoterKey, e rollEntry) {
	raw := r.entries.extend(RollEntryBytes)
	copy(raw, key[:])
	v := min(e.Index, maxRollIndex)<<rollIndexShift | uint64(e.Weight)
	if e.Dropped {
		v |= rollDropped
	}
	binary.LittleEndian.PutUint64(raw[16:], v)
	r.note(key, r.entries.n)
}

// note makes an entry the voter's last one.
func (r *roll) note(key *VoterKey, number uint32) {
	if old := r.index.find(&r.entries, RollEntryBytes, key); old != 0 {
		r.index.update(key, old, number)
		return
	}
	r.index.insert(key, number)
}

// recount adjusts the turnout for an entry that replaces another. The voter must have no
// ballot: with one, the eligibility does not change.
func (r *roll) recount(old, e rollEntry) {
	if !old.Dropped && old.Weight > 0 {
		r.turnout.Eligible--
		r.turnout.EligibleWeight -= uint64(old.Weight)
	}
	if !e.Dropped {
		r.turnout.Eligible++
		r.turnout.EligibleWeight += uint64(e.Weight)
	}
}

// voted notes a voter's first ballot.
func (r *roll) voted(weight uint64) {
	r.turnout.Voted++
	r.turnout.VotedWeight += weight
}

// weight returns the weight of the voter's ballot; 1 if the poll has no roll. ok is false
// if the voter may not cast.
func (p *Poll) weight(key *VoterKey) (weight int64, ok bool) {
	if p.roll == nil {
		return 1, true
	}
	e, known := p.roll.find(key)
	return int64(e.Weight), known && !e.Dropped
}

// Enrolled is one voter's entry on a roll.
type Enrolled struct {
	Weight  uint32
	Dropped bool
	Voted   bool   // a ballot of theirs has been counted
	Index   uint64 // log index of the last change
}

// Enrolled returns a voter's entry on a poll's roll.
func (s *State) Enrolled(id string, key VoterKey) (Enrolled, *refusal.Error) {
	p, err := s.withRoll(id)
	if err != nil {
		return Enrolled{}, err
	}
	e, known := p.roll.find(&key)
	if !known || e.Weight == 0 {
		return Enrolled{}, refusal.Of(refusal.VoterNotFound)
	}
	return Enrolled{Weight: e.Weight, Dropped: e.Dropped, Voted: p.current(&key) != 0, Index: e.Index}, nil
}

// withRoll finds a poll that has a roll.
func (s *State) withRoll(id string) (*Poll, *refusal.Error) {
	p := s.Find(id)
	if p == nil {
		return nil, refusal.Of(refusal.PollNotFound)
	}
	if p.roll == nil {
		return nil, refusal.Of(refusal.RollNotFound)
	}
	return p, nil
}
