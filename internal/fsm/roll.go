package fsm

import (
	"encoding/binary"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// The payload of an enroll command: string poll, uvarint since, uvarint number of
// lines, then each:
//
//	16       voter key
//	uvarint  weight
//
// and of a drop: string poll, uvarint since, 16 bytes of voter key.

// minLineBytes is the least that a line takes.
const minLineBytes = len(poll.VoterKey{}) + 1

func encodeEnroll(c poll.Enroll) []byte {
	b := make([]byte, 0, len(c.Poll)+16+len(c.Lines)*(minLineBytes+2))
	b = appendString(b, c.Poll)
	b = binary.AppendUvarint(b, c.Since)
	b = binary.AppendUvarint(b, uint64(len(c.Lines)))
	for i := range c.Lines {
		b = append(b, c.Lines[i].Key[:]...)
		b = binary.AppendUvarint(b, uint64(c.Lines[i].Weight))
	}
	return b
}

func decodeEnroll(c *poll.Cursor) poll.Enroll {
	e := poll.Enroll{Poll: c.String(), Since: c.Uvarint()}
	n := c.Bounded(uint64(c.Len() / minLineBytes))
	e.Lines = make([]poll.RollLine, n)
	for i := range e.Lines {
		copy(e.Lines[i].Key[:], c.Bytes(len(poll.VoterKey{})))
		e.Lines[i].Weight = uint32(c.Bounded(1<<32 - 1)) // not checked here: the roll's rules refuse bad values
	}
	return e
}

func encodeDrop(c poll.Drop) []byte {
	b := appendString(nil, c.Poll)
	b = binary.AppendUvarint(b, c.Since)
	return append(b, c.Key[:]...)
}

func decodeDrop(c *poll.Cursor) poll.Drop {
	d := poll.Drop{Poll: c.String(), Since: c.Uvarint()}
	copy(d.Key[:], c.Bytes(len(d.Key)))
	return d
}

// appendRoll appends the result of a roll's lines, if there is one. It is at the end of
// a result.
func appendRoll(b []byte, r *poll.RollResult) []byte {
	for _, n := range []uint32{r.Added, r.Changed, r.Unchanged, uint32(len(r.Refused))} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, x := range r.Refused {
		b = append(binary.AppendUvarint(b, uint64(x.Line)), byte(x.Code))
	}
	return b
}

func readRoll(c *poll.Cursor) *poll.RollResult {
	const most = 1<<32 - 1
	r := &poll.RollResult{Added: uint32(c.Bounded(most)), Changed: uint32(c.Bounded(most)), Unchanged: uint32(c.Bounded(most))}
	for range c.Bounded(uint64(c.Len() / 2)) {
		r.Refused = append(r.Refused, poll.RollRefusal{Line: uint32(c.Bounded(most)), Code: refusal.Code(c.Byte())})
	}
	return r
}
