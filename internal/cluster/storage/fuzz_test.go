package storage

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

// FuzzTable checks that bytes which decode as a table of values encode to the same
// bytes again.
func FuzzTable(f *testing.F) {
	f.Add(encodeTable(map[string][]byte{"CurrentTerm": make([]byte, 8), "member/name": []byte("n1")}))
	f.Add([]byte{})
	f.Add([]byte{1, 'a', 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := decodeTable(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		again, err := decodeTable(encodeTable(table))
		if err != nil || len(again) != len(table) {
			t.Fatalf("%q is read as %v, and that as %v, %v", b, table, again, err)
		}
		for _, v := range table {
			_, _ = numberOf("x", v)
		}
	})
}

// FuzzEntry checks that an entry with a wrong checksum is never returned.
func FuzzEntry(f *testing.F) {
	f.Add(uint64(7), uint64(2), byte(0), []byte("ballots"), []byte{1, 2, 3, 4})
	f.Add(uint64(0), uint64(0), byte(255), []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, index, term uint64, kind byte, data, extensions []byte) {
		inner := newFaulty(func(string) error { return nil })
		stored := &raft.Log{Index: index, Term: term, Type: raft.LogType(kind), Data: data, Extensions: extensions}
		if err := inner.StoreLog(stored); err != nil {
			t.Fatal(err)
		}
		c := &checksummed{inner}
		var got raft.Log
		if err := c.GetLog(index, &got); err == nil {
			again := newFaulty(func(string) error { return nil })
			if err := (&checksummed{again}).StoreLog(&got); err != nil {
				t.Fatal(err)
			}
			var sealed raft.Log
			if err := again.GetLog(index, &sealed); err != nil || !bytes.Equal(sealed.Extensions, extensions) || !bytes.Equal(sealed.Data, data) {
				t.Fatalf("an entry is handed out that was not sealed so: %+v", stored)
			}
		} else if !errors.Is(err, ErrDamaged) {
			t.Fatalf("refused with %v", err)
		}
	})
}

// FuzzPages checks that no file makes the check of a log's pages panic or run forever.
func FuzzPages(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.StoreLogs([]*raft.Log{{Index: 1, Term: 1, Data: []byte("x")}}); err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, valuesFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{})
	f.Add(uint32(16), []byte{0xff, 0xff})
	f.Add(uint32(len(whole)-1), []byte{1})
	path := filepath.Join(f.TempDir(), "pages")
	f.Fuzz(func(t *testing.T, at uint32, over []byte) {
		b := bytes.Clone(whole)
		copy(b[int(at)%len(b):], over)
		if len(over) == 0 {
			b = b[:int(at)%len(b)]
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkPages(path); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("refused with %v", err)
		}
	})
}

// FuzzSnapshotMeta checks that no description of a snapshot makes listing or opening
// panic, and that one that differs from what was sealed is not opened.
func FuzzSnapshotMeta(f *testing.F) {
	dir := f.TempDir()
	faulty := &faults{}
	s, err := openSnapshots(dir, faulty)
	if err != nil {
		f.Fatal(err)
	}
	sink, err := s.Create(1, 9, 3, raft.Configuration{}, 1, nil)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := sink.Write([]byte("state")); err != nil {
		f.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		f.Fatal(err)
	}
	meta := s.path(sink.ID(), "meta.json")
	whole, err := os.ReadFile(meta)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("{}"))
	f.Add(bytes.Replace(whole, []byte(`"Index":9`), []byte(`"Index":8`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(meta, b, 0o600); err != nil {
			t.Fatal(err)
		}
		metas, err := s.List()
		if err != nil {
			return
		}
		for _, m := range metas {
			got, state, err := s.Open(m.ID)
			if err != nil {
				continue
			}
			_ = state.Close()
			if got.Index != 9 || got.Term != 3 {
				t.Fatalf("a snapshot sealed at 3/9 is opened as %d/%d", got.Term, got.Index)
			}
		}
	})
}
