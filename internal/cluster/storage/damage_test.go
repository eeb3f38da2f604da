package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// sample makes a store as a member leaves it: compacted, truncated, with votes, values and a snapshot.
func sample(t testing.TB, dir string) string {
	t.Helper()
	s := open(t, dir, Options{})
	must(t, s.SetUint64([]byte("CurrentTerm"), 12))
	must(t, s.SetUint64([]byte("LastVoteTerm"), 12))
	must(t, s.Set([]byte("LastVoteCand"), []byte("node-b")))
	must(t, s.SetValue("cluster", []byte("c-17")))
	for i := uint64(1); i <= 300; i += 10 {
		must(t, s.StoreLogs(entries(i, i+9, 600)))
	}
	must(t, s.StoreLogs(entries(301, 303, 20_000)))
	id := writeSnapshot(t, s, 150, 4, strings.Repeat("the state ", 500))
	must(t, s.DeleteRange(1, 100))
	must(t, s.DeleteRange(303, 303))
	must(t, s.Close())
	return id
}

// digest is all that raft can see.
func digest(s *Store) (string, error) {
	var b strings.Builder
	first, err := s.FirstIndex()
	if err != nil {
		return "", err
	}
	last, err := s.LastIndex()
	if err != nil {
		return "", err
	}
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%d %d %d %v %x %x\n", l.Index, l.Term, l.Type, l.AppendedAt.UnixNano(), l.Extensions, l.Data)
	}
	term, err1 := s.GetUint64([]byte("CurrentTerm"))
	vote, err2 := s.GetUint64([]byte("LastVoteTerm"))
	cand, err3 := s.Get([]byte("LastVoteCand"))
	value, err4 := s.Value("cluster")
	fmt.Fprint(&b, first, last, term, vote, string(cand), string(value))
	return b.String(), errors.Join(err1, err2, err3, err4)
}

func TestNoFlippedBitIsEverSilent(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	sample(t, home)
	s := open(t, home, Options{})
	want, err := digest(s)
	must(t, err)
	must(t, s.Close())
	clean, err := os.ReadFile(filepath.Join(home, logFile))
	must(t, err)
	// Half of the flips anywhere, half in the heads of pages, where structure is.
	rng := rand.New(rand.NewPCG(17, 4711))
	detected := 0
	for n := range 500 {
		at := rng.IntN(len(clean))
		if n%2 == 1 {
			at = at/4096*4096 + rng.IntN(120)
		}
		bit := rng.IntN(8)
		b := append([]byte(nil), clean...)
		b[at] ^= 1 << bit
		must(t, os.WriteFile(filepath.Join(home, logFile), b, 0o600))
		s, err := Open(home, Options{})
		if err != nil {
			detected++
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "join again") {
				t.Fatalf("bit %d of byte %d: %v", bit, at, err)
			}
			continue
		}
		if err := s.Verify(nil); err != nil {
			detected++
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), logFile) {
				t.Fatalf("bit %d of byte %d: %v", bit, at, err)
			}
		} else if got, err := digest(s); err != nil || got != want {
			t.Fatalf("bit %d of byte %d (page %d) went unnoticed: %v", bit, at, at/4096, err)
		}
		_ = s.Close()
	}
	t.Logf("%d of 500 flips reported, the rest without effect", detected)
	if detected < 100 {
		t.Fatalf("only %d flips hit anything: the test has become blind", detected)
	}
}

