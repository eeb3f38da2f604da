package poll

import "encoding/binary"

// index finds a voter's current record in a store. It is an extendible hash table (Fagin et
// al. 1979) of (hash, record number) slots: 8 bytes a slot, no pointers to walk for
// the collector, and no moment at which the whole table is rehashed. The keys
// themselves stand in the store; comparing hashes spares most look-ups there, and a
// segment that grows or splits needs none. Voter keys are uniform already, so their
// first bytes are the hash.
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
	hash   uint32
	number uint32 // 0: empty
}

const (
	firstSlots   = 16
	segmentSlots = 4096
	// maxDepth bounds the directory to 32 MiB, enough for segments of the usual size with
	// 2^32 records. Only keys that were made to share their first bits could need more;
	// their segment then grows, and they alone become slow.
	maxDepth = 22
)

// hashOf returns the bits of a key that choose a segment (from the top) and a slot
// in it (from the bottom).
func hashOf(key *VoterKey) uint32 { return binary.BigEndian.Uint32(key[:]) }

func (x *index) segment(hash uint32) *segment { return x.dir[uint64(hash)>>(32-x.depth)] }

// find returns the number of the voter's current record in a store of records of
// one size, 0 if there is none.
func (x *index) find(in *store, size int, key *VoterKey) uint32 {
	if x.n == 0 {
		return 0
	}
	hash := hashOf(key)
	s := x.segment(hash)
	mask := uint32(len(s.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		e := s.slots[i]
		if e.number == 0 {
			return 0
		}
		if e.hash == hash && in.hasKey(e.number, size, key) {
			return e.number
		}
	}
}

// insert adds a voter who has no record yet.
func (x *index) insert(key *VoterKey, number uint32) {
	if x.dir == nil {
		x.dir = []*segment{{slots: make([]slot, firstSlots)}}
	}
	hash := hashOf(key)
	for {
		s := x.segment(hash)
		if s.used < s.limit(hash) {
			s.put(slot{hash, number})
			x.n++
			return
		}
		if len(s.slots) < segmentSlots || s.depth == maxDepth {
			s.double()
		} else {
			x.split(s, hash)
		}
	}
}

// limit is how full the segment of a hash may become: about three quarters, so that
// probes stay short. It differs from segment to segment, or all would split at the
// same time and make a few commands slow.
func (s *segment) limit(hash uint32) uint32 {
	size := uint32(len(s.slots))
	if size != segmentSlots {
		return size / 4 * 3
	}
	prefix := uint32(uint64(hash) >> (32 - s.depth))
	spread := prefix * 2654435769 >> 22 // Fibonacci hashing, 10 bits
	return size/100*60 + spread
}

// update replaces a voter's current record number, old, by number.
func (x *index) update(key *VoterKey, old, number uint32) {
	hash := hashOf(key)
	s := x.segment(hash)
	mask := uint32(len(s.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s.slots[i].number == old {
			s.slots[i].number = number
			return
		}
	}
}

func (s *segment) put(e slot) {
	mask := uint32(len(s.slots) - 1)
	i := e.hash & mask
	for s.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = e
	s.used++
}

func (s *segment) double() {
	old := s.slots
	s.slots, s.used = make([]slot, 2*len(old)), 0
	for _, e := range old {
		if e.number != 0 {
			s.put(e)
		}
	}
}

// split divides a full segment by its next hash bit, and doubles the directory
// when only one entry names it.
func (x *index) split(s *segment, hash uint32) {
	if s.depth == x.depth {
		dir := make([]*segment, 2*len(x.dir))
		for i, t := range x.dir {
			dir[2*i], dir[2*i+1] = t, t
		}
		x.dir = dir
		x.depth++
	}
	bit := uint32(1) << (31 - s.depth)
	low := &segment{slots: make([]slot, segmentSlots), depth: s.depth + 1}
	high := &segment{slots: make([]slot, segmentSlots), depth: s.depth + 1}
	for _, e := range s.slots {
		switch {
		case e.number == 0:
		case e.hash&bit == 0:
			low.put(e)
		default:
			high.put(e)
		}
	}
	span := len(x.dir) >> s.depth
	first := int(uint64(hash)>>(32-x.depth)) / span * span
	for i := range span {
		if i < span/2 {
			x.dir[first+i] = low
		} else {
			x.dir[first+i] = high
		}
	}
}
