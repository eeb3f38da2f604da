package poll

import "encoding/binary"

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

// box is the append-only store of a poll's records.
type box struct{ store }

// append adds a record and returns its number.
func (b *box) append(r Record) uint32 {
	p := b.extend(RecordBytes)
	copy(p, r.Key[:])
	binary.LittleEndian.PutUint32(p[16:], r.Selections)
	binary.LittleEndian.PutUint32(p[20:], r.Version)
	binary.LittleEndian.PutUint32(p[24:], r.Supersedes)
	put48(p[28:], r.Index)
	put48(p[34:], uint64(r.CastAt))
	return b.n
}

func put48(p []byte, v uint64) {
	binary.LittleEndian.PutUint32(p, uint32(v))
	binary.LittleEndian.PutUint16(p[4:], uint16(v>>32))
}

// record decodes a record.
func (b *box) record(number uint32) Record { return decodeRecord(b.raw(number, RecordBytes)) }

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

// spans calls f with the raw records from number first on, in order.
func (b *box) spans(first uint32, f func(raw []byte)) { b.store.spans(first, RecordBytes, f) }
