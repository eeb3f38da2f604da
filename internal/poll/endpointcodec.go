package poll

import (
	"encoding/binary"
	"errors"
)

var errEndpoints = errors.New("webhooks: an entry is not valid")

// append appends the encoding of a definition.
func (w *Webhook) append(b []byte) []byte {
	b = appendString(b, w.URL)
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(w.Kinds)), uint64(w.Rate))
	b = binary.AppendUvarint(b, uint64(len(w.Polls)))
	for _, p := range w.Polls {
		b = appendString(b, p)
	}
	return b
}

// AppendCanonical appends the encoding that Cursor.Webhook reads.
func (w *Webhook) AppendCanonical(b []byte) []byte { return w.append(b) }

// Webhook reads what Webhook.AppendCanonical wrote, even a definition that Validate refuses:
// a committed command must be readable by every member.
func (c *Cursor) Webhook() Webhook {
	w := Webhook{URL: c.String(), Kinds: KindSet(c.Uvarint()), Rate: uint16(c.Bounded(1<<16 - 1))}
	for range c.Bounded(uint64(c.Len())) {
		w.Polls = append(w.Polls, c.String())
	}
	return w
}

// append appends the encoding of all but the dead letters.
func (e *Endpoint) append(b []byte) []byte {
	b = e.Webhook.append(appendString(b, e.ID))
	for _, n := range []uint64{
		e.Number, uint64(e.Revision), uint64(e.CreatedAt), uint64(e.Key), uint64(e.PreviousKey), uint64(e.PreviousUntil),
		e.Cursor, e.Last, uint64(e.FailingSince), e.DeadEver,
	} {
		b = binary.AppendUvarint(b, n)
	}
	return appendRedeliveries(append(b, byte(e.State), byte(e.Reason), boolByte(e.Verified)), e.Again)
}

// endpoint reads an endpoint with its dead letters.
func (c *Cursor) endpoint() *Endpoint {
	e := &Endpoint{ID: c.String(), Webhook: c.Webhook()}
	e.Number, e.Revision, e.CreatedAt = c.Uvarint(), uint32(c.Bounded(1<<32-1)), int64(c.Bounded(maxTime))
	e.Key, e.PreviousKey = uint32(c.Bounded(1<<32-1)), uint32(c.Bounded(1<<32-1))
	e.PreviousUntil = int64(c.Bounded(maxTime))
	e.Cursor, e.Last, e.FailingSince, e.DeadEver = c.Uvarint(), c.Uvarint(), int64(c.Bounded(maxTime)), c.Uvarint()
	e.State, e.Reason, e.Verified = EndpointState(c.Byte()), EndpointReason(c.Byte()), c.Byte() == 1
	e.Again, e.Dead = c.redeliveries(), c.dead()
	return e
}

// appendDead appends dead letters after their number.
func appendDead(b []byte, dead []DeadLetter) []byte {
	b = binary.AppendUvarint(b, uint64(len(dead)))
	for _, d := range dead {
		b = binary.AppendUvarint(binary.AppendUvarint(b, d.Number), uint64(d.At))
		b = append(binary.AppendUvarint(b, uint64(d.Status)), byte(d.Fault), boolByte(d.Redelivered))
	}
	return b
}

func (c *Cursor) dead() (dead []DeadLetter) {
	for range c.Bounded(uint64(c.Len())) {
		d := DeadLetter{Number: c.Uvarint(), At: int64(c.Uvarint()), Status: uint16(c.Bounded(1<<16 - 1))}
		d.Fault, d.Redelivered = Fault(c.Byte()), c.Byte() == 1
		dead = append(dead, d)
	}
	return dead
}

// appendRedeliveries appends redeliveries after their number.
func appendRedeliveries(b []byte, all []Redelivery) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, r := range all {
		b = binary.AppendUvarint(binary.AppendUvarint(b, r.Number), r.Asked)
	}
	return b
}

func (c *Cursor) redeliveries() (all []Redelivery) {
	for range c.Bounded(uint64(c.Len())) {
		all = append(all, Redelivery{c.Uvarint(), c.Uvarint()})
	}
	return all
}

// appendRedone appends redeliveries that are over, after their number.
func appendRedone(b []byte, all []Redone) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, r := range all {
		b = append(binary.AppendUvarint(binary.AppendUvarint(b, r.Number), r.Asked), boolByte(r.Delivered))
	}
	return b
}

