package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// sample makes a store as a member leaves it: compacted, truncated, with votes, values
// and a snapshot.
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

// state is what the log of the sample has to show, and which files it is in.
func state(t *testing.T, home string) (want string, files []string) {
	t.Helper()
	s := open(t, home, Options{})
	want, err := digest(s)
	must(t, err)
	must(t, s.Close())
	segments, err := filepath.Glob(filepath.Join(home, logDir, "*.seg"))
	must(t, err)
	return want, append([]string{filepath.Join(home, valuesFile)}, segments...)
}

func TestNoFlippedBitIsEverSilent(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	sample(t, home)
	want, files := state(t, home)
	// Flips of the values are anywhere or in the heads of pages, which hold the structure;
	// those of the log are where batches are, or in the zeros behind them.
	rng := rand.New(rand.NewPCG(17, 4711))
	detected := 0
	for n := range 240 {
		path := files[n%len(files)]
		clean, err := os.ReadFile(path)
		must(t, err)
		at := rng.IntN(len(clean))
		if n%2 == 1 {
			at = at/4096*4096 + rng.IntN(120)
		}
		if n%3 > 0 && path != files[0] {
			at = rng.IntN(len(bytes.TrimRight(clean, "\x00")))
		}
		bit := rng.IntN(8)
		b := bytes.Clone(clean)
		b[at] ^= 1 << bit
		must(t, os.WriteFile(path, b, 0o600))
		s, err := Open(home, Options{})
		if err == nil {
			if err = s.Verify(nil); err == nil {
				if got, err := digest(s); err != nil || got != want {
					t.Fatalf("bit %d of byte %d of %s went unnoticed: %v", bit, at, path, err)
				}
			}
			_ = s.Close()
		}
		if err != nil {
			detected++
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "join again") {
				t.Fatalf("bit %d of byte %d of %s: %v", bit, at, path, err)
			}
		} else if path != files[0] {
			t.Fatalf("bit %d of byte %d of %s went unnoticed", bit, at, path)
		}
		must(t, os.WriteFile(path, clean, 0o600))
	}
	t.Logf("%d of 240 flips reported, the rest without effect", detected)
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
		{"raft.db is empty", valuesFile, func(b []byte) []byte { return nil }},
		{"raft.db is cut in half", valuesFile, func(b []byte) []byte { return b[:len(b)/2] }},
		{"raft.db is cut to a page", valuesFile, func(b []byte) []byte { return b[:4096] }},
		{"raft.db is cut to a few bytes", valuesFile, func(b []byte) []byte { return b[:40] }},
		{"raft.db is zeroes", valuesFile, func(b []byte) []byte { return make([]byte, len(b)) }},
		{"raft.db is another file", valuesFile, func(b []byte) []byte { return []byte(strings.Repeat("hello", 9999)) }},
		{"the beginning of raft.db is zeroes", valuesFile, func(b []byte) []byte { clear(b[:4096]); return b }},
		{"the second page of raft.db is zeroes", valuesFile, func(b []byte) []byte { clear(b[4096:8192]); return b }},
		{"a segment is empty", logDir + "/0000000000000001.seg", func(b []byte) []byte { return nil }},
		{"a segment is cut in half", logDir + "/0000000000000001.seg", func(b []byte) []byte { return b[:len(b)/2] }},
		{"a segment is cut to a page", logDir + "/0000000000000001.seg", func(b []byte) []byte { return b[:4096] }},
		{"a segment is cut to a few bytes", logDir + "/0000000000000001.seg", func(b []byte) []byte { return b[:40] }},
		{"a segment is zeroes", logDir + "/0000000000000001.seg", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"a segment is another file", logDir + "/0000000000000001.seg", func(b []byte) []byte { return []byte(strings.Repeat("hello", 9999)) }},
		{"the beginning of a segment is zeroes", logDir + "/0000000000000001.seg", func(b []byte) []byte { clear(b[:4096]); return b }},
		{"the second page of a segment is zeroes", logDir + "/0000000000000001.seg", func(b []byte) []byte { clear(b[4096:8192]); return b }},
		{"a segment is too long", logDir + "/0000000000000001.seg", func(b []byte) []byte { return append(b, 0) }},
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
	want, files := state(t, home)
	for _, path := range files {
		clean, err := os.ReadFile(path)
		must(t, err)
		for page := 0; page*4096 < len(clean); page++ {
			b := bytes.Clone(clean)
			clear(b[page*4096 : (page+1)*4096])
			if bytes.Equal(b, clean) {
				continue
			}
			must(t, os.WriteFile(path, b, 0o600))
			s, err := Open(home, Options{})
			if err == nil {
				err = s.Verify(nil)
				if got, derr := digest(s); err == nil && (derr != nil || got != want) {
					t.Fatalf("page %d of %s went unnoticed: %v", page, path, derr)
				}
				_ = s.Close()
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatalf("page %d of %s: %v", page, path, err)
			}
			must(t, os.WriteFile(path, clean, 0o600))
		}
	}
}

func TestDamageWhileOpenIsFoundByVerifyAndByReading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sample(t, dir)
	s := open(t, dir, Options{LogCache: 1})
	segments, err := filepath.Glob(filepath.Join(dir, logDir, "*.seg"))
	must(t, err)
	// The data of entry 301 is 20,000 bytes that count up from its index.
	needle := string(entries(301, 301, 64)[0].Data)
	for _, path := range segments {
		b, err := os.ReadFile(path)
		must(t, err)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		for at := 0; ; at++ {
			next := strings.Index(string(b[at:]), needle)
			if next < 0 {
				break
			}
			at += next
			_, err = f.WriteAt([]byte{b[at+5] ^ 4}, int64(at+5))
			must(t, err)
		}
		must(t, f.Close())
	}
	err = s.Verify(nil)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "entry ") {
		t.Fatalf("got %v", err)
	}
	if err := s.GetLog(200, new(raft.Log)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v", err)
	}
}
