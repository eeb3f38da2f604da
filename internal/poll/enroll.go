package poll

import (
	"encoding/binary"

	"voted/internal/refusal"
)

// RollLine is one voter to be put on a roll.
type RollLine struct {
	Key    VoterKey
	Weight uint32 // 1 to MaxWeight
}

// Enroll is the command that puts voters on a poll's roll, or changes their weight.
// Each line is decided by itself:
//
//   - it says what the roll says: unchanged, also after the poll has closed
//   - the poll has closed: poll_closed
//   - the voter's entry was changed after Since: superseded
//   - another weight for a voter who has voted: already_voted
//   - added, or changed
//
// Since is the last log index that the sender of the lines had seen. It keeps a late
// duplicate from undoing a change that came after that index.
type Enroll struct {
	Poll  string
	Since uint64
	Lines []RollLine // at most MaxRollLines
}

// Drop is the command that takes a voter off a roll: further ballots are refused, a
// counted one stays. Since is as in Enroll. A voter who is not on the roll is noted as
// dropped too, so that an upload which began earlier cannot add them afterwards.
type Drop struct {
	Poll  string
	Since uint64
	Key   VoterKey
}

// RollResult counts the outcomes of the lines of an Enroll.
type RollResult struct {
	Added, Changed, Unchanged uint32
	Refused                   []RollRefusal // in the order of the lines
}

// RollRefusal is one line that was refused.
type RollRefusal struct {
	Line uint32 // from 0
	Code refusal.Code
}

func (c Enroll) apply(s *State) Result { return s.enroll(c) }
func (c Drop) apply(s *State) Result   { return s.drop(c) }

// enroll decides every line by itself.
func (s *State) enroll(c Enroll) Result {
	p, err := s.withRoll(c.Poll)
	if err != nil {
		return s.fail(c.Poll, err)
	}
	if len(c.Lines) > MaxRollLines {
		return s.fail(c.Poll, refusal.Of(refusal.PayloadTooLarge))
	}
	var r RollResult
	for i := range c.Lines {
		old, known := p.roll.find(&c.Lines[i].Key)
		code, same := p.mayEnroll(s, &c.Lines[i], c.Since, old, known)
		switch {
		case same:
			r.Unchanged++
			continue
		case code != refusal.None:
			r.Refused = append(r.Refused, RollRefusal{uint32(i), code})
			continue
		case known && !old.Dropped:
			r.Changed++
			s.rollChanged(p).changed++
		default:
			r.Added++
			s.rollChanged(p).added++
		}
		p.enter(s, &c.Lines[i].Key, old, rollEntry{Weight: c.Lines[i].Weight, Index: s.index})
	}
	return Result{Poll: c.Poll, Index: s.index, Roll: &r}
}

// mayEnroll decides one line; same reports whether the roll has this entry already.
func (p *Poll) mayEnroll(s *State, l *RollLine, since uint64, old rollEntry, known bool) (code refusal.Code, same bool) {
	switch {
	case known && !old.Dropped && old.Weight == l.Weight:
		return refusal.None, true
	case p.phase(s.clock) == Closed:
		return refusal.PollClosed, false
	case l.Weight == 0 || l.Weight > MaxWeight:
		return refusal.MalformedRequest, false
	case known && old.Index > since:
		return refusal.Superseded, false
	case known && old.Weight != l.Weight && p.current(&l.Key) != 0:
		return refusal.AlreadyVoted, false
	case p.roll.entries.n >= MaxRecords:
		return refusal.PollFull, false
	}
	return refusal.None, false
}

// enter changes a voter's entry.
func (p *Poll) enter(s *State, key *VoterKey, old, e rollEntry) {
	s.touch(p)
	p.roll.put(key, e)
	if p.current(key) == 0 {
		p.roll.recount(old, e)
	}
}

// drop takes a voter off a roll; one who is off stays off.
func (s *State) drop(c Drop) Result {
	p, err := s.withRoll(c.Poll)
	if err != nil {
		return s.fail(c.Poll, err)
	}
	old, known := p.roll.find(&c.Key)
	switch {
	case known && old.Dropped:
		return Result{Poll: c.Poll, Index: s.index}
	case p.phase(s.clock) == Closed:
		return s.fail(c.Poll, refusal.Of(refusal.PollClosed))
	case known && old.Index > c.Since:
		return s.fail(c.Poll, refusal.Of(refusal.Superseded))
	case p.roll.entries.n >= MaxRecords:
		return s.fail(c.Poll, refusal.Of(refusal.PollFull))
	}
	p.enter(s, &c.Key, old, rollEntry{Weight: old.Weight, Dropped: true, Index: s.index})
	s.rollChanged(p).dropped++
	return Result{Poll: c.Poll, Index: s.index}
}

// foldRoll makes the poll's digest cover the roll's new entries.
func (p *Poll) foldRoll(write func(raw []byte)) {
	r := p.roll
	if r == nil {
		return
	}
	write(binary.AppendUvarint(nil, uint64(r.entries.n-r.hashed)))
	r.entries.spans(r.hashed+1, RollEntryBytes, write)
	r.hashed = r.entries.n
}
