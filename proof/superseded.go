package proof

import (
	"fmt"
	"iter"
)

// Superseded says which ballots of a log were replaced by later ones: bit n of it, the
// lowest of a byte first, is set if ballot n was. Bit 0 belongs to the definition, and is
// never set. Chunks of 32 bytes, the last one filled up with zero bits, are the leaves of
// a hash tree of their own; so chunk k speaks of the same entries as tile k of the log.
//
// The tree of the log shows that a ballot is in it. That nothing came later is shown by
// this tree, whose root is in the closing entry.
type Superseded struct {
	records uint32
	chunks  [][chunkBytes]byte
}

const (
	chunkBytes = 32
	chunkBits  = 8 * chunkBytes
)

// chunksOf returns how many chunks the bits of ballots 1 up to records have.
func chunksOf(records uint32) uint64 { return uint64(records)/chunkBits + 1 }

// NewSuperseded returns the bits of a log in which no ballot was replaced.
func NewSuperseded(records uint32) *Superseded {
	return &Superseded{records, make([][chunkBytes]byte, chunksOf(records))}
}

// Grow makes room for ballots up to this number. None of the new ones is replaced.
func (s *Superseded) Grow(records uint32) {
	s.records = max(s.records, records)
	for uint64(len(s.chunks)) < chunksOf(s.records) {
		s.chunks = append(s.chunks, [chunkBytes]byte{})
	}
}

// Set says that a ballot was replaced. The number is one of 1 up to records.
func (s *Superseded) Set(ballot uint32) {
	s.chunks[ballot/chunkBits][ballot%chunkBits/8] |= 1 << (ballot % 8)
}

func (s *Superseded) has(ballot uint32) bool {
	return s.chunks[ballot/chunkBits][ballot%chunkBits/8]>>(ballot%8)&1 != 0
}

// Root returns the root of the tree of chunks.
func (s *Superseded) Root() (Hash, error) {
	v, err := s.view()
	if err != nil {
		return Hash{}, err
	}
	return v.Root()
}

// Prove returns the chunk that a ballot's bit is in, and the hashes from it to the root.
func (s *Superseded) Prove(ballot uint32) (Chunk, error) {
	v, err := s.view()
	if err != nil {
		return Chunk{}, err
	}
	path, err := v.Inclusion(uint64(ballot / chunkBits))
	if err != nil {
		return Chunk{}, err
	}
	return Chunk{s.chunks[ballot/chunkBits], path}, nil
}

func (s *Superseded) view() (*View, error) {
	entries := func(from, to uint64) iter.Seq[[]byte] {
		return func(yield func([]byte) bool) {
			for i := from; i < to && yield(s.chunks[i][:]); i++ {
			}
		}
	}
	var t Tree
	if err := t.Grow(uint64(len(s.chunks)), entries); err != nil {
		return nil, err
	}
	return t.At(uint64(len(s.chunks)), entries)
}

// Chunk is a part of Superseded with the hashes that prove it.
type Chunk struct {
	Bits [chunkBytes]byte
	Path []Hash
}

// CheckCurrent checks that a ballot was the last one of its voter at the close: that the
// chunk is the one that the closing entry stands for, and that the ballot's bit is not set.
// It fails with ErrSuperseded if the bit is set.
func (e ClosingEntry) CheckCurrent(ballot uint32, c Chunk) error {
	if ballot == 0 || ballot > e.Records {
		return fmt.Errorf("%w: there is no ballot %d among %d", ErrNotInTree, ballot, e.Records)
	}
	if err := CheckInclusion(e.Superseded, chunksOf(e.Records), uint64(ballot/chunkBits), LeafHash(c.Bits[:]), c.Path); err != nil {
		return fmt.Errorf("which ballots were replaced: %w", err)
	}
	if c.Bits[ballot%chunkBits/8]>>(ballot%8)&1 != 0 {
		return fmt.Errorf("%w: the log closed with a later ballot in the place of ballot %d", ErrSuperseded, ballot)
	}
	return nil
}
