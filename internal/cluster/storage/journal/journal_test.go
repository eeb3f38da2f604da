package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

var (
	testID = ID{0: 0xAB, 15: 7}
	// small segments have 16 sectors, and grow to 64.
	small = sizes{16, 64}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin makes a log in a folder.
func begin(t testing.TB, in *memory) *Journal {
	t.Helper()
	must(t, create(in, testID, small))
	return reopen(t, in, Options{})
}

// reopen opens the log with segments made by the goroutine that needs them.
func reopen(t testing.TB, in *memory, o Options) *Journal {
	t.Helper()
	j, err := open(in, testID, o, small, true)
	must(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// entries from to to, with so many bytes each, that follow from index and term.
func entries(from, to, term uint64, size int) []*raft.Log {
	var logs []*raft.Log
	for i := from; i <= to; i++ {
		data := make([]byte, size)
		for k := range data {
			data[k] = byte(i*7+term) + byte(k)
		}
		logs = append(logs, &raft.Log{Index: i, Term: term, Type: raft.LogCommand, Data: data, AppendedAt: time.Unix(int64(i), 5).UTC()})
	}
	return logs
}

// shown is all that raft can see of a log.
func shown(t testing.TB, j *Journal) string {
	t.Helper()
	first, _ := j.FirstIndex()
	last, _ := j.LastIndex()
	var b strings.Builder
	fmt.Fprintln(&b, first, last)
	for i := first; i <= last && last > 0; i++ {
		var l raft.Log
		must(t, j.GetLog(i, &l))
		fmt.Fprintf(&b, "%d %d %d %d %x %x\n", l.Index, l.Term, l.Type, l.AppendedAt.UnixNano(), l.Extensions, l.Data)
	}
	return b.String()
}

// tornWrite returns the folder as it was while the next write of a segment was under way:
// written, and not synced.
func tornWrite(t testing.TB, in *memory, write func() error) {
	t.Helper()
	in.before = func(op, _ string) error {
		if op == "fdatasync" {
			return errBroken
		}
		return nil
	}
	if err := write(); !errors.Is(err, errBroken) {
		t.Fatalf("the write was not cut off: %v", err)
	}
	in.before = nil
}

func noNames(int) int { return 0 }

func TestEverythingComesBack(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	if first, _ := j.FirstIndex(); first != 0 {
		t.Fatal("a new log has an entry")
	}
	logs := entries(1, 40, 3, 700)
	logs[3].Extensions, logs[4].Data, logs[5].AppendedAt = []byte("kept"), nil, time.Time{}
	for _, l := range logs {
		must(t, j.StoreLog(l))
	}
	must(t, j.StoreLogs(entries(41, 90, 4, 300)))
	must(t, j.DeleteRange(1, 7))
	must(t, j.DeleteRange(80, 90))
	must(t, j.StoreLogs(entries(80, 82, 5, 10)))
	want := shown(t, j)
	must(t, j.Close())
	j = reopen(t, in, Options{})
	if got := shown(t, j); got != want {
		t.Fatalf("%.300s\nis now\n%.300s", want, got)
	}
	var l raft.Log
	if must(t, j.GetLog(82, &l)); l.Term != 5 {
		t.Errorf("entry 82 is of term %d", l.Term)
	}
	for _, index := range []uint64{0, 7, 83} {
		if err := j.GetLog(index, &l); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

func TestWhatRaftMustNotDoIsRefused(t *testing.T) {
	t.Parallel()
	j := begin(t, newMemory())
	must(t, j.StoreLogs(entries(5, 9, 1, 10)))
	for name, err := range map[string]error{
		"a hole":                 j.StoreLogs(entries(11, 11, 1, 1)),
		"an entry that is there": j.StoreLogs(entries(9, 9, 1, 1)),
		"a hole in one append":   j.StoreLogs([]*raft.Log{{Index: 10}, {Index: 12}}),
		"the middle goes":        j.DeleteRange(6, 7),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	must(t, j.DeleteRange(1, 4))
	must(t, j.DeleteRange(10, 90))
	if last, _ := j.LastIndex(); last != 9 {
		t.Errorf("the log ends with %d", last)
	}
}

// Each subset of an append's sectors may be on disk after a power cut. Only if all are,
// the append is there; no subset is taken for damage.
func TestATornAppendIsDroppedAndAWholeOneKept(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Journal) error{
		"entries":          func(j *Journal) error { return j.StoreLogs(entries(4, 6, 2, 900)) },
		"one small entry":  func(j *Journal) error { return j.StoreLogs(entries(4, 4, 2, 9)) },
		"the newest go":    func(j *Journal) error { return j.DeleteRange(3, 3) },
		"the oldest go":    func(j *Journal) error { return j.DeleteRange(1, 2) },
		"all of them go":   func(j *Journal) error { return j.DeleteRange(1, 3) },
		"the next segment": func(j *Journal) error { return j.StoreLogs(entries(4, 4, 2, 4500)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := newMemory()
			j := begin(t, given)
			must(t, j.StoreLogs(entries(1, 3, 1, 800)))
			before := shown(t, j)
			whole := reopen(t, given.copy(), Options{})
			must(t, write(whole))
			after := shown(t, whole)
			j = reopen(t, given, Options{})
			must(t, j.Settle())
			if name == "the next segment" {
				must(t, j.advance(4500))
				j.segments, j.ready = j.segments[:1], j.segments[1:2]
			}
			tornWrite(t, given, func() error { return write(j) })
			sectors := 0
			given.cut(noNames, func(int) bool { sectors++; return true })
			for kept := range 1 << sectors {
				in := given.cut(noNames, func(i int) bool { return kept>>i&1 == 1 })
				j := reopen(t, in, Options{})
				want := before
				if kept == 1<<sectors-1 {
					want = after
				}
				if got := shown(t, j); got != want {
					t.Fatalf("of %d sectors %b are kept:\n%.200s\nwant\n%.200s", sectors, kept, got, want)
				}
				// It goes on, and comes back again.
				next, _ := j.LastIndex()
				must(t, j.StoreLogs(entries(next+1, next+2, 9, 600)))
				want = shown(t, j)
				if got := shown(t, reopen(t, in.cut(noNames, func(int) bool { return false }), Options{})); got != want {
					t.Fatalf("after %b: %.200s\nwant\n%.200s", kept, got, want)
				}
			}
		})
	}
}

// Disks do not write parts of a sector. If one does, that is damage or no append, never
// another log.
func TestAnAppendThatIsCutAtAnyByteIsNeverAnotherLog(t *testing.T) {
	t.Parallel()
	given := newMemory()
	j := begin(t, given)
	must(t, j.StoreLogs(entries(1, 3, 1, 100)))
	before, clean := shown(t, j), given.copy()
	from := int(j.tail().end) * sectorBytes
	must(t, j.StoreLogs(entries(4, 5, 1, 600)))
	after, to := shown(t, j), int(j.tail().end)*sectorBytes
	image := given.names[nameOf(1)].now
	for n := from; n <= to; n++ {
		in := clean.copy()
		copy(in.names[nameOf(1)].now, image[:n])
		j, err := open(in, testID, Options{}, small, true)
		if err != nil {
			if !errors.Is(err, ErrDamaged) || n%sectorBytes == 0 {
				t.Fatalf("cut at byte %d: %v", n, err)
			}
			continue
		}
		if got := shown(t, j); got != before && got != after || got == after && bytes.ContainsFunc(image[n:to], func(r rune) bool { return r != 0 }) {
			t.Fatalf("cut at byte %d, the log is %.200s", n, got)
		}
		must(t, j.Close())
	}
}

// Every bit of every segment counts, those of the last append and of the zeros behind it
// included.
func TestAFlippedBitIsDamageAndNeverTorn(t *testing.T) {
	t.Parallel()
	given := newMemory()
	j := begin(t, given)
	must(t, j.StoreLogs(entries(1, 14, 1, 700)))
	must(t, j.DeleteRange(1, 3))
	must(t, j.StoreLogs(entries(15, 17, 1, 900))) // the last append
	must(t, j.Close())
	if len(given.names) < 4 {
		t.Fatalf("%d segments are few", len(given.names))
	}
	for name, f := range given.copy().names {
		used := len(bytes.TrimRight(f.now, "\x00"))
		for at := 0; at < len(f.now); at++ {
			if at > used {
				at += 40 // zeros are all alike
			}
			if at >= len(f.now) {
				break
			}
			in := given.copy()
			in.names[name].now[at] ^= 1 << (at % 8)
			_, err := open(in, testID, Options{}, small, true)
			var d *Damage
			if !errors.As(err, &d) || d.File != name {
				t.Fatalf("bit %d of byte %d of %s: %v", at%8, at, name, err)
			}
		}
	}
}

// tornTwice lets the power go in the middle of an append and, after a recovery, in the
// middle of the next one, each time with other sectors on disk.
func tornTwice(t *testing.T, keepTorn bool) (j *Journal, before string, err error) {
	t.Helper()
	in := newMemory()
	j = begin(t, in)
	must(t, j.StoreLogs(entries(1, 2, 1, 10)))
	before = shown(t, j)
	tornWrite(t, in, func() error { return j.StoreLogs(entries(3, 3, 1, 1300)) })
	in = in.cut(noNames, func(i int) bool { return i > 0 }) // all but its beginning
	j = reopen(t, in, Options{})
	j.keepTorn = keepTorn
	must(t, j.Settle())
	tornWrite(t, in, func() error { return j.StoreLogs(entries(3, 3, 2, 1300)) })
	in = in.cut(noNames, func(i int) bool { return i == 0 }) // its beginning alone
	j, err = open(in, testID, Options{}, small, true)
	return j, before, err
}

func TestWhatATornAppendLeftIsNotBroughtToLifeByTheNext(t *testing.T) {
	t.Parallel()
	j, before, err := tornTwice(t, false)
	must(t, err)
	if got := shown(t, j); got != before {
		t.Errorf("two halves are taken for an append: %.200s", got)
	}
	// The negative control: without the zeroing the same test must find something.
	if j, before, err = tornTwice(t, true); err == nil && shown(t, j) == before {
		t.Error("a recovery that leaves what is torn is not found out")
	}
}

// A process that dies between write and sync leaves an append whole in the page cache.
// Once raft may have read it, no power cut may take it away.
func TestWhatWasReadAfterACrashIsDurable(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	must(t, j.StoreLogs(entries(1, 2, 1, 10)))
	tornWrite(t, in, func() error { return j.StoreLogs(entries(3, 3, 1, 1300)) })
	// The sync failed, and as kernels do, the pages count as written.
	for _, f := range in.names {
		clear(f.unsafed)
	}
	j = reopen(t, in, Options{})
	must(t, j.Settle())
	want := shown(t, j)
	if got := shown(t, reopen(t, in.cut(noNames, func(int) bool { return false }), Options{})); got != want || !strings.Contains(want, "\n3 1 ") {
		t.Errorf("%.200s\nis now\n%.200s", want, got)
	}
}

func TestSegmentsThatAreWrongAreNamed(t *testing.T) {
	t.Parallel()
	given := newMemory()
	j := begin(t, given)
	for i := uint64(1); i <= 30; i++ {
		must(t, j.StoreLogs(entries(i, i, 1, 1000)))
		if i == 20 {
			must(t, j.DeleteRange(1, 9))
		}
	}
	first, tail := j.segments[0].number, j.tail().number
	must(t, j.Close())
	if first < 2 || tail-first < 2 {
		t.Fatalf("segments %d to %d are few", first, tail)
	}
	old := newMemory()
	must(t, create(old, ID{1}, small))
	for name, c := range map[string]struct {
		harm func(*memory)
		file string
		says string
	}{
		"the first one is missing":           {func(m *memory) { delete(m.names, nameOf(first)) }, nameOf(first), "missing"},
		"one in the middle is missing":       {func(m *memory) { delete(m.names, nameOf(first+1)) }, nameOf(first + 1), "missing"},
		"all are missing":                    {func(m *memory) { clear(m.names) }, "", "no segment"},
		"one is another's":                   {func(m *memory) { m.names[nameOf(tail)].now = old.names[nameOf(1)].now }, nameOf(tail), "another member"},
		"one has another's name":             {func(m *memory) { m.names[nameOf(tail)].now = m.names[nameOf(first)].now }, nameOf(tail), "says that it is number"},
		"one was cut":                        {func(m *memory) { f := m.names[nameOf(tail)]; f.now = f.now[:len(f.now)-1] }, nameOf(tail), "bytes, not"},
		"one is empty":                       {func(m *memory) { m.names[nameOf(first)].now = nil }, nameOf(first), "only 0 bytes"},
		"one ends early, as an old copy":     {func(m *memory) { clear(m.names[nameOf(first)].now[5*sectorBytes:]) }, nameOf(first), ""},
		"a sector of a batch is forgotten":   {func(m *memory) { clear(m.names[nameOf(first)].now[2*sectorBytes : 3*sectorBytes]) }, nameOf(first), "incomplete or missing"},
		"one that was made ahead is used":    {func(m *memory) { delete(m.names, nameOf(tail)) }, nameOf(tail), "missing"},
		"nothing but its head is left of it": {func(m *memory) { clear(m.names[nameOf(tail-1)].now[sectorBytes:]) }, nameOf(tail - 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := given.copy()
			c.harm(in)
			_, err := open(in, testID, Options{}, small, true)
			var d *Damage
			if !errors.As(err, &d) || d.File != c.file || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (in %v)", err, d)
			}
		})
	}
}

func TestALaterFormatIsNamedAndNotDamage(t *testing.T) {
	t.Parallel()
	in := newMemory()
	must(t, create(in, testID, small))
	head := in.names[nameOf(1)].now[:sectorBytes]
	order.PutUint32(head[sealBytes+len(magic):], format+1)
	seal(0, 0, 0, head)
	if _, err := open(in, testID, Options{}, small, true); !errors.Is(err, ErrLater) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestAnEntryThatIsLargerThanASegmentGetsOneOfItsOwn(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	must(t, j.StoreLogs(entries(1, 2, 1, 100)))
	must(t, j.StoreLogs(entries(3, 5, 1, 100_000)))
	must(t, j.StoreLogs(entries(6, 7, 1, 100)))
	want := shown(t, j)
	if got := shown(t, reopen(t, in.cut(noNames, func(int) bool { return false }), Options{})); got != want {
		t.Error("it did not come back")
	}
}

// A log that is compacted again and again takes no more space than before.
func TestSegmentsAreUsedAgain(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	for i := uint64(1); i <= 2000; i++ {
		must(t, j.StoreLogs(entries(i, i, 1, 1000)))
		if i%50 == 0 {
			must(t, j.DeleteRange(1, i-20))
		}
	}
	if n := len(in.names); n > 12 {
		t.Errorf("there are %d files", n)
	}
	if j.segments[0].number < 50 {
		t.Errorf("the log begins in segment %d", j.segments[0].number)
	}
	want := shown(t, j)
	j = reopen(t, in, Options{})
	if got := shown(t, j); got != want {
		t.Error("it did not come back")
	}
	for name := range in.names {
		if numberOf(name) == 0 {
			t.Errorf("%s was left", name)
		}
	}
}

func TestAFullDiskStopsTheAppendThatNeedsSpaceAndNoOther(t *testing.T) {
	t.Parallel()
	in := newMemory()
	must(t, create(in, testID, small))
	in.space = 9000 // one more segment of 8,192 bytes
	j := reopen(t, in, Options{OnFault: func(err error) { t.Errorf("a full disk is a fault: %v", err) }})
	var err error
	stored := uint64(0)
	for ; err == nil; stored++ {
		err = j.StoreLogs(entries(stored+1, stored+1, 1, 400))
	}
	stored--
	if !errors.Is(err, syscall.ENOSPC) || stored != 30 {
		t.Fatalf("%d appends fit into 30 sectors: %v", stored, err)
	}
	for name := range in.names {
		if numberOf(name) == 0 {
			t.Errorf("%s takes space", name)
		}
	}
	// Deleting is possible while there is a sector; with space, everything is.
	in.space = 1 << 20
	j = reopen(t, in, Options{})
	if last, _ := j.LastIndex(); last != stored {
		t.Fatalf("the log ends with %d", last)
	}
	must(t, j.DeleteRange(1, 20))
	must(t, j.StoreLogs(entries(stored+1, stored+9, 1, 400)))
}

func TestASegmentThatCannotBeMadeIsAFault(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"create", "write", "fdatasync", "rename", "sync"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			in := newMemory()
			must(t, create(in, testID, small))
			faults := make(chan error, 9)
			j, err := open(in, testID, Options{OnFault: func(err error) { faults <- err }}, small, false)
			must(t, err)
			defer j.Close()
			must(t, j.Settle())
			broken := false
			in.before = func(at, name string) error {
				broken = broken || at == "create"
				if at == op && broken && !strings.HasSuffix(name, "1.seg") {
					return errBroken
				}
				return nil
			}
			must(t, j.StoreLogs(entries(1, 1, 1, 10))) // begins to make one ahead
			if err := <-faults; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), nameOf(2)) {
				t.Errorf("got %v", err)
			}
			if err := j.StoreLogs(entries(2, 30, 1, 900)); !errors.Is(err, errBroken) {
				t.Errorf("the append that needs it: %v", err)
			}
		})
	}
}

