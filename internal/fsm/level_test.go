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

// levelLater is one that this build does not read.
const levelLater = levelNewest + 1

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
	f.ReadUpTo(levelLater)
	var digests []poll.Digest
	for i, level := range []uint32{levelNewest, levelLater, levelLater, levelNewest, 0} {
		applyFrom(f, i+1, [][]byte{AppendCommand(nil, 1000, poll.Raise{Level: level})})
		digests = append(digests, digestOf(f))
	}
	if levelOf(f) != levelLater {
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

func TestASnapshotOfALaterLevelIsReadByBuildsThatReadIt(t *testing.T) {
	t.Parallel()
	f := New(nil)
	f.ReadUpTo(300)
	applyFrom(f, 1, append(smallLog(), AppendCommand(nil, 9999, poll.Raise{Level: 300})))
	snapshot := golden(t, "snapshot-raised", persist(t, f))
	upgraded, old := New(nil), New(nil)
	upgraded.ReadUpTo(300)
	if err := upgraded.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil || levelOf(upgraded) != 300 {
		t.Fatalf("restored to level %d: %v", levelOf(upgraded), err)
	}
	if err := sameState(t, f, upgraded); err != nil {
		t.Error(err)
	}
	// All others refuse it and say what to do.
	err := old.Restore(io.NopCloser(bytes.NewReader(snapshot)))
	if err == nil || !strings.Contains(err.Error(), "upgrade voted") || !errors.Is(old.Refused(), err) || old.Index() != 0 {
		t.Errorf("it reads a snapshot of a newer level: %v, %v", err, old.Refused())
	}
}

func TestABackupOfALaterLevelIsRefusedInWords(t *testing.T) {
	t.Parallel()
	f := New(nil)
	f.ReadUpTo(levelLater)
	applyFrom(f, 1, append(smallLog(), AppendCommand(nil, 9999, poll.Raise{Level: levelLater})))
	if _, _, err := ReadBackup(bytes.NewReader(backupOf(t, f))); err == nil || !strings.Contains(err.Error(), "upgrade voted") {
		t.Errorf("it is read: %v", err)
	}
}

func TestABuildHaltsAtACommandThatItCannotRead(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string][]byte{
		"of a kind that it does not know":      appendCRC([]byte{FormatVersion, 99, 0, 0, 0, 0, 0, 0, 0, 0}, 0),
		"of a format that it does not know":    appendCRC([]byte{FormatVersion + 1, kindTick, 0, 0, 0, 0, 0, 0, 0, 0}, 0),
		"that raises the level beyond its own": AppendCommand(nil, 1000, poll.Raise{Level: levelLater}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			haltsAt(t, entry)
		})
	}
}

func haltsAt(t *testing.T, unreadable []byte) {
	t.Helper()
	tick := AppendCommand(nil, 1000, poll.Tick{})
	f := New(nil)
	var said []error
	f.OnUnreadable(func(err error) { said = append(said, err) })
	applyFrom(f, 1, [][]byte{tick})
	digest := digestOf(f)
	for i, entry := range [][]byte{unreadable, tick} { // nothing is applied after it, readable or not
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
