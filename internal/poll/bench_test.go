package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

func benchState(b *testing.B, method string) (*State, *Poll) {
	b.Helper()
	s := NewState()
	d := Definition{ID: "p", Method: method, Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
	s.Begin(Stamp{Index: 1, At: 1})
	s.Do(Create{Definition: d.WithDefaults()})
	s.End()
	return s, s.Find("p")
}

// keyNumber spreads a number over a key as SHA-256 would, at less cost.
func keyNumber(n uint64) (k VoterKey) {
	n *= 0x9e3779b97f4a7c15
	n ^= n >> 32
	n *= 0xd6e8feb86659fd93
	n ^= n >> 29
	binary.BigEndian.PutUint64(k[:], n)
	binary.BigEndian.PutUint64(k[8:], n*0xc2b2ae3d27d4eb4f+1)
	return k
}

var benchChoices = [][]byte{{0}, {1}, {2}}

// castRange casts the ballots of voters from first to last, 8192 an entry.
func castRange(s *State, p *Poll, first, last uint64) {
	for n := first; n < last; {
		s.Begin(Stamp{Index: s.Index() + 1, At: int64(n)})
		for end := min(last, n+8192); n < end; n++ {
			s.Cast(p, &Ballot{Key: keyNumber(n), Selections: benchChoices[n%3]})
		}
		s.End()
	}
}

func BenchmarkVoterKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		KeyOf(Salt{}, "a-voter-id-of-24-letters")
	}
}

func BenchmarkCast(b *testing.B) {
	for _, method := range []string{"plurality", "irv"} {
		b.Run(method, func(b *testing.B) {
			b.ReportAllocs()
			s, p := benchState(b, method)
			castRange(s, p, 0, uint64(b.N))
		})
	}
}

func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemoryPerBallot reports what a ballot keeps in memory. The target is 64
// bytes at 10 million (-benchtime=10000000x).
func BenchmarkMemoryPerBallot(b *testing.B) {
	ballots := uint64(max(b.N, 1_000_000))
	before := heapBytes()
	s, p := benchState(b, "plurality")
	castRange(s, p, 0, ballots)
	b.ReportMetric(float64(heapBytes()-before)/float64(ballots), "B/ballot")
	runtime.KeepAlive(s)
}

// BenchmarkMemoryPerEmptyPoll reports what a poll keeps in memory before its first
// ballot. The target is a KiB.
func BenchmarkMemoryPerEmptyPoll(b *testing.B) {
	const polls = 100_000
	for b.Loop() {
		before := heapBytes()
		s := NewState()
		for n := range uint64(polls) {
			s.Begin(Stamp{Index: n + 1, At: 1})
			d := Definition{ID: "poll-" + strconv.FormatUint(n, 10), Title: "A poll", Options: []Option{{ID: "a" + strconv.FormatUint(n, 10), Title: "A"}, {ID: "b", Title: "B"}}}
			d = d.WithDefaults()
			// As it comes from the log: every string is its own.
			s.Do(Create{Definition: NewCursor(d.AppendCanonical(nil)).Definition()})
			s.End()
		}
		b.ReportMetric(float64(heapBytes()-before)/polls, "B/poll")
		runtime.KeepAlive(s)
	}
}

// BenchmarkMemoryPerSmallPoll is a feature vote: ten ballots a poll.
func BenchmarkMemoryPerSmallPoll(b *testing.B) {
	const polls = 20_000
	for b.Loop() {
		before := heapBytes()
		s := NewState()
		for n := range uint64(polls) {
			s.Begin(Stamp{Index: s.Index() + 1, At: 1})
			id := "poll-" + strconv.FormatUint(n, 10)
			s.Do(Create{Definition: Definition{ID: id, Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}}.WithDefaults()})
			s.End()
			castRange(s, s.Find(id), 10*n, 10*n+10)
		}
		b.ReportMetric(float64(heapBytes()-before)/polls, "B/poll")
		runtime.KeepAlive(s)
	}
}

func BenchmarkView(b *testing.B) {
	for _, polls := range []int{1, 100_000} {
		b.Run(fmt.Sprintf("%d polls", polls), func(b *testing.B) {
			s := NewState()
			for n := range polls {
				s.Begin(Stamp{Index: uint64(n + 1), At: 1})
				s.Do(Create{Definition: Definition{ID: strconv.Itoa(n), Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()})
				s.End()
			}
			b.ReportAllocs()
			for b.Loop() {
				s.View().Close()
			}
		})
	}
}

// BenchmarkTally counts and tabulates a poll of a million ballots.
func BenchmarkTally(b *testing.B) {
	for _, method := range []string{"plurality", "irv"} {
		b.Run(method, func(b *testing.B) {
			s, p := benchState(b, method)
			castRange(s, p, 0, 1_000_000)
			b.ReportAllocs()
			for b.Loop() {
				c, _ := s.Count("p")
				c.Tabulate()
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	record := make([]byte, RecordBytes)
	h := sha256.New()
	for b.Loop() {
		h.Write(record)
	}
}
