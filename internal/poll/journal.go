package poll

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// EventsLevel is the format level from which the state keeps a journal of events.
const EventsLevel = 4

// The journal is the numbered list of what happened: 1, 2, 3 … without a gap, the same on
// all members, and going on over restores. An event is made by the command that makes it
// true, so it exists only once that is committed, and a command that comes twice makes it
// once. Its payload is not kept: readers render it from the state.
//
// Events are kept in chunks that are appended to and dropped whole, so a view costs a copy
// of the list of chunks, and memory has a bound: maxEvents of 40 bytes are 10 MiB.

const (
	// keptEvents is how many events are kept whatever their age.
	keptEvents = 1 << 16
	// eventMemory is how long an event is kept, in milliseconds of the replicated clock,
	// unless maxEvents others came since: a week, so that a reader may be away for days.
	eventMemory int64 = 7 * 24 * 3600 * 1000
	// maxEvents bounds the journal. A chunk less than 2^18: they begin and end within chunks.
	maxEvents = 1<<18 - eventsPerChunk
	// eventsPerChunk is how many events are dropped together.
	eventsPerChunk = 1024
)

// event is one thing that happened. Its number follows from its place.
type event struct {
	index uint64 // log index of the entry that made it
	at    int64  // the replicated clock of that entry, which may be later than what was due
	a, b  uint64 // by kind, see EventKind
	poll  uint32 // its number; noPoll if the event is about none
	kind  EventKind
}

// noPoll is the number of no poll.
const noPoll = 1<<32 - 1

type eventChunk [eventsPerChunk]event

// journal holds the newest events. The zero value is empty.
type journal struct {
	chunks []*eventChunk // that of the oldest event first; views hold the slice
	newest uint64        // number of the newest event, 0 if there has been none
	kept   uint64        // how many are kept
}

// oldest returns the number of the oldest event that is kept; that of the next event if
// none is.
func (j *journal) oldest() uint64 { return j.newest - j.kept + 1 }

// slot returns the place of an event that is kept.
func (j *journal) slot(number uint64) *event {
	chunk := (number-1)/eventsPerChunk - (j.oldest()-1)/eventsPerChunk
	return &j.chunks[chunk][(number-1)%eventsPerChunk]
}

// append appends an event.
func (j *journal) append(e event) {
	if j.kept == 0 || j.newest%eventsPerChunk == 0 {
		j.chunks = append(j.chunks, new(eventChunk))
	}
	j.newest++
	j.kept++
	*j.slot(j.newest) = e
}

// add appends an event, and drops what need not be kept any longer.
func (j *journal) add(e event) {
	j.append(e)
	for j.kept > maxEvents || j.kept > keptEvents && j.slot(j.oldest()).at+eventMemory <= e.at {
		j.kept--
		if (j.oldest()-1)%eventsPerChunk == 0 {
			j.chunks = slices.Clone(j.chunks[1:]) // views hold the slice
		}
	}
}

// happened adds an event to the journal; p is nil if it is about no poll. The digest covers
// its number, so a member that numbers differently is found as one that counts differently.
func (s *State) happened(kind EventKind, p *Poll, a, b uint64) {
	if s.level < EventsLevel {
		return
	}
	e := event{index: s.index, at: s.until, a: a, b: b, poll: noPoll, kind: kind}
	if p != nil {
		e.poll = p.number
	}
	s.journal.add(e)
	payload := []byte{byte(kind)}
	for _, n := range []uint64{s.journal.newest, s.journal.kept, uint64(e.poll), a, b} {
		payload = binary.AppendUvarint(payload, n)
	}
	s.fold(foldEvent, "", payload)
}

// renumbered returns the journal with the polls' numbers in another state, which has every
// poll of this one.
func (j *journal) renumbered(from, to *State) journal {
	moved := journal{chunks: make([]*eventChunk, len(j.chunks)), newest: j.newest, kept: j.kept}
	for i, c := range j.chunks {
		copied := *c // views hold the chunk
		moved.chunks[i] = &copied
	}
	for n := moved.oldest(); n <= moved.newest; n++ {
		if e := moved.slot(n); e.poll != noPoll {
			e.poll = to.polls[from.order[e.poll].rules.ID].number
		}
	}
	return moved
}

var errJournal = errors.New("journal: an entry is not valid")

// HasJournal reports whether there is anything that AppendJournal would write: in a state
// below EventsLevel there is not.
func (v *View) HasJournal() bool { return v.journal.newest > 0 || len(v.rolls) > 0 }

// AppendJournal appends the encoding of the view's journal: the number of the newest event
// and how many are kept, each event after the one before it, and the rolls that changed a
// moment ago. All numbers are uvarints.
func (v *View) AppendJournal(b []byte) []byte {
	j := &v.journal
	b = binary.AppendUvarint(binary.AppendUvarint(b, j.newest), j.kept)
	var last event
	for n := j.oldest(); n <= j.newest; n++ {
		e := *j.slot(n)
		b = append(b, byte(e.kind))
		for _, n := range []uint64{e.index - last.index, uint64(e.at - last.at), uint64(e.poll), e.a, e.b} {
			b = binary.AppendUvarint(b, n)
		}
		last = e
	}
	b = binary.AppendUvarint(b, uint64(len(v.rolls)))
	for _, r := range v.rolls {
		for _, n := range []uint64{uint64(r.poll), uint64(r.due), uint64(r.added), uint64(r.changed), uint64(r.dropped)} {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

// Journal loads what View.AppendJournal wrote, after all polls.
func (l *Loader) Journal(raw []byte) error {
	c, s := NewCursor(raw), l.state
	newest := c.Bounded(1<<63 - 1)
	kept := c.Bounded(min(newest, maxEvents))
	s.journal.newest = newest - kept
	var last event
	for range kept {
		e := event{kind: EventKind(c.Byte())}
		e.index, e.at = last.index+c.Bounded(s.index-last.index), last.at+int64(c.Bounded(uint64(s.clock-last.at)))
		e.poll, e.a, e.b = uint32(c.Bounded(noPoll)), c.Uvarint(), c.Uvarint()
		switch {
		case c.Err() != nil:
			return errJournal
		case !e.kind.known():
			return fmt.Errorf("journal: events of kind %d are not known to this build; upgrade voted", e.kind)
		case !e.kind.fits(e.poll != noPoll) || e.poll != noPoll && int(e.poll) >= len(s.order):
			return errJournal
		}
		s.journal.append(e)
		last = e
	}
	if err := l.changedRolls(c); err != nil {
		return err
	}
	if c.Err() != nil || c.Len() != 0 {
		return errJournal
	}
	return nil
}
