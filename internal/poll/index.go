package poll

import "encoding/binary"

// index finds a voter's current record. It is an extendible hash table (Fagin et
// al. 1979) of (fingerprint, record number) slots: 8 bytes a slot, no pointers to
// walk for the collector, and no moment at which the whole table is rehashed.
// The keys themselves stand in the box; a fingerprint only spares most look-ups
// there. Voter keys are uniform already, so their bytes serve as the hash.
type index struct {
	// dir has 2^depth entries; several may name the same segment.
	dir   []*segment
	depth uint
	n     uint32
}

// segment is a small open-addressing table with linear probing.
type segment struct {
	slots []slot // a power of two
	used  uint32
	depth uint // how many leading hash bits all its keys share
}

type slot struct {
	fingerprint uint32
	number      uint32 // 0: empty
}

const (
	firstSlots   = 16
	segmentSlots = 4096
	// maxDepth bounds the directory to 32 MiB, enough for segments of the usual
	// size with 2^32 records. Deeper only keys could lead that were made to share
	// their first bits; their segment then grows, and they alone become slow.
	maxDepth = 22
)

// hashOf splits a key into the bits that choose a segment (from the top), those
// that choose a slot and the fingerprint.
func hashOf(key []byte) (where uint64, fingerprint uint32) {
	return binary.BigEndian.Uint64(key), binary.LittleEndian.Uint32(key[8:])
}

func (x *index) segment(where uint64) *segment {
	return x.dir[where>>(64-x.depth)&(uint64(len(x.dir))-1)]
}

// find returns the voter's current record number, 0 if there is none.
func (x *index) find(b *box, key *VoterKey) uint32 {
	if x.n == 0 {
		return 0
	}
	where, fp := hashOf(key[:])
	s := x.segment(where)
	mask := uint32(len(s.slots) - 1)
	for i := uint32(where) & mask; ; i = (i + 1) & mask {
		e := s.slots[i]
		if e.number == 0 {
			return 0
		}
		if e.fingerprint == fp && b.hasKey(e.number, key) {
			return e.number
		}
	}
}

// insert adds a voter who has no record yet.
func (x *index) insert(b *box, key *VoterKey, number uint32) {
	if x.dir == nil {
		x.dir = []*segment{{slots: make([]slot, firstSlots)}}
	}
	where, fp := hashOf(key[:])
	for {
		s := x.segment(where)
		// Three quarters full: probes stay short, and the box costs more anyway.
		if s.used < uint32(len(s.slots))/4*3 {
			s.put(where, slot{fp, number})
			x.n++
			return
		}
		if len(s.slots) < segmentSlots || s.depth == maxDepth {
			s.double(b)
		} else {
			x.split(b, s, where)
		}
	}
}

// update makes number the record of a voter whose current one is old.
func (x *index) update(b *box, key *VoterKey, old, number uint32) {
	where, _ := hashOf(key[:])
	s := x.segment(where)
	mask := uint32(len(s.slots) - 1)
	for i := uint32(where) & mask; ; i = (i + 1) & mask {
		if s.slots[i].number == old {
			s.slots[i].number = number
			return
		}
	}
}

func (s *segment) put(where uint64, e slot) {
	mask := uint32(len(s.slots) - 1)
	i := uint32(where) & mask
	for s.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = e
	s.used++
}

func (s *segment) double(b *box) {
	old := s.slots
	s.slots, s.used = make([]slot, 2*len(old)), 0
	for _, e := range old {
		if e.number != 0 {
			where, _ := hashOf(b.key(e.number))
			s.put(where, e)
		}
	}
}

// split divides a full segment by its next hash bit, and doubles the directory
// when only one entry names it.
func (x *index) split(b *box, s *segment, where uint64) {
	if s.depth == x.depth {
		dir := make([]*segment, 2*len(x.dir))
		for i, t := range x.dir {
			dir[2*i], dir[2*i+1] = t, t
		}
		x.dir = dir
		x.depth++
	}
	bit := uint64(1) << (63 - s.depth)
	low := &segment{slots: make([]slot, segmentSlots), depth: s.depth + 1}
	high := &segment{slots: make([]slot, segmentSlots), depth: s.depth + 1}
	for _, e := range s.slots {
		if e.number == 0 {
			continue
		}
		w, _ := hashOf(b.key(e.number))
		if w&bit == 0 {
			low.put(w, e)
		} else {
			high.put(w, e)
		}
	}
	span := len(x.dir) >> s.depth
	first := int(where>>(64-x.depth)) / span * span
	for i := range span {
		if i < span/2 {
			x.dir[first+i] = low
		} else {
			x.dir[first+i] = high
		}
	}
}
