package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// faulty is an engine in memory, below the whole stack, that fails as the test sets it.
type faulty struct {
	*raft.InmemStore
	before func(op string) error
	closed atomic.Bool
}

func newFaulty(before func(op string) error) *faulty {
	return &faulty{InmemStore: raft.NewInmemStore(), before: before}
}

func (f *faulty) StoreLogs(logs []*raft.Log) error {
	if err := f.before("append"); err != nil {
		return err
	}
	return f.InmemStore.StoreLogs(logs)
}

func (f *faulty) GetLog(i uint64, l *raft.Log) error {
	if err := f.before("read"); err != nil {
		return err
	}
	return f.InmemStore.GetLog(i, l)
}

func (f *faulty) Set(k, v []byte) error {
	if err := f.before("set"); err != nil {
		return err
	}
	return f.InmemStore.Set(k, v)
}

func (f *faulty) Get(k []byte) ([]byte, error) {
	v, err := f.InmemStore.Get(k)
	if err != nil && err.Error() == errNotFound.Error() {
		err = errNotFound
	}
	return v, err
}

func (f *faulty) DeleteRange(lo, hi uint64) error {
	if err := f.before("truncate"); err != nil {
		return err
	}
	return f.InmemStore.DeleteRange(lo, hi)
}

func (f *faulty) Close() error {
	f.closed.Store(true)
	return nil
}

