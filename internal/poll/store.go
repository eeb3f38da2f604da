package poll

import "bytes"

const (
	// firstRecords is the capacity of a new store: a feature poll has ten ballots.
	firstRecords = 8
	// chunkRecords is the capacity of a full chunk; a power of two, so that a
	// record is found by a shift.
	chunkRecords = 1 << chunkShift
	chunkShift   = 14
)

// store is an append-only sequence of records of one size, each of which begins with a
// voter key. Bytes below n·size are never written again, so a copy of the header is a
// consistent view forever, even while the store grows. Records are numbered from 1.
type store struct {
	// chunks hold records back to back and no pointers. Only the last one grows:
	// while it is the first, by moving to a larger one.
	chunks [][]byte
	n      uint32
}

// extend makes room for one more record and returns it, to be filled in.
func (s *store) extend(size int) []byte {
	at := int(s.n) & (chunkRecords - 1)
	if at == 0 && s.n > 0 {
		s.chunks = append(s.chunks, make([]byte, chunkRecords*size))
	} else if last := len(s.chunks) - 1; last <= 0 && at*size == s.firstCap() {
		s.growFirst(size)
	}
	s.n++
	return s.chunks[len(s.chunks)-1][at*size:][:size]
}

func (s *store) firstCap() int {
	if len(s.chunks) == 0 {
		return 0
	}
	return len(s.chunks[0])
}

// growFirst doubles the first chunk. It makes a new slice of chunks, since captures keep
// the old one.
func (s *store) growFirst(size int) {
	grown := make([]byte, min(max(firstRecords*size, 2*s.firstCap()), chunkRecords*size))
	if len(s.chunks) > 0 {
		copy(grown, s.chunks[0])
	}
	s.chunks = [][]byte{grown}
}

func (s *store) raw(number uint32, size int) []byte {
	i := number - 1
	return s.chunks[i>>chunkShift][int(i&(chunkRecords-1))*size:][:size]
}

// hasKey reports whether the record is of this voter.
func (s *store) hasKey(number uint32, size int, key *VoterKey) bool {
	return bytes.Equal(s.raw(number, size)[:len(key)], key[:])
}

// spans calls f with the raw bytes of the records from number first on, chunk by
// chunk, in order.
func (s *store) spans(first uint32, size int, f func(raw []byte)) {
	for i := first - 1; i < s.n; {
		c := i >> chunkShift
		end := uint32(min(uint64(s.n), uint64(c+1)<<chunkShift)) // the last chunk ends at 2^32
		start := int(i&(chunkRecords-1)) * size
		f(s.chunks[c][start : start+int(end-i)*size])
		i = end
	}
}
