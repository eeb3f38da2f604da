package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// FuzzMark checks that only a valid mark decodes, and that a log is refused exactly if
// it is behind its mark. If sealed is true, the bytes get a right checksum.
func FuzzMark(f *testing.F) {
	table := &stableTable{engine: newFaulty(func(string) error { return nil })}
	m := &marked{engine: table, table: table, covered: func() (uint64, error) { return 3, nil }}
	if err := errors.Join(table.StoreLogs(entries(4, 9, 10)), table.SetUint64([]byte("CurrentTerm"), 2), table.SetUint64([]byte("CurrentTerm"), 3)); err != nil {
		f.Fatal(err)
	}
	now, err := m.measure()
	if err != nil || now.last != 9 || now.writes != 2 {
		f.Fatalf("%+v, %v", now, err)
	}
	for _, seed := range []mark{now, {}, {last: 10, term: now.term, writes: 2}, {last: 9, term: now.term + 1}, {last: 2, term: 9}, {writes: 3}, {last: 1<<64 - 1}} {
		f.Add(seed.encode(), false)
		f.Add(seed.encode()[:markBytes-sumBytes], true)
	}
	f.Add([]byte{}, false)
	f.Add([]byte(markMagic), true)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			b = binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
		}
		was, ok := decodeMark(b)
		if !ok {
			return
		}
		if !bytes.Equal(was.encode(), b) && len(b) != oldMarkBytes {
			t.Fatalf("%q is read as %+v, which is written otherwise", b, was)
		}
		term, err := m.termOf(was.last)
		if err != nil {
			t.Fatal(err)
		}
		lags := was.batches > now.batches || was.last > now.last || was.writes > now.writes || (was.term != 0 && term != 0 && was.term != term)
		if err := m.compare(was, now); lags != errors.Is(err, ErrDamaged) || (err != nil) != lags {
			t.Fatalf("a log at %+v with a mark of %+v: %v", now, was, err)
		}
	})
}
