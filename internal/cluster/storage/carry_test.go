package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// oldStore copies testdata/v0 into a new directory: a store of the first format, with its
// entries (11 to 59) in raft.db, as that build left it.
func oldStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "v0"))))
	must(t, os.Chmod(filepath.Join(dir, valuesFile), 0o600))
	must(t, os.Chmod(filepath.Join(dir, markFile), 0o600))
	return dir
}

// seenByTheOldBuild opens the store with the layers of the build that wrote testdata/v0,
// and returns its entries' bounds and the cluster that it finds there.
func seenByTheOldBuild(t *testing.T, dir string) (entries, cluster string) {
	t.Helper()
	bolt, err := openBolt(dir)
	must(t, err)
	table := &stableTable{engine: &contiguous{engine: &checksummed{bolt}}}
	defer func() { must(t, table.Close()) }()
	first, err := table.FirstIndex()
	must(t, err)
	last, err := table.LastIndex()
	must(t, err)
	for i := first; i <= last && last > 0; i++ {
		must(t, table.GetLog(i, new(raft.Log)))
	}
	id, err := table.Get([]byte(oldPrefix + "cluster"))
	if err != nil && !isAnswer(err) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d-%d", first, last), string(id)
}

// checkCarried fails unless the store holds all of testdata/v0.
func checkCarried(t *testing.T, s *Store) {
	t.Helper()
	must(t, s.Verify(nil))
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if first != 11 || last != 59 {
		t.Fatalf("the log is %d to %d", first, last)
	}
	for i := first; i <= last; i++ {
		var l raft.Log
		must(t, s.GetLog(i, &l))
		if string(l.Data) != fmt.Sprintf("ballots of entry %d", i) || l.Term != 1+i/10 || l.AppendedAt.Unix() != int64(1_764_000_000+i) {
			t.Fatalf("entry %d is %+v", i, l)
		}
	}
	term, err1 := s.GetUint64([]byte("CurrentTerm"))
	who, err2 := s.Get([]byte("LastVoteCand"))
	cluster, err3 := s.Value("cluster")
	must(t, errors.Join(err1, err2, err3))
	if term != 12 || string(who) != "node-b" || string(cluster) != "c-17" {
		t.Fatalf("term %d, vote for %q, cluster %q", term, who, cluster)
	}
	if err := s.DeleteRange(48, 59); !errors.Is(err, ErrUndone) {
		t.Fatalf("how far it had applied is forgotten: %v", err)
	}
}

func TestAnOlderStoreIsCarriedOverOnce(t *testing.T) {
	t.Parallel()
	dir := oldStore(t)
	if entries, cluster := seenByTheOldBuild(t, dir); entries != "11-59" || cluster != "c-17" {
		t.Fatalf("the older build finds %s and %q", entries, cluster)
	}
	must(t, open(t, dir, Options{}).Close())
	raw, err := os.ReadFile(filepath.Join(dir, valuesFile))
	must(t, err)
	if strings.Contains(string(raw), "ballots of entry") {
		t.Error("raft.db still has entries")
	}
	segment, err := os.Stat(filepath.Join(dir, logDir, "0000000000000001.seg"))
	must(t, err)
	s := open(t, dir, Options{})
	checkCarried(t, s)
	again, err := os.Stat(filepath.Join(dir, logDir, "0000000000000001.seg"))
	must(t, err)
	if !os.SameFile(segment, again) {
		t.Error("it was carried over again")
	}
}

// An older build takes member/… for the member's values. Where it finds a term and no
// cluster it says that another version made the directory, and stops.
func TestAnOlderBuildFindsNoClusterInTodaysStore(t *testing.T) {
	t.Parallel()
	dir := oldStore(t)
	must(t, open(t, dir, Options{}).Close())
	if entries, cluster := seenByTheOldBuild(t, dir); entries != "0-0" || cluster != "" {
		t.Errorf("it finds %s and %q", entries, cluster)
	}
	mark, err := os.ReadFile(filepath.Join(dir, markFile))
	must(t, err)
	if string(mark[:8]) == oldMagic {
		t.Error("it would take the mark for its own, and call the store damaged")
	}
}

