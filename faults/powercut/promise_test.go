package powercut

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/cluster/storage"
)

// written lets the writer write into a new store until it has printed so many lines, and
// closes the store. p is what the store has acknowledged.
func written(t *testing.T, lines int) (dir string, p *promise) {
	t.Helper()
	dir, p = filepath.Join(t.TempDir(), "data"), newPromise()
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { // ends with the store
		ended <- write(s, rand.New(rand.NewPCG(3, 1)), in)
		_ = in.Close() // a pipe in memory
	}()
	printed := bufio.NewScanner(out)
	for range lines {
		if !printed.Scan() {
			t.Fatal("the writer ended early")
		}
		if err := p.add(printed.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for printed.Scan() {
		if err := p.add(printed.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; !errors.Is(err, storage.ErrClosed) {
		t.Fatal(err)
	}
	return dir, p
}

func TestAStoreThatKeptEverythingKeepsItsPromise(t *testing.T) {
	t.Parallel()
	dir, p := written(t, 200)
	if broken, err := p.check(dir); broken != nil || err != nil {
		t.Fatalf("the promise of a store that lost nothing is broken: %+v, %v", broken, err)
	}
	if p.total == 0 || p.term == 0 || p.snapshot == 0 {
		t.Fatalf("the writer has promised too little for a test: %+v", p)
	}
}

func TestALostEntryBreaksThePromise(t *testing.T) {
	t.Parallel()
	dir, p := written(t, 60)
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastIndex()
	if err == nil {
		err = s.DeleteRange(last, last)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if broken, err := p.check(dir); broken == nil || broken.lost != 1 || err != nil {
		t.Fatalf("%+v, %v, want one lost entry", broken, err)
	}
}

func TestAnEntryOfAnotherTermBreaksThePromise(t *testing.T) {
	t.Parallel()
	dir, p := written(t, 60)
	s, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastIndex()
	if err == nil {
		err = errors.Join(s.DeleteRange(last, last), s.StoreLog(&raft.Log{Index: last, Term: 1, Data: []byte("another")}))
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if broken, err := p.check(dir); broken == nil || !strings.Contains(broken.what, "another") || err != nil {
		t.Fatalf("%+v, %v, want one entry that is another one", broken, err)
	}
}

func TestAPromiseFollowsFromTheLinesOfTheWriter(t *testing.T) {
	t.Parallel()
	p := newPromise()
	for _, line := range []string{"open\n", "term 2\n", "appended 1 9 2\n", "truncate 8\n", "appended 8 8 3\n", "snapshot 6\n", "compact 4\n"} {
		if err := p.add(line); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.terms) != 4 || p.terms[8] != 3 || p.terms[5] != 2 || p.term != 2 || p.snapshot != 6 || !p.opened || p.total != 10 {
		t.Errorf("the lines make another promise: %+v", p)
	}
	if p.add("appended 1") == nil {
		t.Error("half a line was accepted")
	}
}
