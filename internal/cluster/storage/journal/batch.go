package journal

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

const (
	batchHead = 4 + 4 + 8 + 4
	entryHead = 1 + 8 + 8 + 1 + 8 + 4 + 4 + 4

	kindEntry  = 1
	kindSuffix = 2
	kindPrefix = 3

	suffixBytes = 1 + 8
	prefixBytes = 1 + 8 + 8
)

// head begins a batch.
type head struct {
	sectors uint32
	bytes   uint32 // of the records
	number  uint64 // counts the batches of the log
	chain   uint32 // the CRC of the last sector of the batch before
}

func (h head) append(b []byte) []byte {
	b = order.AppendUint32(b, h.sectors)
	b = order.AppendUint32(b, h.bytes)
	b = order.AppendUint64(b, h.number)
	return order.AppendUint32(b, h.chain)
}

func readHead(b []byte) head {
	return head{order.Uint32(b), order.Uint32(b[4:]), order.Uint64(b[8:]), order.Uint32(b[16:])}
}

// entryBytes is the size of an entry's record.
func entryBytes(l *raft.Log) int { return entryHead + len(l.Extensions) + len(l.Data) }

func appendEntry(b []byte, l *raft.Log) []byte {
	b = append(b, kindEntry)
	b = order.AppendUint64(b, l.Index)
	b = order.AppendUint64(b, l.Term)
	b = append(b, byte(l.Type))
	b = order.AppendUint64(b, uint64(l.AppendedAt.Unix()))
	b = order.AppendUint32(b, uint32(l.AppendedAt.Nanosecond()))
	b = order.AppendUint32(b, uint32(len(l.Extensions)))
	b = order.AppendUint32(b, uint32(len(l.Data)))
	b = append(b, l.Extensions...)
	return append(b, l.Data...)
}

func appendSuffix(b []byte, from uint64) []byte {
	return order.AppendUint64(append(b, kindSuffix), from)
}

func appendPrefix(b []byte, first, segment uint64) []byte {
	return order.AppendUint64(order.AppendUint64(append(b, kindPrefix), first), segment)
}

// record is one record of a batch, as far as the index of the log needs it.
type record struct {
	kind    byte
	index   uint64
	segment uint64 // of a prefix
	bytes   int    // with its head
}

var errRecord = errors.New("holds a record that cannot be read")

// nextRecord reads the record at the beginning of b.
func nextRecord(b []byte) (r record, err error) {
	if len(b) == 0 {
		return r, errRecord
	}
	r.kind = b[0]
	switch {
	case r.kind == kindEntry && len(b) >= entryHead:
		r.bytes = entryHead + int(order.Uint32(b[30:])) + int(order.Uint32(b[34:]))
	case r.kind == kindSuffix && len(b) >= suffixBytes:
		r.bytes = suffixBytes
	case r.kind == kindPrefix && len(b) >= prefixBytes:
		r.bytes, r.segment = prefixBytes, order.Uint64(b[9:])
	default:
		return r, errRecord
	}
	if r.bytes > len(b) {
		return r, errRecord
	}
	r.index = order.Uint64(b[1:])
	return r, nil
}

// readEntry returns the entry in b, whose parts it refers to. b is one whole record.
func readEntry(b []byte) (l raft.Log, err error) {
	if r, err := nextRecord(b); err != nil || r.kind != kindEntry || r.bytes != len(b) {
		return l, errRecord
	}
	seconds, nanoseconds := int64(order.Uint64(b[18:])), int64(order.Uint32(b[26:]))
	end := entryHead + int(order.Uint32(b[30:]))
	l = raft.Log{
		Index: order.Uint64(b[1:]), Term: order.Uint64(b[9:]), Type: raft.LogType(b[17]),
		AppendedAt: time.Unix(seconds, nanoseconds).UTC(),
	}
	if end > entryHead {
		l.Extensions = b[entryHead:end:end]
	}
	if len(b) > end {
		l.Data = b[end:len(b):len(b)]
	}
	return l, nil
}
