package journal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

var update = flag.Bool("update", false, "write the golden files of the format of today")

// golden makes a log with each kind of record, in two segments of 4 KiB.
func golden(t *testing.T, in *memory) *Journal {
	t.Helper()
	must(t, create(in, testID, sizes{8, 8}))
	j, err := open(in, testID, Options{}, sizes{8, 8}, true)
	must(t, err)
	must(t, j.StoreLogs([]*raft.Log{
		{Index: 7, Term: 2, Type: raft.LogNoop, AppendedAt: time.Unix(1_764_000_000, 123_456_789)},
		{Index: 8, Term: 2, Type: raft.LogConfiguration, Data: []byte("who"), Extensions: []byte("more")},
	}))
	must(t, j.StoreLogs(entries(9, 10, 3, 600)))
	must(t, j.DeleteRange(1, 7))
	must(t, j.StoreLogs(entries(11, 12, 3, 700)))
	must(t, j.DeleteRange(12, 12))
	return j
}

// The files in testdata/v1 only grow: today's code reads each released format, and writes
// the newest one to the byte.
func TestTheBytesOfTheFormatAreFixed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "v1")
	in := newMemory()
	want := shown(t, golden(t, in))
	if *update {
		for n := uint64(1); n <= 2; n++ {
			must(t, os.WriteFile(filepath.Join(dir, nameOf(n)), in.names[nameOf(n)].now, 0o600))
		}
	}
	kept := newMemory()
	for n := uint64(1); n <= 2; n++ {
		b, err := os.ReadFile(filepath.Join(dir, nameOf(n)))
		must(t, err)
		if !bytes.Equal(b, in.names[nameOf(n)].now) {
			t.Errorf("%s is written otherwise now", nameOf(n))
		}
		kept.names[nameOf(n)] = &memoryFile{in: kept, now: b, unsafed: map[int]bool{}}
	}
	if got := shown(t, reopen(t, kept, Options{})); got != want {
		t.Errorf("it is read as %.300s", got)
	}
}
