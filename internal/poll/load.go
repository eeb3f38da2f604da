package poll

import (
	"encoding/binary"
	"fmt"
)

// AppendHeader appends the encoding of everything in the view but its polls.
func (v *View) AppendHeader(b []byte) []byte {
	b = binary.AppendUvarint(b, v.index)
	b = binary.AppendUvarint(b, uint64(v.clock))
	b = append(b, v.digest[:]...)
	b = binary.AppendUvarint(b, uint64(len(v.keys)))
	for _, k := range v.keys {
		b = appendString(b, k.key)
		b = append(b, k.fingerprint[:]...)
		b = appendString(b, k.poll)
		b = binary.AppendUvarint(b, uint64(k.expires))
	}
	return binary.AppendUvarint(b, uint64(len(v.polls)))
}

// AppendHeader appends the encoding of everything in the capture but its records
// and voter ids, which follow as Spans and NameSpans give them.
func (c *Capture) AppendHeader(b []byte) []byte {
	b = c.rules.AppendCanonical(b)
	b = append(b, c.rules.Salt[:]...)
	deleted := byte(0)
	if c.deleted {
		deleted = 1
	}
	b = append(b, deleted)
	for _, n := range []uint64{uint64(c.revision), uint64(c.createdAt), uint64(c.closedAt), c.closedIndex, c.changed} {
		b = binary.AppendUvarint(b, n)
	}
	b = append(b, c.digest[:]...)
	b = binary.AppendUvarint(b, uint64(len(c.patches)))
	for _, m := range c.patches {
		b = append(b, m.request[:]...)
		b = binary.AppendUvarint(b, uint64(m.at))
	}
	b = binary.AppendUvarint(b, uint64(len(c.entries)))
	for _, e := range c.entries {
		b = appendString(b, e)
	}
	return binary.AppendUvarint(b, uint64(c.box.n))
}

// Spans calls f with the box's records, raw and in order, in pieces of many
// records; f must not change them.
func (c *Capture) Spans(f func(raw []byte)) { c.box.spans(1, f) }

// Names returns the voter ids of an open poll, one a record, in order.
func (c *Capture) Names() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for n := range uint32(len(c.names.ends)) {
			if !yield(c.names.of(n + 1)) {
				return
			}
		}
	}
}

// Loader rebuilds a State from the parts that a View wrote. Every fault is an
// error that names the poll; the state is only handed out when all is loaded.
type Loader struct {
	state *State
	polls uint64 // how many are to come
}

// NewLoader begins with what View.AppendHeader wrote.
func NewLoader(header []byte) (*Loader, error) {
	c := NewCursor(header)
	s := NewState()
	s.index, s.clock = c.Uvarint(), int64(c.Bounded(maxTime))
	c.fill(s.digest[:])
	for range c.Bounded(MaxIdempotencyKeys) {
		e := keyEntry{key: c.String()}
		c.fill(e.fingerprint[:])
		e.poll, e.expires = c.String(), int64(c.Uvarint())
		s.keys.put(e)
	}
	l := &Loader{state: s, polls: c.Uvarint()}
	if c.Err() != nil || c.Len() != 0 {
		return nil, fmt.Errorf("state header: %w", ErrTruncated)
	}
	return l, nil
}

// Polls returns how many polls are to be loaded.
func (l *Loader) Polls() uint64 { return l.polls }

// PollLoader rebuilds one poll.
type PollLoader struct {
	poll    *Poll
	records uint32 // how many are to come
}

// Poll begins the next poll with what Capture.AppendHeader wrote.
func (l *Loader) Poll(header []byte) (*PollLoader, error) {
	c := NewCursor(header)
	p := &Poll{header: readHeader(c, uint32(len(l.state.order)))}
	for range c.Bounded(uint64(c.Len())) {
		p.profile.add(c.String())
	}
	records := c.Bounded(MaxRecords)
	id := p.rules.ID
	if c.Err() != nil || c.Len() != 0 {
		return nil, fmt.Errorf("poll %q: header: %w", id, ErrTruncated)
	}
	if !p.deleted && p.rules.method.Name == "" {
		return nil, fmt.Errorf("poll %q: the method %q is not known to this build; upgrade voted", id, p.rules.Method)
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
		l.state.schedule(p)
	}
	return &PollLoader{poll: p, records: uint32(records)}, nil
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
		m.at = int64(c.Uvarint())
		h.patches = append(h.patches, m)
	}
	if h.deleted {
		h.rules = &Rules{Definition: Definition{ID: d.ID}}
	} else {
		h.rules = newRules(d, salt)
	}
	return h
}

// Records returns how many records are to come.
func (l *PollLoader) Records() uint32 { return l.records }

// HasNames reports whether voter ids follow the records.
func (l *PollLoader) HasNames() bool { return l.poll.rules.Secrecy == Open }

// Add appends raw records, whole ones.
func (l *PollLoader) Add(raw []byte) error {
	p := l.poll
	for ; len(raw) >= RecordBytes; raw = raw[RecordBytes:] {
		r := decodeRecord(raw)
		if int64(r.Selections) >= int64(len(p.profile.entries)) || r.Supersedes > p.box.n {
			return fmt.Errorf("poll %q: record %d names what does not exist", p.rules.ID, p.box.n+1)
		}
		if err := l.index(r); err != nil {
			return err
		}
	}
	if len(raw) != 0 {
		return fmt.Errorf("poll %q: records: %w", p.rules.ID, ErrTruncated)
	}
	return nil
}

func (l *PollLoader) index(r Record) error {
	p := l.poll
	current := p.current(&r.Key)
	if current != r.Supersedes {
		return fmt.Errorf("poll %q: record %d: its voter's current record is %d, not %d", p.rules.ID, p.box.n+1, current, r.Supersedes)
	}
	p.profile.counts[r.Selections]++
	number := p.box.append(r)
	if current == 0 {
		p.index.insert(&r.Key, number)
		return nil
	}
	p.profile.counts[p.box.record(current).Selections]--
	p.index.update(&r.Key, current, number)
	return nil
}

// AddName appends the next record's voter id.
func (l *PollLoader) AddName(voter string) { l.poll.names.append(voter) }

// Done completes the poll.
func (l *PollLoader) Done() error {
	p := l.poll
	if p.box.n != l.records || l.HasNames() && len(p.names.ends) != int(p.box.n) {
		return fmt.Errorf("poll %q: %d of %d records: %w", p.rules.ID, p.box.n, l.records, ErrTruncated)
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
