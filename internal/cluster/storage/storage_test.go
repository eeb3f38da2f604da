package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entries(from, to uint64, size int) []*raft.Log {
	var logs []*raft.Log
	for i := from; i <= to; i++ {
		data := make([]byte, size)
		for k := range data {
			data[k] = byte(i) + byte(k)
		}
		logs = append(logs, &raft.Log{
			Index: i, Term: 1 + i/50, Type: raft.LogCommand, Data: data, AppendedAt: time.Unix(int64(1000+i), 7).UTC(),
		})
	}
	return logs
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeSnapshot(t testing.TB, s *Store, index, term uint64, state string) string {
	t.Helper()
	_, trans := raft.NewInmemTransport("a")
	conf := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "host-a:1"}}}
	sink, err := s.Snapshots().Create(1, index, term, conf, 1, trans)
	must(t, err)
	_, err = sink.Write([]byte(state))
	must(t, err)
	must(t, sink.Close())
	return sink.ID()
}

func TestEverythingComesBackAfterReopening(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "member")
	s := open(t, dir, Options{})
	if empty, err := s.Empty(); err != nil || !empty {
		t.Fatalf("a new store: empty %v, %v", empty, err)
	}
	must(t, s.SetUint64([]byte("CurrentTerm"), 9))
	must(t, s.SetUint64([]byte("LastVoteTerm"), 8))
	must(t, s.Set([]byte("LastVoteCand"), []byte("b")))
	must(t, s.SetValue("cluster", []byte("c-17")))
	want := entries(1, 300, 100)
	want[4].Extensions = []byte("kept")
	must(t, s.StoreLogs(want))
	must(t, s.DeleteRange(1, 40))
	must(t, s.DeleteRange(290, 300))
	must(t, s.Close())
	must(t, s.Close())

	s = open(t, dir, Options{})
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if first != 41 || last != 289 {
		t.Fatalf("the log is %d..%d, not 41..289", first, last)
	}
	for i := first; i <= last; i++ {
		var got raft.Log
		must(t, s.GetLog(i, &got))
		if !reflect.DeepEqual(got.Data, want[i-1].Data) || got.Term != want[i-1].Term || got.Extensions != nil ||
			!got.AppendedAt.Equal(want[i-1].AppendedAt) {
			t.Fatalf("entry %d came back as %+v", i, got)
		}
	}
	if err := s.GetLog(40, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("a compacted entry: %v", err)
	}
	term, _ := s.GetUint64([]byte("LastVoteTerm"))
	cand, _ := s.Get([]byte("LastVoteCand"))
	value, _ := s.Value("cluster")
	missing, err := s.Value("nothing")
	if term != 8 || string(cand) != "b" || string(value) != "c-17" || missing != nil || err != nil {
		t.Fatalf("values: %d %q %q %q %v", term, cand, value, missing, err)
	}
	if empty, _ := s.Empty(); empty || s.DiskBytes() < 4096 {
		t.Fatal("a store with state says it is empty")
	}
}

func TestADirectoryThatCannotBeUsedIsASentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	asDir := filepath.Join(dir, "m1")
	must(t, os.MkdirAll(filepath.Join(asDir, valuesFile), 0o750))
	for _, c := range []struct{ name, dir, says string }{
		{"a file", file, "is a file; choose a directory"},
		{"below a file", filepath.Join(file, "x"), "cannot be read"},
		{"not writable", "/proc", "not writable"},
		{"raft.db is a directory", asDir, "is not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Open(c.dir, Options{}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestASecondOpenerIsRefusedWithinASecondAndThenAdmitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	start := time.Now()
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) || time.Since(start) > 2*time.Second {
		t.Fatalf("got %v after %v", err, time.Since(start))
	}
	must(t, s.Close())
	open(t, dir, Options{})
}