func TestWhatChangesFilesInTheBackgroundIsWatchedAndAppendsAreNot(t *testing.T) {
	t.Parallel()
	in := newMemory()
	must(t, create(in, testID, small))
	calling := false
	ops := map[bool]map[string]int{true: {}, false: {}} // by whether they are in a call
	call := func(f func() error) error {
		calling = true
		defer func() { calling = false }()
		return f()
	}
	j := reopen(t, in, Options{Call: call})
	must(t, j.Settle())
	in.before = func(op, _ string) error {
		ops[calling][op]++
		return nil
	}
	// Segments are made, used again, removed, and made of what is used again.
	const appends = 400
	for i := uint64(1); i <= appends; i++ {
		must(t, j.StoreLogs(entries(i, i, 1, 400)))
		if i%100 == 0 {
			must(t, j.DeleteRange(1, i-1))
		}
	}
	for _, op := range []string{"create", "write", "fdatasync", "rename", "remove", "sync"} {
		if ops[true][op] == 0 {
			t.Errorf("no %s is watched: %v", op, ops)
		}
	}
	if n := appends + 4; ops[false]["write"] != n || ops[false]["fdatasync"] != n || len(ops[false]) != 2 {
		t.Errorf("outside of calls there is %v, not %d appends and nothing else", ops[false], n)
	}
}

