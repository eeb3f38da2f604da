package poll

import (
	"fmt"

	"voted/internal/tally"
)

// Loader rebuilds a State from the parts that a View wrote. Every fault is an error that
// names the poll; State returns only a state that was loaded completely.
type Loader struct {
	state *State
	polls uint64 // how many are to come
}

// NewLoader begins with what View.AppendHeader wrote.
func NewLoader(header []byte) (*Loader, error) {
	c := NewCursor(header)
	s := NewState()
	s.index, s.clock = c.Uvarint(), int64(c.Bounded(maxTime))
	s.until = s.clock
	c.fill(s.digest[:])
	for range c.Bounded(MaxIdempotencyKeys) {
		e := keyEntry{clientKey: clientKey{client: c.String(), key: c.String()}}
		c.fill(e.fingerprint[:])
		e.poll, e.expires = c.String(), int64(c.Uvarint())
		s.keys.put(e)
	}
	l := &Loader{state: s, polls: c.Uvarint()}
	s.level = uint32(c.Bounded(1<<32 - 1))
	s.shift = c.Bounded(s.index)
	c.fill(s.origin.Backup[:])
	s.origin.Index = c.Bounded(s.index)
	if c.Err() != nil || c.Len() != 0 || s.level < FirstLevel {
		return nil, fmt.Errorf("state header: %w", ErrTruncated)
	}
	return l, nil
}

// Level returns the format level of the state that is loaded.
func (l *Loader) Level() uint32 { return l.state.level }

// Polls returns how many polls are to be loaded.
func (l *Loader) Polls() uint64 { return l.polls }

// PollLoader rebuilds one poll.
type PollLoader struct {
	poll    *Poll
	end     uint64 // log index of the state
	records uint32 // how many are to come
	entries uint32 // of the roll, likewise
}

// Poll begins the next poll with what Capture.AppendHeader wrote.
func (l *Loader) Poll(header []byte) (*PollLoader, error) {
	c := NewCursor(header)
	p := newPoll(readHeader(c, uint32(len(l.state.order))))
	for range c.Bounded(uint64(c.Len())) {
		p.fill()
		p.profile.add(c.String())
	}
	records, entries := c.Bounded(MaxRecords), c.Bounded(MaxRecords)
	id := p.rules.ID
	if c.Err() != nil || c.Len() != 0 {
		return nil, fmt.Errorf("poll %q: header: %w", id, ErrTruncated)
	}
	if !p.deleted && p.rules.method.Name == "" {
		return nil, fmt.Errorf("poll %q: the method %q is not known to this build; upgrade voted", id, p.rules.Method)
	}
	if err := l.state.holds(p); err != nil {
		return nil, err
	}
	if p.roll == nil && entries > 0 {
		return nil, fmt.Errorf("poll %q has no roll, and %d entries of one", id, entries)
	}
	if l.state.polls[id] != nil {
		return nil, fmt.Errorf("poll %q stands twice", id)
	}
	for _, e := range p.profile.entries {
		if _, ok := p.rules.Decode([]byte(e)); !ok {
			return nil, fmt.Errorf("poll %q: selections %x do not follow its rules", id, e)
		}
	}
	l.state.polls[id] = p
	l.state.order = append(l.state.order, p)
	switch {
	case p.deleted:
		l.state.removed++
	case p.closedIndex == 0:
		l.state.schedule(p, nil)
		p.opened = p.phase(l.state.clock) == Opened
	}
	return &PollLoader{poll: p, end: l.state.index, records: uint32(records), entries: uint32(entries)}, nil
}

// holds returns why the state could not have come to hold the poll. What comes from a file that
// somebody else made must not be found out by a ballot or a snapshot, which then ends every member.
func (s *State) holds(p *Poll) error {
	if last := max(p.changed, p.closedIndex); last > s.index {
		return fmt.Errorf("poll %q changed at log index %d, after the end of the state at %d", p.rules.ID, last, s.index)
	}
	if p.deleted {
		return nil
	}
	if faults := p.rules.Validate(); len(faults) > 0 {
		return fmt.Errorf("poll %q: its definition is not valid: %s: %s", p.rules.ID, faults[0].Field, faults[0].Detail)
	}
	if p.lot.Order != nil && !tally.OrdersAll(p.lot.Order, len(p.rules.Options)) {
		return fmt.Errorf("poll %q: its lot does not order its options", p.rules.ID)
	}
	return nil
}

// readHeader reads the fields of a poll's header.
func readHeader(c *Cursor, number uint32) header {
	d := c.Definition()
	var salt Salt
	c.fill(salt[:])
	h := header{number: number, deleted: c.Byte() == 1}
	h.revision = uint32(c.Uvarint())
	h.createdAt, h.closedAt = int64(c.Uvarint()), int64(c.Uvarint())
	h.closedIndex, h.changed = c.Uvarint(), c.Uvarint()
	c.fill(h.digest[:])
	for range c.Bounded(maxPatches) {
		var m patchMark
		c.fill(m.request[:])
		c.fill(m.fingerprint[:])
		m.at = int64(c.Uvarint())
		h.patches = append(h.patches, m)
	}
	there := c.Byte()
	if there&hasOriginal != 0 {
		h.original = new(Digest)
		c.fill(h.original[:])
	}
	if there&hasLot != 0 {
		h.lot = c.lot()
	}
	if h.deleted {
		h.rules = &Rules{Definition: Definition{ID: d.ID}, Salt: salt}
	} else {
		h.rules = newRules(d, salt)
	}
	return h
}

