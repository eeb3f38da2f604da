package poll

import (
	"encoding/binary"
)

// AppendHeader appends the encoding of everything in the view but its polls.
func (v *View) AppendHeader(b []byte) []byte {
	b = binary.AppendUvarint(b, v.index)
	b = binary.AppendUvarint(b, uint64(v.clock))
	b = append(b, v.digest[:]...)
	b = binary.AppendUvarint(b, uint64(len(v.keys)))
	for _, k := range v.keys {
		b = appendString(b, k.client)
		b = appendString(b, k.key)
		b = append(b, k.fingerprint[:]...)
		b = appendString(b, k.poll)
		b = binary.AppendUvarint(b, uint64(k.expires))
	}
	b = binary.AppendUvarint(b, uint64(len(v.polls)))
	b = binary.AppendUvarint(b, uint64(v.level))
	b = binary.AppendUvarint(b, v.shift)
	b = append(b, v.origin.Backup[:]...)
	return binary.AppendUvarint(b, v.origin.Index)
}

// What may be in a poll's header, as bits. A lot is there from CountingLevel on.
const (
	hasOriginal = 1 << iota
	hasLot
)

// AppendHeader appends the encoding of everything in the capture but its roll,
// records and voter ids, which follow as RollSpans, Spans and Names give them.
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
		b = append(b, m.fingerprint[:]...)
		b = binary.AppendUvarint(b, uint64(m.at))
	}
	var there byte
	if c.original != nil {
		there |= hasOriginal
	}
	if c.lot.Order != nil {
		there |= hasLot
	}
	b = append(b, there)
	if c.original != nil {
		b = append(b, c.original[:]...)
	}
	if c.lot.Order != nil {
		b = c.lot.append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(c.entries)))
	for _, e := range c.entries {
		b = appendString(b, e)
	}
	b = binary.AppendUvarint(b, uint64(c.box.n))
	return binary.AppendUvarint(b, uint64(c.roll.n))
}

// Spans calls f with the box's records, raw and in order, in pieces of many
// records; f must not change them.
func (c *Capture) Spans(f func(raw []byte)) { c.box.spans(1, f) }

// RollSpans is Spans for the entries of the roll, dropped and changed ones included.
func (c *Capture) RollSpans(f func(raw []byte)) { c.roll.spans(1, RollEntryBytes, f) }

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
