package journal

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"voted/harness/ledger"
	"voted/harness/workload"
)

func write(t *testing.T, path string, n int) []ledger.Entry {
	t.Helper()
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []ledger.Entry
	for i := range n {
		e := ledger.Entry{
			Vote: uint64(i), Poll: "p", Voter: "v<1>", Kind: workload.Conflict, Choice: 2, Intended: 5, End: 9,
			Code: "already_voted", Tries: []ledger.Try{{Endpoint: "http://n1", Error: "EOF"}},
		}
		all = append(all, e)
		if err := w.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(path string) (all []ledger.Entry, err error) {
	err = Read(path, func(e *ledger.Entry) error { all = append(all, *e); return nil })
	return all, err
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	want := write(t, path, 1000)
	got, err := read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%d entries were read, %v; want the %d that were written", len(got), err, len(want))
	}
}

func TestALogCutShortIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, 1000)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := read(path); err == nil {
		t.Errorf("half a log was read as %d entries", len(got))
	}
}

func TestAFullDiskIsReported(t *testing.T) {
	t.Parallel()
	w, err := Create("/dev/full")
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	if err := w.Add(&ledger.Entry{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "is the disk full?") {
		t.Errorf("closing a log on a full disk gives the error %v, want one that asks about the disk", err)
	}
}
