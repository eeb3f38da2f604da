package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written makes a store with 40 entries and closes it.
func writtenStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	must(t, s.SetUint64([]byte("CurrentTerm"), 3))
	must(t, s.StoreLogs(entries(1, 40, 100)))
	must(t, s.Close())
	return dir
}

// keep keeps a copy of a file or a directory.
func keep(t *testing.T, dir, file string) (putBack func()) {
	t.Helper()
	path, copied := filepath.Join(dir, file), filepath.Join(t.TempDir(), "kept")
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		must(t, os.CopyFS(copied, os.DirFS(path)))
		return func() {
			must(t, os.RemoveAll(path))
			must(t, os.CopyFS(path, os.DirFS(copied)))
		}
	}
	old, err := os.ReadFile(path)
	must(t, err)
	return func() { must(t, os.WriteFile(path, old, 0o600)) }
}

func TestAnOldCopyIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file  string
		since func(*Store) error
		says  string
	}{
		"entries were appended since":            {logDir, func(s *Store) error { return s.StoreLogs(entries(41, 42, 100)) }, "up to entry 42"},
		"a vote was cast since":                  {valuesFile, func(s *Store) error { return s.SetUint64([]byte("CurrentTerm"), 4) }, "votes and other values"},
		"an entry was replaced by another since": {logDir, replaceNewest, "of term"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writtenStore(t)
			putBack := keep(t, dir, c.file)
			s := open(t, dir, Options{})
			must(t, c.since(s))
			must(t, s.Close())
			putBack()
			_, err := Open(dir, Options{})
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "join again") ||
				!strings.Contains(err.Error(), filepath.Join(dir, c.file)) {
				t.Fatalf("%v", err)
			}
		})
	}
}

// replaceNewest does what a follower does if its leader has another entry 40.
func replaceNewest(s *Store) error {
	other := entries(40, 40, 100)
	other[0].Term += 5
	return errors.Join(s.DeleteRange(40, 40), s.StoreLogs(other))
}

func TestAMarkThatLagsBehindIsNoDamage(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]func(*testing.T, *Store){
		"entries were appended":    func(t *testing.T, s *Store) { must(t, s.StoreLogs(entries(41, 90, 100))) },
		"values were written":      func(t *testing.T, s *Store) { must(t, s.SetUint64([]byte("CurrentTerm"), 9)) },
		"the beginning is deleted": func(t *testing.T, s *Store) { writeSnapshot(t, s, 30, 3, "x"); must(t, s.DeleteRange(1, 20)) },
		"all is in a snapshot":     func(t *testing.T, s *Store) { writeSnapshot(t, s, 40, 3, "x"); must(t, s.DeleteRange(1, 40)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writtenStore(t)
			putBack := keep(t, dir, markFile)
			s := open(t, dir, Options{})
			since(t, s)
			must(t, s.Close())
			putBack() // as a power cut may leave it: it is not synced at each commit
			s = open(t, dir, Options{})
			must(t, s.Verify(nil))
			must(t, s.Close())
		})
	}
}

func TestADirectoryWithoutAReadableMarkGetsOne(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(path string) error{
		"it is missing, as before there were marks": os.Remove,
		"it is empty":    func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"it is zeroes":   func(path string) error { return os.WriteFile(path, make([]byte, markBytes), 0o600) },
		"it is too long": func(path string) error { return os.WriteFile(path, make([]byte, 999), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writtenStore(t)
			must(t, harm(filepath.Join(dir, markFile)))
			must(t, open(t, dir, Options{}).Close())
			b, err := os.ReadFile(filepath.Join(dir, markFile))
			must(t, err)
			if m, ok := decodeMark(b); !ok || m.last != 40 || m.writes != 1 {
				t.Errorf("%+v %v", m, ok)
			}
		})
	}
}

// A follower removes entries that its leader does not have. The old mark must not
// outlive them, whatever a power cut undoes.
func TestTheMarkGoesDownWithTheLog(t *testing.T) {
	t.Parallel()
	read := func(dir string) mark {
		b, err := os.ReadFile(filepath.Join(dir, markFile))
		must(t, err)
		m, ok := decodeMark(b)
		if !ok {
			t.Fatal("no mark")
		}
		return m
	}
	dir := writtenStore(t)
	s := open(t, dir, Options{})
	must(t, s.DeleteRange(31, 40))
	if m := read(dir); m.last != 30 || m.term == 0 {
		t.Errorf("after the newest entries went: %+v", m)
	}
	writeSnapshot(t, s, 25, 3, "x")
	must(t, s.DeleteRange(1, 30))
	if m := read(dir); m.last != 25 {
		t.Errorf("after all entries went, 25 of them into a snapshot: %+v", m)
	}
	must(t, s.StoreLogs(entries(26, 27, 100)))
	must(t, s.Close())
	s = open(t, dir, Options{})
	must(t, s.Verify(nil))
	must(t, s.Close())
}

func TestWhatWasAppliedIsNeverCutBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		applied uint64
		restart bool
		refused bool
	}{
		"entries that were never decided may go":              {applied: 35},
		"an entry that was applied may not":                   {applied: 36, refused: true},
		"and may not after a restart, where that was noted":   {applied: 40, restart: true, refused: true},
		"nor where the state had been there before a restart": {applied: 38, restart: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writtenStore(t)
			s := open(t, dir, Options{})
			s.Applied(c.applied)
			if c.restart {
				must(t, s.Close())
				s = open(t, dir, Options{})
				s.Applied(10) // it applies its log again, from its snapshot on
			}
			err := s.DeleteRange(36, 40)
			if errors.Is(err, ErrUndone) != c.refused {
				t.Fatalf("got %v", err)
			}
			if c.refused && (!strings.Contains(err.Error(), "36 to 40") || !strings.Contains(err.Error(), "keep a copy")) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestAppliedEntriesThatASnapshotCoversMayGo(t *testing.T) {
	t.Parallel()
	dir := writtenStore(t)
	s := open(t, dir, Options{})
	writeSnapshot(t, s, 40, 3, "state")
	s.Applied(40)
	must(t, s.DeleteRange(1, 40))
}