func TestADamagedFileIsReported(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	id := sample(t, home)
	for _, c := range []struct {
		name, file string
		harm       func(b []byte) []byte
	}{
		{"the log file is empty", logFile, func(b []byte) []byte { return nil }},
		{"the log file is cut in half", logFile, func(b []byte) []byte { return b[:len(b)/2] }},
		{"the log file is cut to a page", logFile, func(b []byte) []byte { return b[:4096] }},
		{"the log file is cut to a few bytes", logFile, func(b []byte) []byte { return b[:40] }},
		{"the log file is zeroes", logFile, func(b []byte) []byte { return make([]byte, len(b)) }},
		{"the log file is another file", logFile, func(b []byte) []byte { return []byte(strings.Repeat("hello", 9999)) }},
		{"the first meta page is zeroes", logFile, func(b []byte) []byte { clear(b[:4096]); return b }},
		{"the second meta page is zeroes", logFile, func(b []byte) []byte { clear(b[4096:8192]); return b }},
		{"a snapshot's state has changed", "snapshots/" + id + "/state.bin", func(b []byte) []byte { b[9] ^= 1; return b }},
		{"a snapshot's state is cut", "snapshots/" + id + "/state.bin", func(b []byte) []byte { return b[:len(b)-1] }},
		{"a snapshot's state is empty", "snapshots/" + id + "/state.bin", func(b []byte) []byte { return nil }},
		{"a snapshot's description is cut", "snapshots/" + id + "/meta.json", func(b []byte) []byte { return b[:len(b)/2] }},
		{"a snapshot's description is empty", "snapshots/" + id + "/meta.json", func(b []byte) []byte { return nil }},
		{"a snapshot's configuration has changed", "snapshots/" + id + "/", func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "host-a:1", "host-b:1", 1))
		}},
		{"a snapshot's name has changed", "snapshots/" + id + "/meta.json", func(b []byte) []byte {
			return []byte(strings.Replace(string(b), id, id[:len(id)-4]+"9999", 1))
		}},
		{"a snapshot's index has changed", "snapshots/" + id + "/meta.json", func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"Index":150`, `"Index":151`, 1))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(home)))
			path := filepath.Join(dir, c.file)
			if strings.HasSuffix(c.file, "/") {
				path = filepath.Join(path, "meta.json")
			}
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, c.harm(b), 0o600))
			var fault error
			s, err := Open(dir, Options{OnFault: func(err error) { fault = err }})
			if err == nil {
				t.Cleanup(func() { _ = s.Close() })
				if err = s.Verify(nil); !errors.Is(fault, ErrDamaged) {
					t.Fatalf("no fault but %v", fault)
				}
			}
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, c.file)) ||
				!strings.Contains(err.Error(), "join again") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestAZeroedPageIsReportedOrWasNotInUse(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	sample(t, home)
	s := open(t, home, Options{})
	want, err := digest(s)
	must(t, err)
	must(t, s.Close())
	path := filepath.Join(home, logFile)
	clean, err := os.ReadFile(path)
	must(t, err)
	for page := 0; page*4096 < len(clean); page++ {
		b := append([]byte(nil), clean...)
		clear(b[page*4096 : (page+1)*4096])
		must(t, os.WriteFile(path, b, 0o600))
		s, err := Open(home, Options{})
		if err == nil {
			err = s.Verify(nil)
			if got, derr := digest(s); err == nil && (derr != nil || got != want) {
				t.Fatalf("page %d went unnoticed: %v", page, derr)
			}
			_ = s.Close()
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("page %d: %v", page, err)
		}
	}
}

func TestDamageWhileOpenIsFoundByVerifyAndByReading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sample(t, dir)
	s := open(t, dir, Options{LogCache: 1})
	path := filepath.Join(dir, logFile)
	b, err := os.ReadFile(path)
	must(t, err)
	// The data of entry 301 is 20,000 bytes that count up from its index.
	needle := string(entries(301, 301, 64)[0].Data)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	for at := 0; ; at++ {
		next := strings.Index(string(b[at:]), needle)
		if next < 0 {
			break
		}
		at += next
		_, err = f.WriteAt([]byte{b[at+5] ^ 4}, int64(at+5))
		must(t, err)
	}
	err = s.Verify(nil)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "entry ") {
		t.Fatalf("got %v", err)
	}
	if err := s.GetLog(200, new(raft.Log)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
}