// The power may go at any moment of carrying over, and a name may be durable before a
// content. Before raft.db names the log, everything is as before, also for the older
// build; afterwards it is done.
func TestACrashWhileAStoreIsCarriedOverLosesNothing(t *testing.T) {
	t.Parallel()
	done := oldStore(t)
	must(t, open(t, done, Options{}).Close())
	other := oldStore(t) // another attempt, whose log has another id
	must(t, open(t, other, Options{}).Close())
	segment := filepath.Join(logDir, "0000000000000001.seg")
	old, err := os.ReadFile(filepath.Join("testdata", "v0", markFile))
	must(t, err)
	was, ok := decodeMark(old)
	if !ok {
		t.Fatal("testdata/v0 has no mark")
	}
	copied := func(t *testing.T, from, name, dir string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	before := map[string]func(*testing.T, string){
		"nothing was done":             func(*testing.T, string) {},
		"the log's directory is there": func(t *testing.T, dir string) { must(t, os.Mkdir(filepath.Join(dir, logDir), 0o750)) },
		"a segment is being made": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			must(t, os.Rename(filepath.Join(dir, segment), filepath.Join(dir, logDir, "new-0000000000000001.seg")))
		},
		"the segment is empty": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			must(t, os.Truncate(filepath.Join(dir, segment), 0))
		},
		"the segment is written in part": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			zeroFrom(t, filepath.Join(dir, segment), 2048)
		},
		"the segment is torn": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			zeroFrom(t, filepath.Join(dir, segment), 700)
		},
		"the segment is whole": func(t *testing.T, dir string) { copied(t, done, segment, dir) },
		"the mark is new": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			must(t, os.WriteFile(filepath.Join(dir, markFile), was.encode(), 0o600))
		},
		"the mark is half new": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			must(t, os.WriteFile(filepath.Join(dir, markFile), was.encode(), 0o600))
			must(t, os.Truncate(filepath.Join(dir, markFile), 44))
		},
		"the new raft.db is being made": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			must(t, os.WriteFile(filepath.Join(dir, "raft.db.new-17"), []byte("half"), 0o600))
		},
		"the new raft.db has not its name": func(t *testing.T, dir string) {
			copied(t, done, segment, dir)
			copied(t, done, valuesFile, dir)
			must(t, os.Rename(filepath.Join(dir, valuesFile), filepath.Join(dir, "raft.db.new-17")))
			copied(t, "testdata/v0", valuesFile, dir)
		},
		"an earlier attempt left its log": func(t *testing.T, dir string) { copied(t, other, segment, dir) },
	}
	for name, crash := range before {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := oldStore(t)
			crash(t, dir)
			if entries, cluster := seenByTheOldBuild(t, dir); entries != "11-59" || cluster != "c-17" {
				t.Fatalf("the older build finds %s and %q", entries, cluster)
			}
			checkCarriedIn(t, dir, name != "the mark is half new")
			left, _ := filepath.Glob(filepath.Join(dir, newFileGlob))
			if len(left) > 0 {
				t.Errorf("%v was left", left)
			}
		})
	}
	t.Run("raft.db names the log, and nothing else is done", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(done)))
		copied(t, "testdata/v0", markFile, dir) // not even the mark
		checkCarriedIn(t, dir, true)
	})
}

func checkCarriedIn(t *testing.T, dir string, marked bool) {
	t.Helper()
	s := open(t, dir, Options{})
	if !marked {
		s.Applied(50) // a mark that cannot be read says nothing about that
	}
	checkCarried(t, s)
}

func zeroFrom(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	clear(b[at:])
	must(t, os.WriteFile(path, b, 0o600))
}

