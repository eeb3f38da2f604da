package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// A snapshot is taken at any index and restored. Given the rest of the log, it answers
// every later command as the original does, and ends in the same state.
func TestASnapshotAtAnyIndexIsTheState(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, log [][]byte) {
		t.Helper()
		whole := New(nil)
		answers := applyFrom(whole, 1, log)
		step := New(nil)
		for n := range len(log) + 1 {
			back := restored(t, persist(t, step))
			if err := sameState(t, step, back); err != nil {
				t.Fatalf("at index %d: %v", n, err)
			}
			if back.Index() != uint64(n) {
				t.Fatalf("at index %d: restored at %d", n, back.Index())
			}
			rest := applyFrom(back, n+1, log[n:])
			for i := range rest {
				if !reflect.DeepEqual(rest[i], answers[n+i]) {
					t.Fatalf("restored at %d, entry %d: %+v, not %+v", n, n+i+1, rest[i], answers[n+i])
				}
			}
			if err := sameState(t, whole, back); err != nil {
				t.Fatalf("restored at %d, at the end: %v", n, err)
			}
			if n < len(log) {
				applyFrom(step, n+1, log[n:n+1])
			}
		}
	}
	logs := allLogs()
	delete(logs, "the first level") // its parts follow, one by one
	logs["a small log"], logs["a roll"], logs["join tokens"] = smallLog(), rollLog(), tokenLog()
	for name, log := range logs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, log)
		})
	}
	for seed := range uint64(8) {
		t.Run("a random log", func(t *testing.T) {
			t.Parallel()
			check(t, randomLog(seed, 60, 20))
		})
	}
}

// randomLog makes entries for a few polls; each entry has up to so many ballots.
func randomLog(seed uint64, entries, ballots int) [][]byte {
	r := rand.New(rand.NewPCG(seed, 1))
	ids, methods := []string{"secret", "open", "ranked", "x"}, []string{"plurality", "score", "irv", "approval"}
	log := [][]byte{AppendCommand(nil, 1, poll.Tick{})}
	now := int64(10_000)
	for len(log) < entries {
		now += int64(r.IntN(2000)) - 300
		n := r.IntN(len(ids))
		switch r.IntN(10) {
		case 0, 1:
			d := definition(ids[n], methods[n])
			d.Revote = poll.Revote(r.IntN(2))
			if ids[n] == "open" {
				d.Secrecy = poll.Open
			}
			d.ClosesAt = now + int64(r.IntN(60_000))
			log = append(log, AppendCommand(nil, now, poll.Create{Definition: d, Salt: poll.Salt{1}, Key: []string{"", "k", "l"}[r.IntN(3)]}))
		case 2:
			closes := now + int64(r.IntN(100_000))
			log = append(log, AppendCommand(nil, now, poll.Patch{Poll: ids[n], Request: [16]byte{byte(r.IntN(9))}, ClosesAt: &closes}))
		case 3:
			log = append(log, AppendCommand(nil, now, []poll.Command{poll.Close{Poll: ids[n]}, poll.Delete{Poll: ids[n]}, poll.Tick{}, poll.Tick{}}[r.IntN(4)]))
		default:
			var f Frame
			for range 1 + r.IntN(ballots) {
				n := r.IntN(len(ids))
				b := ballotOf(ids[n], string(binary.AppendUvarint(nil, r.Uint64N(uint64(3*ballots)))), uint32(r.IntN(3)), byte(2*r.IntN(2)))
				if methods[n] == "score" {
					b.Selections = append(b.Selections, byte(r.IntN(11)))
				}
				f.Add(&b)
			}
			frame, _ := f.Seal()
			log = append(log, AppendBallots(nil, now, frame))
		}
	}
	return log
}

// Commands continue while a snapshot is written; it shows the moment when it was taken.
// Run it with -race.
func TestASnapshotWrittenWhileCommandsAreAppliedShowsItsMoment(t *testing.T) {
	t.Parallel()
	log := randomLog(99, 400, 60)
	f := New(nil)
	var writers sync.WaitGroup
	type taken struct {
		index   int
		written []byte
	}
	results := make(chan taken, len(log))
	for i := range log {
		applyFrom(f, i+1, log[i:i+1])
		if i%40 != 7 {
			continue
		}
		snap, err := f.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			defer snap.Release()
			var sink memorySink
			if err := snap.Persist(&sink); err != nil {
				t.Error(err)
			}
			results <- taken{i + 1, sink.Bytes()}
		})
	}
	writers.Wait()
	close(results)
	for r := range results {
		quiet := New(nil)
		applyFrom(quiet, 1, log[:r.index])
		if !bytes.Equal(r.written, persist(t, quiet)) {
			t.Fatalf("the snapshot of index %d shows something else", r.index)
		}
	}
}

// Voter ids and records that fill several sections.
func TestALargeOpenPollComesBack(t *testing.T) {
	t.Parallel()
	f := New(nil)
	d := definition("open", "approval")
	d.Secrecy = poll.Open
	f.Apply(&raft.Log{Index: 1, Data: AppendCommand(nil, 1, poll.Create{Definition: d})})
	const voters = 40_000 // more than two chunks, and than one piece of names
	for i := uint64(0); i < voters; i += 4000 {
		var frame Frame
		for n := i; n < i+4000; n++ {
			b := ballotOf("open", string(binary.BigEndian.AppendUint64([]byte("voter-"), n)), 0, byte(n%3))
			frame.Add(&b)
		}
		sealed, _ := frame.Seal()
		f.Apply(&raft.Log{Index: 2 + i, Data: AppendBallots(nil, 5, sealed)})
	}
	back := restored(t, persist(t, f))
	if err := sameState(t, f, back); err != nil {
		t.Fatal(err)
	}
	back.Read(func(s *poll.State) {
		c, i, _ := s.Capture("open")
		if i.Ballots != voters {
			t.Errorf("%d ballots", i.Ballots)
		}
		for b := range c.Current() {
			if n := binary.BigEndian.Uint64([]byte(b.Voter)[len("voter-"):]); uint32(n) != b.Ballot-1 {
				t.Errorf("ballot %d has the voter %q", b.Ballot, b.Voter)
				return
			}
		}
	})
}

func TestASnapshotThatCannotBeWrittenIsCancelled(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, smallLog())
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	full := errors.New("disk is full")
	sink := memorySink{fail: full}
	if err := snap.Persist(&sink); !errors.Is(err, full) || !sink.cancelled || sink.closed {
		t.Fatalf("%v, cancelled %t, closed %t", err, sink.cancelled, sink.closed)
	}
}

func TestASnapshotOfAnotherClusterIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	// Given a member of one cluster, and a snapshot of another …
	theirs, ours := New(nil), New(nil)
	theirs.Belong("theirs")
	applyFrom(theirs, 1, smallLog())
	file := persist(t, theirs)
	ours.Belong("ours")
	before := digestOf(ours)
	// … it is refused by name, and the state stays.
	err := ours.Restore(io.NopCloser(bytes.NewReader(file)))
	if !errors.Is(err, ErrOtherCluster) || !strings.Contains(err.Error(), "theirs") || !strings.Contains(err.Error(), "ours") {
		t.Errorf("it says %v", err)
	}
	if digestOf(ours) != before {
		t.Error("the state is another one")
	}
	// A member without a cluster learns it from the snapshot.
	if _, of, err := ReadSnapshot(bytes.NewReader(file)); err != nil || of != "theirs" {
		t.Errorf("it is of %q, %v", of, err)
	}
}
