package livefile

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	// Replaced as an operator's tools do: a new file under the old name.
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

func join(contents [][]byte) (string, error) {
	s := string(bytes.Join(contents, []byte("+")))
	if strings.Contains(s, "bad") {
		return "", errors.New("bad content")
	}
	return s, nil
}

// later makes the next Now look at the files.
func (s *Set[T]) later() *Set[T] {
	s.next.Store(time.Now().UnixNano())
	return s
}

func TestAChangeIsReadAndABadOneLeavesTheOldValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "1")
	write(t, b, "2")
	var log bytes.Buffer
	s, err := Open(NewWatch(slog.New(slog.NewTextHandler(&log, nil))), join, a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, path, content, want, logs string
	}{
		{"nothing changes", "", "", "1+2", ""},
		{"the second file changes", b, "3", "1+3", "was read again"},
		{"a bad content", a, "bad", "1+3", "stays in force"},
		{"the bad content stands: it is said once", "", "", "1+3", ""},
		{"it is repaired", a, "4", "4+3", "was read again"},
	} {
		log.Reset()
		if step.path != "" {
			write(t, step.path, step.content)
		}
		if got := s.later().Now(); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
		if got := log.String(); (got == "") != (step.logs == "") || !strings.Contains(got, step.logs) {
			t.Errorf("%s: logged %q", step.name, got)
		}
	}
	log.Reset()
	if err := os.Remove(a); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := s.later().Now(); got != "4+3" {
			t.Errorf("a file that is gone: got %q", got)
		}
	}
	if got := strings.Count(log.String(), "there is no file"); got != 1 {
		t.Errorf("a file that is gone was reported %d times", got)
	}
}

func TestTheFirstReadMustSucceed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	write(t, bad, "bad")
	large := filepath.Join(dir, "large")
	write(t, large, strings.Repeat("x", maxBytes+1))
	for name, c := range map[string]struct{ path, says string }{
		"a missing file":   {filepath.Join(dir, "none"), "there is no file"},
		"a directory":      {dir, "cannot be read"},
		"a bad content":    {bad, "bad content"},
		"a very long file": {large, "is larger than"},
	} {
		if _, err := Open(NewWatch(slog.New(slog.DiscardHandler)), join, c.path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
