package poll

import (
	"bytes"
	"encoding/binary"
)

// RecordBytes is the size of one record. The encoding is canonical and fixed: it
// is what digests, snapshots and audits are made of. Little-endian:
//
//	 0  16  voter key
//	16   4  number of the selections in the profile
//	20   4  version
//	24   4  number of the record it supersedes, 0 for a first ballot
//	28   6  log index
//	34   6  time, milliseconds since the Unix epoch
const RecordBytes = 40

// Record is one decoded record of a box.
type Record struct {
	Key        VoterKey
	Selections uint32
	Version    uint32
	Supersedes uint32
	Index      uint64
	CastAt     int64
}

const (
	// firstRecords is the capacity of a new box: a feature poll has ten ballots.
	firstRecords = 8
	// chunkRecords is the capacity of a full chunk; a power of two, so that a
	// record is found by a shift.
	chunkRecords = 1 << chunkShift
	chunkShift   = 14
)

// box is the append-only store of a poll's records. Bytes below n·RecordBytes are
// never written again, so a copy of the header is a consistent view for ever,
// also while the box grows. Records are numbered from 1.
type box struct {
	// chunks hold records back to back and no pointers. Only the last one grows:
	// while it is the first, by moving to a larger one.
	chunks [][]byte
	n      uint32
}

// append adds a record and returns its number.
func (b *box) append(r Record) uint32 {
	at := int(b.n) & (chunkRecords - 1)
	if at == 0 && b.n > 0 {
		b.chunks = append(b.chunks, make([]byte, chunkRecords*RecordBytes))
	} else if last := len(b.chunks) - 1; last <= 0 && at*RecordBytes == b.firstCap() {
		b.growFirst()
	}
	p := b.chunks[len(b.chunks)-1][at*RecordBytes:][:RecordBytes]
	copy(p, r.Key[:])
	binary.LittleEndian.PutUint32(p[16:], r.Selections)
	binary.LittleEndian.PutUint32(p[20:], r.Version)
	binary.LittleEndian.PutUint32(p[24:], r.Supersedes)
	put48(p[28:], r.Index)
	put48(p[34:], uint64(r.CastAt))
	b.n++
	return b.n
}

func put48(p []byte, v uint64) {
	binary.LittleEndian.PutUint32(p, uint32(v))
	binary.LittleEndian.PutUint16(p[4:], uint16(v>>32))
}

func (b *box) firstCap() int {
	if len(b.chunks) == 0 {
		return 0
	}
	return len(b.chunks[0])
}

// growFirst doubles the first chunk. Captures keep the old one, which is why a
// fresh slice of chunks is made.
func (b *box) growFirst() {
	size := max(firstRecords*RecordBytes, 2*b.firstCap())
	grown := make([]byte, min(size, chunkRecords*RecordBytes))
	if len(b.chunks) > 0 {
		copy(grown, b.chunks[0])
	}
	b.chunks = [][]byte{grown}
}

func (b *box) raw(number uint32) []byte {
	i := number - 1
	return b.chunks[i>>chunkShift][int(i&(chunkRecords-1))*RecordBytes:][:RecordBytes]
}

// key returns the voter key of a record without copying it.
func (b *box) key(number uint32) []byte { return b.raw(number)[:16] }

// hasKey reports whether the record is of this voter.
func (b *box) hasKey(number uint32, key *VoterKey) bool {
	return bytes.Equal(b.key(number), key[:])
}

// record decodes a record.
func (b *box) record(number uint32) Record { return decodeRecord(b.raw(number)) }

func decodeRecord(p []byte) Record {
	return Record{
		Key:        VoterKey(p[:16]),
		Selections: binary.LittleEndian.Uint32(p[16:]),
		Version:    binary.LittleEndian.Uint32(p[20:]),
		Supersedes: binary.LittleEndian.Uint32(p[24:]),
		Index:      get48(p[28:]),
		CastAt:     int64(get48(p[34:])),
	}
}

func get48(p []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(p)) | uint64(binary.LittleEndian.Uint16(p[4:]))<<32
}

func (b *box) receipt(number uint32) Receipt {
	r := b.record(number)
	return Receipt{Ballot: number, Version: r.Version, Index: r.Index, CastAt: r.CastAt}
}

// spans calls f with the raw bytes of the records from number first on, chunk by
// chunk, in order.
func (b *box) spans(first uint32, f func(raw []byte)) {
	for i := first - 1; i < b.n; {
		c := i >> chunkShift
		end := uint32(min(uint64(b.n), uint64(c+1)<<chunkShift)) // the last chunk ends at 2^32
		start := int(i&(chunkRecords-1)) * RecordBytes
		f(b.chunks[c][start : start+int(end-i)*RecordBytes])
		i = end
	}
}
