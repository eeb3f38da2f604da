package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"testing"
)

// recordAt makes a record whose every field depends on its number.
func recordAt(n uint32) Record {
	var seed [8]byte
	binary.LittleEndian.PutUint32(seed[:], n)
	sum := sha256.Sum256(seed[:])
	return Record{
		Key: VoterKey(sum[:16]), Selections: n * 3, Version: n*5 + 1, Supersedes: n / 2,
		Index: uint64(n)<<16 | 7, CastAt: int64(n)<<15 | 5,
	}
}

func TestTheBoxKeepsEveryRecordAcrossItsGrowth(t *testing.T) {
	t.Parallel()
	borders := map[uint32]bool{}
	for _, n := range []uint32{1, firstRecords, 16, 1024, chunkRecords, 2 * chunkRecords, 3 * chunkRecords} {
		borders[n-1], borders[n], borders[n+1] = true, true, true
	}
	var b box
	captured := map[uint32]box{}
	const last = 3*chunkRecords + 2
	for n := uint32(1); n <= last; n++ {
		if got := b.append(recordAt(n)); got != n {
			t.Fatalf("record %d got the number %d", n, got)
		}
		if borders[n] {
			captured[n] = b
		}
	}
	captured[last] = b
	for n, c := range captured {
		checkBox(t, &c, n)
	}
	if got := len(b.chunks); got != 4 {
		t.Fatalf("%d chunks for %d records", got, last)
	}
}

func checkBox(t *testing.T, b *box, n uint32) {
	t.Helper()
	if b.n != n {
		t.Fatalf("a box of %d records was captured, it has %d", n, b.n)
	}
	for i := uint32(1); i <= n; i++ {
		if got := b.record(i); got != recordAt(i) {
			t.Fatalf("box of %d: record %d is %+v, not %+v", n, i, got, recordAt(i))
		}
	}
	for _, first := range []uint32{1, n/2 + 1, n, n + 1} {
		next := first
		b.spans(first, func(raw []byte) {
			for ; len(raw) > 0; raw = raw[RecordBytes:] {
				if decodeRecord(raw) != recordAt(next) {
					t.Fatalf("box of %d: the spans from %d give another record %d", n, first, next)
				}
				next++
			}
		})
		if next != n+1 {
			t.Fatalf("box of %d: the spans from %d end before %d", n, first, next)
		}
	}
}

func TestARecordHoldsItsLargestNumbers(t *testing.T) {
	t.Parallel()
	var b box
	want := Record{Selections: math.MaxUint32, Version: math.MaxUint32, Supersedes: math.MaxUint32, Index: 1<<48 - 1, CastAt: maxTime}
	if got := b.record(b.append(want)); got != want {
		t.Fatalf("%+v came back as %+v", want, got)
	}
}

// The last chunk of the largest box ends where 32 bits do.
func TestSpansReachTheLastRecordThatHasANumber(t *testing.T) {
	t.Parallel()
	b := box{store{chunks: make([][]byte, 1<<(32-chunkShift)), n: MaxRecords}}
	same := make([]byte, chunkRecords*RecordBytes)
	for i := range b.chunks {
		b.chunks[i] = same
	}
	records, calls := 0, 0
	b.spans(MaxRecords-chunkRecords-5, func(raw []byte) {
		records += len(raw) / RecordBytes
		if calls++; calls > 3 {
			t.FailNow() // it would never end
		}
	})
	if records != chunkRecords+6 {
		t.Fatalf("%d records in the spans", records)
	}
}

// A reader walks captures while the writer appends; run it with -race.
func TestACaptureStaysAsItIsWhileThePollGrows(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.Begin(Stamp{Index: 1, At: 1})
	s.Do(Create{Definition: Definition{
		ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}, Method: "irv",
		MaxSelections: 5, Revote: RevoteUntilClose, Secrecy: Open,
	}})
	s.End()
	var lock sync.RWMutex
	captures := make(chan Capture, 1)
	var reader sync.WaitGroup
	reader.Go(func() {
		for c := range captures {
			n, bytes := uint32(0), 0
			for b := range c.Current() {
				n++
				bytes += len(b.Voter) + len(b.Selections)
			}
			c.Spans(func(raw []byte) { bytes += int(raw[0]) })
			for name := range c.Names() {
				bytes += len(name)
			}
			if bytes += len(c.AppendHeader(nil)); n > c.Records() || bytes == 0 {
				t.Errorf("%d of %d records count", n, c.Records())
			}
		}
	})
	random := seededDice(1)
	for i := uint64(2); i < 400; i++ {
		lock.Lock()
		s.Begin(Stamp{Index: i, At: int64(i)})
		p := s.Find("p")
		for range 60 {
			voter := string(binary.AppendUvarint([]byte("v"), uint64(random(16000))))
			key := p.Rules().Key(voter)
			r, _ := s.Receipt("p", key)
			sel := []byte{byte(2 * random(5))}
			if second := byte(2 * random(5)); second != sel[0] {
				sel = append(sel, second)
			}
			s.Cast(p, &Ballot{Key: key, Voter: voter, Selections: sel, IfVersion: r.Version})
		}
		s.End()
		lock.Unlock()
		lock.RLock()
		c, _, _ := s.Capture("p")
		lock.RUnlock()
		select {
		case captures <- c:
		default: // the reader is busy with an older one
		}
		runtime.Gosched()
	}
	close(captures)
	reader.Wait()
}
