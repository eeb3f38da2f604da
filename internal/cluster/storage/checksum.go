package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// castagnoli is CRC-32C (RFC 3720, appendix B.4), which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sumBytes = 4

// checksummed adds a CRC-32C to everything stored and checks it on everything read,
// because bbolt's pages have none. An entry carries it as the last four bytes of its
// Extensions, a value as its own last four bytes.
//
// raft replicates Extensions, so the checksum is removed again on reading: what other
// members receive does not depend on how this one stores. StoreLogs changes the heads
// of the entries, so callers must pass heads of their own (guarded copies them).
type checksummed struct{ engine }

// StoreLog implements raft.LogStore.
func (c *checksummed) StoreLog(log *raft.Log) error { return c.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (c *checksummed) StoreLogs(logs []*raft.Log) error {
	for _, l := range logs {
		n := len(l.Extensions)
		// The full slice expression forces a copy: the bytes before are shared with raft.
		l.Extensions = binary.BigEndian.AppendUint32(l.Extensions[:n:n], entrySum(l, l.Extensions))
	}
	return c.engine.StoreLogs(logs)
}

// GetLog implements raft.LogStore.
func (c *checksummed) GetLog(index uint64, log *raft.Log) error {
	var entry raft.Log
	if err := c.engine.GetLog(index, &entry); err != nil {
		if isAnswer(err) {
			return err
		}
		return fmt.Errorf("%w: entry %d is unreadable: %w", ErrDamaged, index, err)
	}
	if entry.Index != index {
		return fmt.Errorf("%w: entry %d says that it is entry %d", ErrDamaged, index, entry.Index)
	}
	n := len(entry.Extensions) - sumBytes
	if n < 0 {
		return fmt.Errorf("%w: entry %d has no checksum", ErrDamaged, index)
	}
	sum := binary.BigEndian.Uint32(entry.Extensions[n:])
	entry.Extensions = entry.Extensions[:n:n]
	if sum != entrySum(&entry, entry.Extensions) {
		return fmt.Errorf("%w: entry %d does not match its checksum", ErrDamaged, index)
	}
	if n == 0 {
		entry.Extensions = nil
	}
	*log = entry
	return nil
}

// entrySum covers every field, each at a fixed place or with its length.
func entrySum(l *raft.Log, extensions []byte) uint32 {
	var head [8 + 8 + 1 + 8 + 4 + 8]byte
	binary.BigEndian.PutUint64(head[0:], l.Index)
	binary.BigEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	binary.BigEndian.PutUint64(head[17:], uint64(l.AppendedAt.Unix()))
	binary.BigEndian.PutUint32(head[25:], uint32(l.AppendedAt.Nanosecond()))
	binary.BigEndian.PutUint64(head[29:], uint64(len(extensions)))
	sum := crc32.Update(0, castagnoli, head[:])
	sum = crc32.Update(sum, castagnoli, extensions)
	return crc32.Update(sum, castagnoli, l.Data)
}

// Set implements raft.StableStore.
func (c *checksummed) Set(key, value []byte) error {
	sealed := make([]byte, 0, len(value)+sumBytes)
	sealed = append(sealed, value...)
	return c.engine.Set(key, binary.BigEndian.AppendUint32(sealed, valueSum(key, value)))
}

// Get implements raft.StableStore.
func (c *checksummed) Get(key []byte) ([]byte, error) {
	sealed, err := c.engine.Get(key)
	if err != nil {
		return nil, err
	}
	n := len(sealed) - sumBytes
	if n < 0 || binary.BigEndian.Uint32(sealed[n:]) != valueSum(key, sealed[:n]) {
		return nil, fmt.Errorf("%w: the stored value %q does not match its checksum", ErrDamaged, key)
	}
	return sealed[:n:n], nil
}

// valueSum covers the key, too: a value stored under another key is damage.
func valueSum(key, value []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, value)
}