// Records returns how many records are to come.
func (l *PollLoader) Records() uint32 { return l.records }

// HasNames reports whether voter ids follow the records.
func (l *PollLoader) HasNames() bool { return l.poll.rules.Secrecy == Open }

// RollEntries returns how many entries of the roll are to come, before the records.
func (l *PollLoader) RollEntries() uint32 { return l.entries }

// AddRoll appends raw entries of the roll, whole ones.
func (l *PollLoader) AddRoll(raw []byte) error {
	p := l.poll
	for ; len(raw) >= RollEntryBytes; raw = raw[RollEntryBytes:] {
		e := decodeRollEntry(raw)
		if p.roll == nil || e.Weight > MaxWeight || e.Weight == 0 && !e.Dropped {
			return fmt.Errorf("poll %q: its roll has an entry that is not valid", p.rules.ID)
		}
		key := VoterKey(raw[:16])
		old, _ := p.roll.find(&key)
		p.roll.put(&key, e)
		p.roll.recount(old, e)
	}
	if len(raw) != 0 {
		return fmt.Errorf("poll %q: roll: %w", p.rules.ID, ErrTruncated)
	}
	return nil
}

// weigh returns the weight of a ballot, and counts a voter's first one.
func (l *PollLoader) weigh(key *VoterKey, first bool) (int64, error) {
	r := l.poll.roll
	if r == nil {
		return 1, nil
	}
	e, _ := r.find(key)
	if e.Weight == 0 {
		return 0, fmt.Errorf("poll %q: record %d is of a voter who was never on the roll", l.poll.rules.ID, l.poll.box.n+1)
	}
	if first {
		r.voted(uint64(e.Weight))
		if e.Dropped { // dropped after the ballot, which stays
			r.recount(rollEntry{}, rollEntry{Weight: e.Weight})
		}
	}
	return int64(e.Weight), nil
}

// Add appends raw records, whole ones, after the roll.
func (l *PollLoader) Add(raw []byte) error {
	p := l.poll
	for ; len(raw) >= RecordBytes; raw = raw[RecordBytes:] {
		r := decodeRecord(raw)
		if int64(r.Selections) >= int64(len(p.profile.entries)) || r.Supersedes > p.box.n || r.Index > l.end {
			return fmt.Errorf("poll %q: record %d names what does not exist", p.rules.ID, p.box.n+1)
		}
		if err := l.enter(r); err != nil {
			return err
		}
	}
	if len(raw) != 0 {
		return fmt.Errorf("poll %q: records: %w", p.rules.ID, ErrTruncated)
	}
	return nil
}

func (l *PollLoader) enter(r Record) error {
	p := l.poll
	current, version := p.current(&r.Key), uint32(1)
	if current != r.Supersedes {
		return fmt.Errorf("poll %q: record %d: its voter's current record is %d, not %d", p.rules.ID, p.box.n+1, current, r.Supersedes)
	}
	if current != 0 {
		version = p.box.record(current).Version + 1
	}
	if r.Version != version {
		return fmt.Errorf("poll %q: record %d is version %d of its voter's ballot, not %d", p.rules.ID, p.box.n+1, r.Version, version)
	}
	weight, err := l.weigh(&r.Key, current == 0)
	if err != nil {
		return err
	}
	p.profile.counts[r.Selections] += weight
	number := p.box.append(r)
	if current == 0 {
		p.index.insert(&r.Key, number)
		return nil
	}
	p.profile.counts[p.box.record(current).Selections] -= weight
	p.index.update(&r.Key, current, number)
	return nil
}

// AddName appends the next record's voter id.
func (l *PollLoader) AddName(voter string) {
	l.poll.fill()
	l.poll.names.append(voter)
}

// Done completes the poll.
func (l *PollLoader) Done() error {
	p := l.poll
	if p.box.n != l.records || l.HasNames() && len(p.names.ends) != int(p.box.n) {
		return fmt.Errorf("poll %q: %d of %d records: %w", p.rules.ID, p.box.n, l.records, ErrTruncated)
	}
	if p.roll != nil {
		if p.roll.entries.n != l.entries {
			return fmt.Errorf("poll %q: %d of %d entries of its roll: %w", p.rules.ID, p.roll.entries.n, l.entries, ErrTruncated)
		}
		p.roll.hashed = l.entries
	}
	p.hashed, p.listed = p.box.n, len(p.profile.entries)
	for n, count := range p.profile.counts {
		if p.rules.method.Additive() {
			p.rules.addTotals(&p.profile.totals, p.profile.entries[n], count)
		}
	}
	return nil
}

// State returns the state when every poll has been loaded.
func (l *Loader) State() (*State, error) {
	if uint64(len(l.state.order)) != l.polls {
		return nil, fmt.Errorf("%d of %d polls: %w", len(l.state.order), l.polls, ErrTruncated)
	}
	return l.state, nil
}