func TestTheGapBehindASnapshotIsClosed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	must(t, s.SetUint64([]byte("CurrentTerm"), 99))
	must(t, s.StoreLogs(entries(1, 20, 10)))
	writeSnapshot(t, s, 1000, 20, "state")
	must(t, s.StoreLogs(entries(1001, 1005, 10)))
	if first, _ := s.FirstIndex(); first != 1001 {
		t.Fatalf("the log begins at %d", first)
	}
	must(t, s.Verify(nil))
	if err := s.StoreLogs(entries(1010, 1011, 10)); err == nil || !strings.Contains(err.Error(), "does not cover") {
		t.Fatalf("a hole that no snapshot covers: %v", err)
	}
}

func TestSnapshotsComeBackWithoutTheSeal(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	must(t, s.SetUint64([]byte("CurrentTerm"), 99))
	for i := range uint64(4) {
		writeSnapshot(t, s, 10+i, 2, "state "+string(rune('0'+i)))
	}
	metas, err := s.Snapshots().List()
	must(t, err)
	if len(metas) != 2 || metas[0].Index != 13 || metas[0].Size != 7 {
		t.Fatalf("list: %+v", metas)
	}
	meta, r, err := s.Snapshots().Open(metas[0].ID)
	must(t, err)
	defer r.Close()
	b := make([]byte, 100)
	n, _ := r.Read(b)
	if string(b[:n]) != "state 3" || meta.Size != 7 || meta.Configuration.Servers[0].Address != "host-a:1" {
		t.Fatalf("state %q, meta %+v", b[:n], meta)
	}
	must(t, s.Verify(nil))
}

func TestObserveHearsOfTheCalls(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	s := open(t, t.TempDir(), Options{LogCache: 1, Observe: func(op string, took time.Duration, n int) { seen[op] += n }})
	must(t, s.StoreLogs(entries(1, 3, 100)))
	must(t, s.GetLog(1, new(raft.Log)))
	must(t, s.SetValue("x", []byte("12345")))
	must(t, s.DeleteRange(1, 1))
	if _, ok := seen["truncate"]; !ok || seen["append"] != 300 || seen["read"] < 100 || seen["stable"] != 5 {
		t.Fatalf("observed %v", seen)
	}
}

func benchmarkStore(b *testing.B, n, size int) {
	s := open(b, b.TempDir(), Options{})
	b.SetBytes(int64(n * size))
	b.ReportAllocs()
	next := uint64(1)
	logs := entries(1, uint64(n), size)
	for b.Loop() {
		batch := make([]*raft.Log, n)
		for i := range batch {
			batch[i] = &raft.Log{Index: next, Term: 1, Data: logs[i].Data}
			next++
		}
		must(b, s.StoreLogs(batch))
		if next > 2048 && next%1024 < uint64(n) {
			b.StopTimer()
			must(b, s.DeleteRange(1, next-512))
			b.StartTimer()
		}
	}
}

func BenchmarkStoreLogs1x100B(b *testing.B)   { benchmarkStore(b, 1, 100) }
func BenchmarkStoreLogs1x256KiB(b *testing.B) { benchmarkStore(b, 1, 256<<10) }
func BenchmarkStoreLogs64x4KiB(b *testing.B)  { benchmarkStore(b, 64, 4<<10) }

// BenchmarkOpen is what a start takes for the log: all of it is read and checked. The page
// cache has it, as after a process that ended.
func BenchmarkOpen(b *testing.B) {
	for _, c := range []struct{ entries, size int }{{65_536, 100}, {512, 256 << 10}} {
		b.Run(fmt.Sprintf("%dx%dB", c.entries, c.size), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, dir, Options{})
			must(b, s.SetUint64([]byte("CurrentTerm"), 1))
			data := make([]byte, c.size)
			for i := range c.entries {
				must(b, s.StoreLog(&raft.Log{Index: uint64(i + 1), Term: 1, Data: data}))
			}
			must(b, s.Close())
			b.SetBytes(int64(c.entries * c.size))
			for b.Loop() {
				s, err := Open(dir, Options{})
				must(b, err)
				must(b, s.VerifyLog(nil))
				must(b, s.Close())
			}
		})
	}
}
