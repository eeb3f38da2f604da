package journal

import (
	"fmt"
)

const (
	magic  = "votedlog"
	format = 1
	suffix = ".seg"

	// minSectors is the smallest segment: its head and a sector.
	minSectors = 2
	// maxSectors is so small that every place in the contents of a segment fits 32 bits.
	maxSectors = 4 << 20
)

// segment is one file of the log.
type segment struct {
	name    string
	number  uint64
	sectors uint32
	file    file
	seed    uint32

	batches uint32 // written so far
	end     uint32 // the first sector that is not used
	last    uint32 // the first sector of the last batch
	sum     uint32 // the CRC of the last batch's last sector
	torn    uint32 // the sector behind what a torn append has left; 0: nothing
}

func nameOf(number uint64) string { return fmt.Sprintf("%016d%s", number, suffix) }

// numberOf returns the number of a segment's file, 0 for another file.
func numberOf(name string) uint64 {
	var n uint64
	if _, err := fmt.Sscanf(name, "%d"+suffix, &n); err != nil || nameOf(n) != name {
		return 0
	}
	return n
}

func newSegment(id ID, number uint64, sectors uint32, f file) *segment {
	return &segment{name: nameOf(number), number: number, sectors: sectors, file: f, seed: seed(id, number), end: 1}
}

// headOf returns the first sector of a segment.
func headOf(id ID, number uint64, sectors uint32) []byte {
	b := make([]byte, sealBytes, sectorBytes)
	b = append(b, magic...)
	b = order.AppendUint32(b, format)
	b = append(b, id[:]...)
	b = order.AppendUint64(b, number)
	b = order.AppendUint32(b, sectors)
	b = b[:sectorBytes]
	// Sealed without a seed: the id and the number are in it.
	seal(0, 0, 0, b)
	return b
}

// openSegment opens the file of that number and reads its head.
func openSegment(in folder, id ID, number uint64) (s *segment, err error) {
	name := nameOf(number)
	f, err := in.open(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // only read so far
		}
	}()
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	if size < minSectors*sectorBytes {
		return nil, damaged(name, "the segment has only %d bytes", size)
	}
	b := make([]byte, sectorBytes)
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, err
	}
	sectors, err := readSegmentHead(b, name, id, number)
	if err != nil {
		return nil, err
	}
	if size != int64(sectors)*sectorBytes {
		return nil, damaged(name, "the segment has %d bytes, not %d", size, int64(sectors)*sectorBytes)
	}
	return newSegment(id, number, sectors, f), nil
}

// readSegmentHead checks the first sector of a file. The seal, the magic and the place of
// the format are the same in all formats to come.
func readSegmentHead(b []byte, name string, id ID, number uint64) (sectors uint32, err error) {
	c := b[sealBytes:]
	at := len(magic)
	if _, ok := opened(0, 0, b); !ok || string(c[:at]) != magic {
		return 0, damaged(name, "it does not begin like a segment of a log")
	}
	if f := order.Uint32(c[at:]); f > format {
		return 0, fmt.Errorf("%w: %s has format %d, and this version reads formats up to %d", ErrLater, name, f, format)
	}
	at += 4
	if ID(c[at:at+len(id)]) != id {
		return 0, damaged(name, "the segment belongs to another member's log, or to an earlier one of this member")
	}
	at += len(id)
	if n := order.Uint64(c[at:]); n != number {
		return 0, damaged(name, "the segment says that it is number %d", n)
	}
	sectors = order.Uint32(c[at+8:])
	if sectors < minSectors || sectors > maxSectors {
		return 0, damaged(name, "the segment claims to have %d sectors", sectors)
	}
	return sectors, nil
}

// room is how many bytes of records one more batch can have.
func (s *segment) room() int { return max(0, roomIn(s.sectors-s.end)) }

func roomIn(sectors uint32) int { return int(sectors)*contentBytes - batchHead }

// read returns n bytes of contents from a place in the contents of the segment. They
// must be of one batch.
func (s *segment) read(at, n uint32) ([]byte, error) {
	first, last := at/contentBytes, (at+n-1)/contentBytes
	b := make([]byte, int(last-first+1)*sectorBytes)
	if _, err := s.file.ReadAt(b, int64(first)*sectorBytes); err != nil {
		return nil, err
	}
	var of uint32
	contents := b[:0]
	for i := first; i <= last; i++ {
		sector := b[int(i-first)*sectorBytes:][:sectorBytes]
		batch, ok := opened(s.seed, i, sector)
		if i == first {
			of = batch
		}
		if !ok || batch != of {
			return nil, s.damagedAt(i, "does not match its checksum")
		}
		contents = append(contents, sector[sealBytes:]...) // in place: it never overtakes what is read
	}
	skip := at - first*contentBytes
	return contents[skip : skip+n : skip+n], nil
}

func (s *segment) damagedAt(sector uint32, format string, args ...any) error {
	return damaged(s.name, "the sector at byte %d %s", int64(sector)*sectorBytes, fmt.Sprintf(format, args...))
}

// write appends a batch of records and makes it durable. buffer is used again.
func (s *segment) write(number uint64, chain uint32, records, buffer []byte) ([]byte, error) {
	n := sectorsFor(batchHead + len(records))
	b := buffer[:0]
	h := head{n, uint32(len(records)), number, chain}.append(make([]byte, 0, batchHead))
	sum := uint32(0)
	for i := range n {
		at := len(b)
		b = append(b, make([]byte, sealBytes)...)
		room := contentBytes
		if i == 0 {
			b = append(b, h...)
			room -= len(h)
		}
		part := records[:min(room, len(records))]
		records = records[len(part):]
		b = append(b, part...)
		b = append(b, make([]byte, room-len(part))...)
		sum = seal(s.seed, s.end+i, s.batches+1, b[at:])
	}
	if _, err := s.file.WriteAt(b, int64(s.end)*sectorBytes); err != nil {
		return b, err
	}
	if err := s.file.sync(); err != nil {
		return b, err
	}
	s.batches, s.last, s.end, s.sum = s.batches+1, s.end, s.end+n, sum
	return b, nil
}