func TestAnOlderStoreThatIsDamagedIsNotCarriedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		says string
	}{
		"an entry has changed": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, valuesFile)
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(b), "ballots of entry 33", "ballots of entry 34")), 0o600))
		}, "does not match its checksum"},
		"it is older than its mark": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, markFile), mark{last: 70, term: 8, writes: 1}.encode(), 0o600))
		}, "had written up to entry 70"},
		"it is an old copy, and the log went on since": {func(t *testing.T, dir string) {
			s := open(t, dir, Options{})
			must(t, s.StoreLogs(entries(60, 61, 9)))
			must(t, s.Close())
			b, err := os.ReadFile(filepath.Join("testdata", "v0", valuesFile))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, valuesFile), b, 0o600))
		}, "old copy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := oldStore(t)
			c.harm(t, dir)
			log, _ := os.ReadDir(filepath.Join(dir, logDir))
			_, err := Open(dir, Options{})
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "join again") {
				t.Fatalf("got %v", err)
			}
			if now, _ := os.ReadDir(filepath.Join(dir, logDir)); len(now) != len(log) {
				t.Errorf("the log had %d files, and has %d", len(log), len(now))
			}
		})
	}
}

func TestAStoreOfALaterFormatIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, open(t, dir, Options{}).Close())
	bolt, err := openBolt(dir)
	must(t, err)
	table := &stableTable{engine: &checksummed{bolt}}
	values, err := table.load()
	must(t, err)
	binary.BigEndian.PutUint32(values[keyLog], logFormat+1)
	must(t, table.engine.Set([]byte(keyTable), encodeTable(values)))
	must(t, bolt.Close())
	_, err = Open(dir, Options{})
	if !errors.Is(err, ErrLater) || errors.Is(err, ErrDamaged) || IsFault(err) || !strings.Contains(err.Error(), dir+" was written by a later version") {
		t.Errorf("got %v", err)
	}
}

func TestALogThatIsNotTheMembersIsNamed(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		s := open(t, d, Options{})
		must(t, s.StoreLogs(entries(1, 3, 100)))
		must(t, s.Close())
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		says string
	}{
		"the directory is missing": {func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, logDir))) }, "is missing"},
		"the directory is empty": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, logDir)))
			must(t, os.Mkdir(filepath.Join(dir, logDir), 0o750))
		}, "no segment"},
		"it is that of another member": {func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, logDir)))
			must(t, os.CopyFS(filepath.Join(dir, logDir), os.DirFS(filepath.Join(other, logDir))))
		}, "another member"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := t.TempDir()
			must(t, os.CopyFS(copied, os.DirFS(dir)))
			c.harm(t, copied)
			if _, err := Open(copied, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says) ||
				!strings.Contains(err.Error(), filepath.Join(copied, logDir)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A disk that forgets the sectors of the last append as a whole leaves what looks like an
// append that never was; the mark shows that.
func TestAForgottenLastAppendIsNoticed(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Store) error{
		"entries":       func(s *Store) error { return s.StoreLogs(entries(41, 43, 400)) },
		"the newest go": func(s *Store) error { return s.DeleteRange(39, 40) },
		"the oldest go": func(s *Store) error { return s.DeleteRange(1, 9) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writtenStore(t)
			putBack := keep(t, dir, logDir)
			s := open(t, dir, Options{})
			must(t, write(s))
			must(t, s.Close())
			putBack()
			if _, err := Open(dir, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, logDir)) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// The older format has its checksums and the check of its pages; carrying over must not
// get past them.
func TestNoFlippedBitOfAnOlderStoreIsEverSilent(t *testing.T) {
	t.Parallel()
	home := oldStore(t)
	clean, err := os.ReadFile(filepath.Join(home, valuesFile))
	must(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	dir := filepath.Join(t.TempDir(), "flipped")
	detected := 0
	for n := range 60 {
		at := rng.IntN(len(clean))
		if n%2 == 1 {
			at = at/4096*4096 + rng.IntN(120)
		}
		b := bytes.Clone(clean)
		b[at] ^= 1 << rng.IntN(8)
		must(t, os.RemoveAll(dir))
		must(t, os.CopyFS(dir, os.DirFS(home)))
		must(t, os.WriteFile(filepath.Join(dir, valuesFile), b, 0o600))
		s, err := Open(dir, Options{})
		if err == nil {
			checkCarried(t, s)
			_ = s.Close() // it ends with the fault that checkCarried asks for
			continue
		}
		detected++
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, valuesFile)) {
			t.Fatalf("a bit of byte %d: %v", at, err)
		}
	}
	if detected < 5 {
		t.Fatalf("only %d flips hit anything", detected)
	}
}
