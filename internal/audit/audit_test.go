package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func TestEntriesAreAddedAndRotationIsFollowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(path)
	must(t, err)
	must(t, l.Record(map[string]int{"n": 1}))
	must(t, l.Close())
	if l, err = Open(path); err != nil {
		t.Fatal(err)
	}
	must(t, l.Record(map[string]int{"n": 2}))
	must(t, os.Rename(path, path+".1"))
	must(t, l.Record(map[string]int{"n": 3}))
	must(t, os.Remove(path))
	must(t, l.Record(map[string]int{"n": 4}))
	if got := read(t, path+".1"); got != "{\"n\":1}\n{\"n\":2}\n" {
		t.Errorf("the old file holds %q", got)
	}
	if got := read(t, path); got != "{\"n\":4}\n" {
		t.Errorf("the new file holds %q", got)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, l.Close())
	must(t, l.Close())
	if err := l.Record(1); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(t.TempDir(), "none", "audit.log")); err == nil {
		t.Error("a log was opened in no directory")
	}
	l, err := Open("/dev/full")
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer l.Close()
	if err := l.Record(1); err == nil {
		t.Error("a full disk took an entry")
	}
}
