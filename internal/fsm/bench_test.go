package fsm

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// voterBallot makes the ballot of a numbered voter.
func voterBallot(n uint64) poll.Ballot {
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], n)
	sum := sha256.Sum256(id[:])
	return poll.Ballot{Poll: "p", Key: poll.VoterKey(sum[:16]), Selections: [][]byte{{0}, {1}, {2}}[n%3]}
}

// bench is an FSM with one poll, and the next entry for it.
type bench struct {
	fsm   *FSM
	index uint64
	voter uint64
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	x := &bench{fsm: New(nil)}
	x.apply(AppendCommand(nil, 1, poll.Create{Definition: definition("p", "plurality")}))
	return x
}

func (x *bench) apply(data []byte) {
	x.index++
	x.fsm.Apply(&raft.Log{Index: x.index, Data: data})
}

// entry makes the next entry of so many first ballots.
func (x *bench) entry(ballots int) []byte {
	var f Frame
	for range ballots {
		b := voterBallot(x.voter)
		x.voter++
		f.Add(&b)
	}
	sealed, _ := f.Seal()
	return AppendBallots(nil, int64(x.index), sealed)
}

func (x *bench) fill(ballots uint64) {
	for x.voter < ballots {
		x.apply(x.entry(int(min(8192, ballots-x.voter))))
	}
}

// sizes are the polls to measure with; VOTED_BENCH_BALLOTS adds one, for example
// 10000000.
func sizes(b *testing.B) []uint64 {
	all := []uint64{0, 1_000_000}
	if s := os.Getenv("VOTED_BENCH_BALLOTS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func perBallot(b *testing.B, ballots int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ballots), "ns/ballot")
}

// BenchmarkApply applies entries of first ballots to a poll of a size.
func BenchmarkApply(b *testing.B) {
	for _, size := range sizes(b) {
		for _, ballots := range []int{1, 100, 8192} {
			b.Run(fmt.Sprintf("%d into %d", ballots, size), func(b *testing.B) {
				x := newBench(b)
				x.fill(size)
				entries := make([][]byte, b.N)
				for i := range entries {
					entries[i] = x.entry(ballots)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for _, e := range entries {
					x.apply(e)
				}
				perBallot(b, ballots)
			})
		}
	}
}

// BenchmarkWorstApply applies full entries, as the leader does, and reports the longest
// time that one took: at the size, and on the way to it, where the index grows.
func BenchmarkWorstApply(b *testing.B) {
	for _, size := range sizes(b) {
		b.Run(fmt.Sprintf("8192 into %d", size), func(b *testing.B) {
			x := newBench(b)
			x.fsm.Expect(1)
			worst := func() time.Duration {
				e := x.entry(8192)
				start := time.Now()
				x.apply(e)
				return time.Since(start)
			}
			var growing, full time.Duration
			for x.voter < size {
				growing = max(growing, worst())
			}
			for b.Loop() {
				full = max(full, worst())
			}
			b.ReportMetric(growing.Seconds()*1000, "worst-growing-ms")
			b.ReportMetric(full.Seconds()*1000, "worst-ms")
		})
	}
}

// BenchmarkReplay applies entries of ballots that are in the box already.
func BenchmarkReplay(b *testing.B) {
	x := newBench(b)
	x.fill(1_000_000)
	x.voter = 0
	e := x.entry(8192)
	b.ReportAllocs()
	for b.Loop() {
		x.apply(e)
	}
	perBallot(b, 8192)
}

func BenchmarkFrame(b *testing.B) {
	const n = 8192
	ballots := make([]poll.Ballot, n)
	for i := range ballots {
		ballots[i] = voterBallot(uint64(i))
	}
	sealed := sealed(ballots...)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var f Frame
			for i := range ballots {
				f.Add(&ballots[i])
			}
			f.Seal()
		}
		perBallot(b, n)
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := CountFrame(sealed); got != n || err != nil {
				b.Fatal(got, err)
			}
		}
		perBallot(b, n)
		b.ReportMetric(float64(len(sealed))/n, "B/ballot")
	})
}

// BenchmarkSnapshot captures, writes and reads a poll of a million ballots.
func BenchmarkSnapshot(b *testing.B) {
	const ballots = 1_000_000
	x := newBench(b)
	x.fill(ballots)
	snapshot := persist(b, x.fsm)
	b.Run("capture", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := x.fsm.Snapshot()
			if err != nil {
				b.Fatal(err)
			}
			s.Release()
		}
	})
	b.Run("persist", func(b *testing.B) {
		s, err := x.fsm.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		defer s.Release()
		b.SetBytes(int64(len(snapshot)))
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Persist(discard{}); err != nil {
				b.Fatal(err)
			}
		}
		perBallot(b, ballots)
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(int64(len(snapshot)))
		b.ReportAllocs()
		for b.Loop() {
			if err := New(nil).Restore(readCloser(snapshot)); err != nil {
				b.Fatal(err)
			}
		}
		perBallot(b, ballots)
	})
}

// discard is a sink that drops everything.
type discard struct{ io.Writer }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) ID() string                  { return "discard" }
func (discard) Close() error                { return nil }
func (discard) Cancel() error               { return nil }

// BenchmarkMemory reports what a ballot keeps in memory, also after a restore, when
// boxes and indexes are rebuilt.
func BenchmarkMemory(b *testing.B) {
	for _, size := range sizes(b)[1:] {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				var snapshot []byte
				b.ReportMetric(kept(func() *FSM {
					x := newBench(b)
					x.fill(size)
					snapshot = persist(b, x.fsm)
					return x.fsm
				}, func() int { return cap(snapshot) })/float64(size), "B/ballot")
				b.ReportMetric(kept(func() *FSM { return restored(b, snapshot) }, func() int { return 0 })/float64(size), "B/restored-ballot")
				runtime.KeepAlive(snapshot)
			}
		})
	}
}

// kept returns how many bytes the result of build keeps alive, besides some others.
func kept(build func() *FSM, besides func() int) float64 {
	before := heapBytes()
	f := build()
	after := heapBytes()
	runtime.KeepAlive(f)
	return float64(after) - float64(before) - float64(besides())
}

func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
