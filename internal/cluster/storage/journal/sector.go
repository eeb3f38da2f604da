package journal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	// sectorBytes: a disk writes at least so many bytes whole or not at all.
	sectorBytes = 512
	sealBytes   = 8 // CRC and batch
	// contentBytes is what a sector holds of a batch.
	contentBytes = sectorBytes - sealBytes
)

// castagnoli is CRC-32C (RFC 3720, appendix B.4), which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// order is the byte order of the format.
var order = binary.BigEndian

// ID names a log. It is drawn at random when the log is made.
type ID [16]byte

// seed begins the CRC of every sector of a segment.
func seed(id ID, segment uint64) uint32 {
	return crc32.Checksum(order.AppendUint64(id[:], segment), castagnoli)
}

// sumOf is the CRC of the sector at a place of the segment that the seed belongs to.
func sumOf(seed, place uint32, sector []byte) uint32 {
	var at [4]byte
	order.PutUint32(at[:], place)
	return crc32.Update(crc32.Update(seed, castagnoli, at[:]), castagnoli, sector[4:])
}

// seal completes a sector whose contents are written.
func seal(seed, place, batch uint32, sector []byte) (sum uint32) {
	order.PutUint32(sector[4:], batch)
	sum = sumOf(seed, place, sector)
	order.PutUint32(sector, sum)
	return sum
}

// opened returns the batch that a sector says it belongs to, and whether its seal is
// right.
func opened(seed, place uint32, sector []byte) (batch uint32, ok bool) {
	return order.Uint32(sector[4:]), order.Uint32(sector) == sumOf(seed, place, sector)
}

// zeros reports whether all of b is zero: never written.
func zeros(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// sectorsFor returns how many sectors hold so many bytes.
func sectorsFor(contents int) uint32 { return uint32((contents + contentBytes - 1) / contentBytes) }