func TestTheMakerEndsALogWhoseDiskHangs(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"create", "write", "fdatasync", "rename", "sync"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			in := newMemory()
			must(t, create(in, testID, small))
			// Given a disk that hangs from the first such change on, which Call sees.
			at, hangs := "", errors.New("it hangs")
			in.before = func(o, _ string) error {
				at = o
				return nil
			}
			stuck := false
			faults := make(chan error, 9)
			j, err := open(in, testID, Options{
				OnFault: func(err error) { faults <- err },
				Call: func(f func() error) error {
					if stuck {
						return hangs
					}
					err := f()
					in.mu.Lock()
					defer in.mu.Unlock()
					if stuck = at == op; stuck {
						return hangs
					}
					return err
				},
			}, small, false)
			must(t, err)
			must(t, j.Settle())
			// When a segment is made, then it is a fault, although the appends go on.
			must(t, j.StoreLogs(entries(1, 1, 1, 10)))
			if err := <-faults; !errors.Is(err, hangs) || !strings.Contains(err.Error(), nameOf(2)) {
				t.Errorf("got %v", err)
			}
			must(t, j.StoreLogs(entries(2, 2, 1, 10)))
			must(t, j.Close())
		})
	}
}

func TestCloseEndsTheMaker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/log"
	must(t, Create(dir, testID))
	j, err := Open(dir, testID, Options{Free: func() (uint64, error) { return 1 << 40, nil }})
	must(t, err)
	for i := uint64(1); i <= 8; i++ {
		must(t, j.StoreLogs(entries(i, i, 1, 300_000)))
	}
	want := shown(t, j)
	must(t, j.Close())
	j, err = Open(dir, testID, Options{})
	must(t, err)
	if shown(t, j) != want {
		t.Error("it did not come back")
	}
	must(t, j.Close())
	if _, err := Open(dir, ID{9}, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("another log's id: %v", err)
	}
	if _, err := Open(dir+"/none", testID, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("no directory: %v", err)
	}
}