func over(t *testing.T, base engine, o Options) *Store {
	t.Helper()
	dir := t.TempDir()
	faults := &faults{notify: o.OnFault}
	snapshots, err := openSnapshots(dir, faults)
	must(t, err)
	s, err := assemble(dir, &checksummed{base}, newDisk(stallLimit(o)), faults, snapshots, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestTheFirstErrorPoisonsTheStoreAndIsReportedOnce(t *testing.T) {
	t.Parallel()
	sick := errors.New("input/output error")
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for _, c := range []struct {
		name, op string
		fault    func() error
		want     error
		closes   bool
	}{
		{"an append fails", "append", func() error { return sick }, sick, true},
		{"a read fails", "read", func() error { return sick }, sick, true},
		{"a value's write fails", "set", func() error { return sick }, sick, true},
		{"a truncation fails", "truncate", func() error { return sick }, sick, true},
		{"an append hangs", "append", func() error { <-hang; return nil }, ErrStalled, false},
		{"a read hangs", "read", func() error { <-hang; return nil }, ErrStalled, false},
		{"an append panics", "append", func() error { panic("page 3 is bad") }, ErrDamaged, false},
		{"a read panics", "read", func() error { var p *int; *p = 1; return nil }, ErrDamaged, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Bool
			base := newFaulty(func(op string) error {
				if broken.Load() && op == c.op {
					return c.fault()
				}
				return nil
			})
			var reports atomic.Int32
			s := over(t, base, Options{StallLimit: 80 * time.Millisecond, LogCache: 1, OnFault: func(error) { reports.Add(1) }})
			must(t, s.StoreLogs(entries(1, 5, 10)))
			broken.Store(true)
			calls := map[string]func() error{
				"append":   func() error { return s.StoreLogs(entries(6, 6, 10)) },
				"read":     func() error { return s.GetLog(1, new(raft.Log)) },
				"set":      func() error { return s.SetValue("x", nil) },
				"truncate": func() error { return s.DeleteRange(1, 2) },
			}
			start := time.Now()
			first := calls[c.op]()
			if !errors.Is(first, c.want) || time.Since(start) > time.Second {
				t.Fatalf("got %v after %v", first, time.Since(start))
			}
			start = time.Now()
			for name, call := range calls {
				if err := call(); err == nil || err.Error() != first.Error() {
					t.Fatalf("%s afterwards: %v, not %v", name, err, first)
				}
			}
			if err := s.GetLog(5, new(raft.Log)); err == nil {
				t.Fatal("the cache still answers")
			}
			if _, err := s.Snapshots().List(); err == nil {
				t.Fatal("snapshots still answer")
			}
			if time.Since(start) > 50*time.Millisecond || reports.Load() != 1 {
				t.Fatalf("took %v, %d reports", time.Since(start), reports.Load())
			}
			if err := s.Close(); !errors.Is(err, c.want) || base.closed.Load() != c.closes {
				t.Fatalf("Close: %v, engine closed: %v", err, base.closed.Load())
			}
		})
	}
}

func TestAHeldStoreReportsAFaultAndDoesNotReturnIt(t *testing.T) {
	t.Parallel()
	broken := errors.New("input/output error")
	var armed atomic.Bool
	reported := make(chan error, 2)
	s := over(t, newFaulty(func(op string) error {
		if armed.Load() && op == "append" {
			return broken
		}
		return nil
	}), Options{OnFault: func(err error) { reported <- err }})
	s.Hold()
	must(t, s.StoreLogs(entries(1, 1, 1)))
	armed.Store(true)
	returned := make(chan string, 3)
	go func() { returned <- fmt.Sprint("append: ", s.StoreLogs(entries(2, 2, 1))) }()
	if err := <-reported; !errors.Is(err, broken) {
		t.Fatal(err)
	}
	go func() { returned <- fmt.Sprint("term: ", s.SetUint64([]byte("CurrentTerm"), 2)) }()
	go func() { returned <- fmt.Sprint("read: ", s.GetLog(1, new(raft.Log))) }()
	select {
	case what := <-returned:
		t.Errorf("raft goes on after %s", what)
	case <-time.After(50 * time.Millisecond):
	}
	if err := s.Close(); !errors.Is(err, broken) {
		t.Errorf("Close: %v", err)
	}
}

func TestMissingThingsAreNotFaults(t *testing.T) {
	t.Parallel()
	s := over(t, newFaulty(func(string) error { return nil }), Options{OnFault: func(err error) { t.Error(err) }})
	if err := s.GetLog(7, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatal(err)
	}
	if _, err := s.GetUint64([]byte("CurrentTerm")); err == nil || err.Error() != "not found" {
		t.Fatal(err)
	}
	must(t, s.StoreLogs(entries(1, 1, 1)))
	must(t, s.Close())
	if err := s.StoreLogs(entries(2, 2, 1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestACrashBetweenTheTwoWritesOfAVoteLeavesTheOldVote(t *testing.T) {
	t.Parallel()
	base := newFaulty(func(string) error { return nil })
	s := over(t, base, Options{})
	must(t, s.SetUint64([]byte("LastVoteTerm"), 5))
	must(t, s.Set([]byte("LastVoteCand"), []byte("a")))
	must(t, s.SetUint64([]byte("LastVoteTerm"), 6))
	// A crash: a new stack starts on the same disk.
	s = over(t, base, Options{})
	term, err := s.GetUint64([]byte("LastVoteTerm"))
	must(t, err)
	cand, err := s.Get([]byte("LastVoteCand"))
	must(t, err)
	if term != 5 || string(cand) != "a" {
		t.Fatalf("the vote is (%d, %s)", term, cand)
	}
	if err := s.Set([]byte("LastVoteCand"), []byte("b")); err == nil || !strings.Contains(err.Error(), "without the term") {
		t.Fatalf("half a vote: %v", err)
	}
}

func TestRaftsEntriesAreNotTouched(t *testing.T) {
	t.Parallel()
	s := over(t, newFaulty(func(string) error { return nil }), Options{LogCache: 1})
	backing := []byte("ext-and-more")
	l := &raft.Log{Index: 1, Term: 1, Data: []byte("x"), Extensions: backing[:3]}
	must(t, s.StoreLog(l))
	must(t, s.StoreLog(&raft.Log{Index: 2, Term: 1}))
	var got raft.Log
	must(t, s.GetLog(1, &got))
	if string(backing) != "ext-and-more" || string(l.Extensions) != "ext" || string(got.Extensions) != "ext" {
		t.Fatalf("%q %q %q", backing, l.Extensions, got.Extensions)
	}
}

// The segments of the log are made in the background. If that fails, the member must
// learn of it, and not only once it needs the segment.
func TestASegmentThatCannotBeMadeIsAFaultOfTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reported := make(chan error, 1)
	s := open(t, dir, Options{OnFault: func(err error) { reported <- err }})
	must(t, os.RemoveAll(filepath.Join(dir, logDir)))
	must(t, s.StoreLogs(entries(1, 1, 10))) // into the file that is open; the next one is to be made
	if err := <-reported; !strings.Contains(err.Error(), "the log in "+dir) || !strings.Contains(err.Error(), "0000000000000002.seg") {
		t.Errorf("it says %v", err)
	}
	if err := s.StoreLogs(entries(2, 2, 10)); err == nil {
		t.Error("the store goes on")
	}
}

// stuck makes segments on a disk that hangs once it is armed.
type stuck struct {
	*disk
	armed atomic.Bool
	hang  chan struct{}
}

func (s *stuck) call(f func() error) error {
	return s.disk.call(func() error {
		if s.armed.Load() {
			<-s.hang
		}
		return f()
	})
}

// A file system may hang for what makes files and still take appends, which change none.
func TestADiskThatHangsWhileASegmentIsMadeIsAFaultBeforeAnAppendNeedsIt(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"a disk that hangs": true, "one that is well": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			making := &stuck{disk: newDisk(100 * time.Millisecond), hang: make(chan struct{})}
			t.Cleanup(func() { close(making.hang); making.stop() })
			reported := make(chan error, 1)
			faults := &faults{notify: func(err error) { reported <- err }}
			must(t, prepareDir(dir))
			snapshots, err := openSnapshots(dir, faults)
			must(t, err)
			base, err := openFiles(dir, snapshots.newestIndex, faults, making)
			must(t, err)
			s, err := assemble(dir, base, newDisk(DefaultStallLimit), faults, snapshots, Options{})
			must(t, err)
			making.armed.Store(hangs)
			must(t, s.StoreLogs(entries(1, 1, 10))) // the next segment is made from now on
			must(t, s.StoreLogs(entries(2, 2, 10)))
			if !hangs {
				must(t, making.call(func() error { return nil }))
				must(t, s.Close())
				if len(reported) != 0 {
					t.Errorf("it says %v", <-reported)
				}
				return
			}
			err = <-reported
			if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "the log in "+dir) || !strings.Contains(err.Error(), "0000000000000002.seg") {
				t.Errorf("it says %v", err)
			}
			if err := s.StoreLogs(entries(3, 3, 10)); !errors.Is(err, ErrStalled) {
				t.Errorf("an append afterwards: %v", err)
			}
			// Nothing waits for a disk that hangs.
			if err := s.Close(); !errors.Is(err, ErrStalled) {
				t.Errorf("Close: %v", err)
			}
		})
	}
}
