package fsm

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// Not parallel, like all that change what the build reads: tests that run in parallel
// wait for these to end.
func reading(t *testing.T, level string) {
	t.Helper()
	old := otherReads
	otherReads = level
	t.Cleanup(func() { otherReads = old })
}

func levelOf(f *FSM) (level uint32) {
	f.Read(func(s *poll.State) { level = s.Level() })
	return level
}

func TestEveryKindThatCanBeProposedHasALevelThatThisBuildReads(t *testing.T) {
	t.Parallel()
	for name, c := range goldenCommands() {
		if need := LevelOf(c); need == 0 || need > levelNewest {
			t.Errorf("%s needs level %d; add its kind to kindLevels", name, need)
		}
	}
}

func TestALevelIsRaisedOnceAndNeverGoesBack(t *testing.T) {
	t.Parallel()
	f := New(nil)
	var digests []poll.Digest
	for i, level := range []uint32{1, 2, 2, 1, 0} {
		applyFrom(f, i+1, [][]byte{AppendCommand(nil, 1000, poll.Raise{Level: level})})
		digests = append(digests, digestOf(f))
	}
	if levelOf(f) != 2 {
		t.Errorf("the level is %d", levelOf(f))
	}
	if digests[0] == digests[1] {
		t.Error("raising the level does not show in the digest")
	}
	for i, d := range digests[2:] {
		if d != digests[1] {
			t.Errorf("command %d changed the digest and nothing else", i+3)
		}
	}
}

func TestAStateOfTheFirstLevelIsWrittenAsBuildsWithoutLevelsReadIt(t *testing.T) {
	f := New(nil)
	applyFrom(f, 1, smallLog())
	before := persist(t, f)
	applyFrom(f, int(f.Index())+1, [][]byte{AppendCommand(nil, 9999, poll.Raise{Level: levelRaise})})
	after := persist(t, f)
	if before[len(snapshotMagic)] != snapshotFirst || after[len(snapshotMagic)] != snapshotLevelled {
		t.Errorf("the formats are %d and %d", before[len(snapshotMagic)], after[len(snapshotMagic)])
	}
	back := restored(t, golden(t, "snapshot-raised", after))
	if levelOf(back) != levelRaise {
		t.Errorf("the level came back as %d", levelOf(back))
	}
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	// A build that reads the first level alone …
	reading(t, "1")
	if _, err := ReadSnapshot(bytes.NewReader(before)); err != nil {
		t.Errorf("it cannot read a snapshot of its own level: %v", err)
	}
	g := New(nil)
	// … refuses what is newer, and says what to do.
	err := g.Restore(io.NopCloser(bytes.NewReader(after)))
	if err == nil || !strings.Contains(err.Error(), "upgrade voted") || !errors.Is(g.Refused(), err) {
		t.Errorf("it reads a snapshot of a newer level: %v, %v", err, g.Refused())
	}
}

func TestABuildHaltsAtACommandThatItCannotRead(t *testing.T) {
	for name, c := range map[string]struct {
		reads string
		raise uint32
	}{
		"of a kind that it does not know":      {"1", 2},
		"that raises the level beyond its own": {"2", 4},
	} {
		t.Run(name, func(t *testing.T) { haltsAt(t, c.reads, c.raise) })
	}
}

func haltsAt(t *testing.T, reads string, level uint32) {
	t.Helper()
	raise := AppendCommand(nil, 1000, poll.Raise{Level: level})
	tick := AppendCommand(nil, 1000, poll.Tick{})
	reading(t, reads)
	f := New(nil)
	var said []error
	f.OnUnreadable(func(err error) { said = append(said, err) })
	applyFrom(f, 1, [][]byte{tick})
	digest := digestOf(f)
	for i, entry := range [][]byte{raise, tick} { // nothing is applied after it, readable or not
		if a := f.Apply(&raft.Log{Index: uint64(2 + i), Data: entry}); a != nil {
			t.Errorf("entry %d is answered: %+v", 2+i, a)
		}
	}
	if f.Index() != 1 || digestOf(f) != digest {
		t.Errorf("it went on to %d", f.Index())
	}
	if len(said) != 1 || !strings.Contains(said[0].Error(), "upgrade voted") {
		t.Errorf("it said %v", said)
	}
}