// A process that dies between giving a segment its name and making the name durable
// leaves a segment that a power cut can take away, with all that was written to it since.
func TestASegmentWhoseNameWasNotDurableIsKeptOnceItIsUsed(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	must(t, j.Settle())
	in.before = func(op, _ string) error {
		if op == "sync" {
			return errBroken
		}
		return nil
	}
	if err := j.StoreLogs(entries(1, 3, 1, 3000)); !errors.Is(err, errBroken) { // needs the second segment
		t.Fatal(err)
	}
	in.before = nil
	if _, made := in.names[nameOf(2)]; !made || in.durable[nameOf(2)] != nil {
		t.Fatal("the second segment does not have its name as this test needs it")
	}
	j = reopen(t, in, Options{})
	in.before = func(op, _ string) error {
		if op == "create" { // making another one would make the name durable by chance
			return errBroken
		}
		return nil
	}
	last, _ := j.LastIndex()
	must(t, j.StoreLogs(entries(last+1, last+1, 2, 3000)))
	want := shown(t, j)
	if got := shown(t, reopen(t, in.cut(noNames, func(int) bool { return false }), Options{})); got != want {
		t.Errorf("what was acknowledged is gone: %.100s, not %.100s", got, want)
	}
}

// Two copies of one directory that both went on have segments of the same log, numbers
// and batches. One of the other copy is noticed all the same.
func TestASegmentOfACopyThatWentOnIsNoticed(t *testing.T) {
	t.Parallel()
	in := newMemory()
	j := begin(t, in)
	must(t, j.StoreLogs(entries(1, 3, 1, 900)))
	other := in.copy()
	for term, m := range map[uint64]*memory{1: in, 2: other} {
		j := reopen(t, m, Options{})
		for i := uint64(4); i <= 20; i++ {
			must(t, j.StoreLogs(entries(i, i, term, 900)))
		}
	}
	for _, number := range []uint64{1, 2} {
		mixed := in.copy()
		mixed.names[nameOf(number)] = other.copy().names[nameOf(number)]
		if _, err := open(mixed, testID, Options{}, small, true); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "does not follow") {
			t.Errorf("segment %d: %v", number, err)
		}
	}
}
