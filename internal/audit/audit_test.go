package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

func TestAPipeTakesEntriesAndAPipeWithoutAReaderIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// Given a pipe with a reader,
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	l, err := Open(path)
	must(t, err)
	defer l.Close()
	// when entries are recorded, each is there at once, though a pipe cannot be synced;
	lines := bufio.NewScanner(reader)
	for n := range 3 {
		must(t, l.Record(map[string]int{"n": n}))
		if !lines.Scan() || lines.Text() != fmt.Sprintf(`{"n":%d}`, n) {
			t.Fatalf("entry %d: %q, %v", n, lines.Text(), lines.Err())
		}
	}
	// and without a reader that is an error.
	must(t, reader.Close())
	if err := l.Record(1); err == nil {
		t.Error("an entry is recorded in a pipe without a reader")
	}
}

// asWriter makes this test's program one that writes an audit log to its standard output.
const asWriter = "VOTED_TEST_AUDIT"

func TestMain(m *testing.M) {
	if path := os.Getenv(asWriter); path != "" {
		l, err := Open(path)
		if err == nil {
			err = errors.Join(l.Record("first"), l.Record("second"), l.Close())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("and on")
		return
	}
	os.Exit(m.Run())
}

func TestTheStandardOutputIsALogWhateverItIs(t *testing.T) {
	t.Parallel()
	pipe := func(t *testing.T) (theirs *os.File, read func() string) {
		r, w, err := os.Pipe()
		must(t, err)
		return w, func() string { b, _ := io.ReadAll(r); return string(b) }
	}
	socket := func(t *testing.T) (theirs *os.File, read func() string) { // as under systemd
		ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		must(t, err)
		r := os.NewFile(uintptr(ends[0]), "ours")
		return os.NewFile(uintptr(ends[1]), "theirs"), func() string { b, _ := io.ReadAll(r); return string(b) }
	}
	file := func(t *testing.T) (theirs *os.File, read func() string) {
		path := filepath.Join(t.TempDir(), "out")
		f, err := os.Create(path)
		must(t, err)
		return f, func() string { b, _ := os.ReadFile(path); return string(b) }
	}
	for name, open := range map[string]func(*testing.T) (*os.File, func() string){"a pipe": pipe, "a socket": socket, "a file": file} {
		for _, path := range []string{Stdout, "/dev/stdout"} {
			t.Run(name+" as "+path, func(t *testing.T) {
				t.Parallel()
				out, read := open(t)
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), asWriter+"="+path)
				cmd.Stdout, cmd.Stderr = out, os.Stderr
				err := cmd.Run()
				must(t, out.Close())
				if got := read(); err != nil || got != "\"first\"\n\"second\"\nand on\n" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}
