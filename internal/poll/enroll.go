package poll

import "encoding/binary"

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
// Since is the last log index that whoever sent the lines had seen. It is what keeps
// a late duplicate from undoing a later change: the duplicate has not seen it.
type Enroll struct {
	Poll  string
	Since uint64
	Lines []RollLine // at most MaxRollLines
}

// Drop is the command that takes a voter off a roll: further ballots are refused,
// one that has been counted stays. Since is as in Enroll. A voter who is not on the
// roll is noted as dropped too, so that an upload which began before cannot add them
// afterwards.
type Drop struct {
	Poll  string
	Since uint64
	Key   VoterKey
}

// RollResult is what became of the lines of an Enroll.
type RollResult struct {
	Added, Changed, Unchanged uint32
	Refused                   []RollRefusal // in the order of the lines
}

// RollRefusal is one line that was refused.
type RollRefusal struct {
	Line uint32 // from 0
	Code Code
}

// rollRefusals are the sentences for what can be refused of a line.
var rollRefusals = map[Code]string{
	CodePollClosed:       "The poll has closed; its roll cannot be changed any more.",
	CodeMalformedRequest: "A weight is a whole number from 1 to 1000000.",
	CodeSuperseded:       "This voter's entry was changed after this upload began, or stands earlier in it with another weight; look at it before changing it again.",
	CodeAlreadyVoted:     "This voter has voted; the weight of a ballot that has been counted cannot change.",
	CodePollFull:         "The roll has as many entries as it can hold.",
}

// Detail says in a sentence why the line was refused.
func (r RollRefusal) Detail() string { return rollRefusals[r.Code] }

func (c Enroll) apply(s *State) Result { return s.enroll(c) }
func (c Drop) apply(s *State) Result   { return s.drop(c) }

// enroll decides every line by itself.
func (s *State) enroll(c Enroll) Result {
	p, err := s.withRoll(c.Poll)
	if err != nil {
		return s.fail(c.Poll, err)
	}
	if len(c.Lines) > MaxRollLines {
		return s.fail(c.Poll, Refuse(CodePayloadTooLarge, "At most %d lines of a roll are applied at once.", MaxRollLines))
	}
	var r RollResult
	for i := range c.Lines {
		old, known := p.roll.find(&c.Lines[i].Key)
		code, same := p.mayEnroll(s, &c.Lines[i], c.Since, old, known)
		switch {
		case same:
			r.Unchanged++
			continue
		case code != CodeNone:
			r.Refused = append(r.Refused, RollRefusal{uint32(i), code})
			continue
		case known && !old.Dropped:
			r.Changed++
		default:
			r.Added++
		}
		p.enter(s, &c.Lines[i].Key, old, rollEntry{Weight: c.Lines[i].Weight, Index: s.index})
	}
	return Result{Poll: c.Poll, Index: s.index, Roll: &r}
}

// mayEnroll decides one line; same says that the roll says this already.
func (p *Poll) mayEnroll(s *State, l *RollLine, since uint64, old rollEntry, known bool) (code Code, same bool) {
	switch {
	case known && !old.Dropped && old.Weight == l.Weight:
		return CodeNone, true
	case p.phase(s.clock) == Closed:
		return CodePollClosed, false
	case l.Weight == 0 || l.Weight > MaxWeight:
		return CodeMalformedRequest, false
	case known && old.Index > since:
		return CodeSuperseded, false
	case known && old.Weight != l.Weight && p.current(&l.Key) != 0:
		return CodeAlreadyVoted, false
	case p.roll.entries.n >= MaxRecords:
		return CodePollFull, false
	}
	return CodeNone, false
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
		return s.fail(c.Poll, Refuse(CodePollClosed, "The poll %s has closed; its roll cannot be changed any more.", c.Poll))
	case known && old.Index > c.Since:
		return s.fail(c.Poll, Refuse(CodeSuperseded, "This voter's entry was changed while the request was under way; look at it, then drop the voter again."))
	case p.roll.entries.n >= MaxRecords:
		return s.fail(c.Poll, Refuse(CodePollFull, "The roll of poll %s has as many entries as it can hold.", c.Poll))
	}
	p.enter(s, &c.Key, old, rollEntry{Weight: old.Weight, Dropped: true, Index: s.index})
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