func (c *Cursor) redone() (all []Redone) {
	for range c.Bounded(uint64(c.Len())) {
		all = append(all, Redone{Redelivery{c.Uvarint(), c.Uvarint()}, c.Byte() == 1})
	}
	return all
}

// AppendPayload appends the encoding that Cursor.Progress reads.
func (c Progress) AppendPayload(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.Moves)))
	for i := range c.Moves {
		m := &c.Moves[i]
		for _, n := range []uint64{m.Endpoint, uint64(m.Revision), m.Cursor, m.Last, m.DeadEver, uint64(m.FailingSince)} {
			b = binary.AppendUvarint(b, n)
		}
		b = append(b, boolByte(m.Verified), byte(m.Disable))
		b = appendRedone(appendDead(b, m.Dead), m.Done)
	}
	return b
}

// Progress reads what Progress.AppendPayload wrote. Values are not checked here: the state
// passes over what it cannot take.
func (c *Cursor) Progress() (p Progress) {
	for range c.Bounded(uint64(c.Len())) {
		m := Move{Endpoint: c.Uvarint(), Revision: uint32(c.Bounded(1<<32 - 1)), Cursor: c.Uvarint(), Last: c.Uvarint(), DeadEver: c.Uvarint()}
		m.FailingSince = int64(c.Uvarint())
		m.Verified, m.Disable = c.Byte() == 1, EndpointReason(c.Byte())
		m.Dead, m.Done = c.dead(), c.redone()
		p.Moves = append(p.Moves, m)
	}
	return p
}

// HasEndpoints reports whether there is anything that AppendEndpoints would write.
func (v *View) HasEndpoints() bool { return v.endpoints.last > 0 || len(v.endpoints.asks) > 0 }

// AppendEndpoints appends the encoding of the view's endpoints: the number that was drawn
// last, the endpoints, and the requests that are remembered.
func (v *View) AppendEndpoints(b []byte) []byte {
	t := &v.endpoints
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(t.last)), uint64(len(t.all)))
	for _, e := range t.all {
		b = appendDead(e.append(b), e.Dead)
	}
	b = binary.AppendUvarint(b, uint64(len(t.asks)))
	for _, m := range t.asks {
		b = append(append(b, m.Request[:]...), m.Fingerprint[:]...)
		b = binary.AppendUvarint(binary.AppendUvarint(b, m.endpoint), uint64(m.at))
	}
	return b
}

// maxDrawn bounds the number that a state can have drawn last, so that what is drawn after it never
// begins again at 0: no log has so many entries.
const maxDrawn = 1 << 31

// Endpoints loads what View.AppendEndpoints wrote, after the journal.
func (l *Loader) Endpoints(raw []byte) error {
	c, s := NewCursor(raw), l.state
	t := &s.endpoints
	t.last = uint32(c.Bounded(maxDrawn))
	before := uint64(0)
	for range c.Bounded(MaxEndpoints) {
		e := c.endpoint()
		if c.Err() != nil || e.Number <= before || !s.holdable(e) {
			return errEndpoints
		}
		before = e.Number
		t.all = append(t.all, e)
	}
	for range c.Bounded(maxEndpointAsks) {
		var m askMark
		c.fill(m.Request[:])
		c.fill(m.Fingerprint[:])
		m.endpoint, m.at = c.Bounded(uint64(t.last)), int64(c.Bounded(uint64(s.clock)))
		t.asks = append(t.asks, m)
	}
	if c.Err() != nil || c.Len() != 0 {
		return errEndpoints
	}
	return nil
}

// holdable reports whether the state could have come to hold an endpoint.
func (s *State) holdable(e *Endpoint) bool {
	rising := func(n, before uint64) bool { return n > before && n <= e.Cursor }
	last := uint64(0)
	for _, d := range e.Dead {
		if !rising(d.Number, last) || d.At < 0 || d.At > maxTime {
			return false
		}
		last = d.Number
	}
	last = 0
	for _, r := range e.Again {
		if !rising(r.Number, last) || r.Asked > s.index {
			return false
		}
		last = r.Number
	}
	drawn := uint64(s.endpoints.last)
	numbered := e.Number <= drawn && uint64(max(e.Revision, e.Key, e.PreviousKey)) <= drawn
	return numbered && ValidID(e.ID) && s.endpoints.find(e.ID) < 0 && e.Validate() == nil &&
		e.State < endpointStates && e.Reason < endpointReasons &&
		e.Cursor <= s.journal.newest && e.Last <= e.Cursor && len(e.Dead) <= MaxDeadLetters && len(e.Again) <= MaxRedeliveries
}
