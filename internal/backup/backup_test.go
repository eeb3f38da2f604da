package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// written is the backup of an FSM to which commands were applied.
func written(t *testing.T, entries ...[]byte) []byte {
	t.Helper()
	f := fsm.New(nil)
	for i, e := range entries {
		f.Apply(&raft.Log{Index: uint64(i + 1), Data: e})
	}
	v, lock := f.View()
	defer f.Release(v)
	d := v.Digest()
	var b bytes.Buffer
	if err := fsm.WriteBackup(&b, fsm.BackupInfo{Node: "n1", Index: v.Index(), Digest: fmt.Sprintf("%x", d)}, v, lock); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func create(d poll.Definition) []byte {
	d.Options = []poll.Option{{ID: "ann"}, {ID: "bo"}, {ID: "cy"}}
	return fsm.AppendCommand(nil, 1, poll.Create{Definition: d.WithDefaults(), Salt: poll.Salt{7}})
}

func cast(ballots ...poll.Ballot) []byte {
	var f fsm.Frame
	for i := range ballots {
		f.Add(&ballots[i])
	}
	b, _ := f.Seal()
	return fsm.AppendBallots(nil, 2, b)
}

func by(id, voter string, version uint32, selections ...byte) poll.Ballot {
	return poll.Ballot{Poll: id, Key: poll.KeyOf(poll.Salt{7}, voter), Selections: selections, IfVersion: version}
}

func TestABackupIsCountedAgainFromItsRecords(t *testing.T) {
	t.Parallel()
	open := by("open", "Zoë", 0, 0, 3, 2, 10)
	open.Voter = "Zoë"
	r, err := Verify(bytes.NewReader(written(t,
		create(poll.Definition{ID: "plain", MinSelections: 1, Revote: poll.RevoteUntilClose}),
		create(poll.Definition{ID: "open", Method: "score", Secrecy: poll.Open}),
		create(poll.Definition{ID: "ranked", Method: "irv"}),
		create(poll.Definition{ID: "weighted", Eligibility: poll.OnRoll}),
		fsm.AppendCommand(nil, 1, poll.Enroll{Poll: "weighted", Lines: []poll.RollLine{{Key: poll.KeyOf(poll.Salt{7}, "v"), Weight: 5}}}),
		cast(by("plain", "a", 0, 0), by("plain", "b", 0, 0), by("plain", "c", 0, 1), open, by("ranked", "a", 0, 2), by("weighted", "v", 0, 2)),
		cast(by("plain", "a", 1, 1), by("plain", "a", 0, 0)), // replaced, and a late duplicate
	)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Tables {
		got = append(got, fmt.Sprint(p.ID, p.Ballots, p.Winners, p.Options))
	}
	want := "[plain3 [bo] [{ann 1 0} {bo 2 0} {cy 0 0}] open1 [cy] [{ann 0 3} {bo 0 0} {cy 0 10}] ranked1 [bo] [{ann 0 0} {bo 1 0} {cy 0 0}] weighted1 [cy] [{ann 0 0} {bo 0 0} {cy 5 0}]]"
	if fmt.Sprint(got) != want || r.Polls != 4 || r.Ballots != 6 {
		t.Errorf("%v of %d\nwant %s", got, r.Ballots, want)
	}
}

func TestARecordThatIsNotItsVotersIsFound(t *testing.T) {
	t.Parallel()
	stolen := by("open", "somebody else", 0, 0)
	stolen.Voter = "ann"
	_, err := Verify(bytes.NewReader(written(t, create(poll.Definition{ID: "open", Secrecy: poll.Open}), cast(stolen))), nil)
	if err == nil || !strings.Contains(err.Error(), "poll open: record 1") {
		t.Errorf("got %v", err)
	}
}

func TestAFileAppearsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "b")
	good := written(t, create(poll.Definition{ID: "p"}))
	broken := errors.New("broken")
	for what, write := range map[string]func(w io.Writer) error{
		"an error": func(w io.Writer) error { _, _ = w.Write(good); return broken },
		"half":     func(w io.Writer) error { _, err := w.Write(good[:len(good)/2]); return err },
	} {
		if _, _, err := WriteFile(name, write); err == nil {
			t.Errorf("after %s it is there", what)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("after %s there is %v", what, left)
		}
	}
	if _, size, err := WriteFile(name, func(w io.Writer) error { _, err := w.Write(good); return err }); err != nil || size != int64(len(good)) {
		t.Fatalf("%d bytes, %v", size, err)
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, good) {
		t.Error("it is another one", err)
	}
}

func TestABackupIntoAPipeIsCheckedOnItsWay(t *testing.T) {
	t.Parallel()
	good := written(t, create(poll.Definition{ID: "p"}))
	for what, c := range map[string]struct {
		bytes []byte
		fails string
	}{"whole": {good, ""}, "half": {good[:len(good)/2], "not a whole backup"}} {
		name := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		read := make(chan []byte, 1)
		go func() {
			got, _ := os.ReadFile(name) // compared below
			read <- got
		}()
		info, size, err := WriteFile(name, func(w io.Writer) error { _, err := w.Write(c.bytes); return err })
		if got := <-read; !bytes.Equal(got, c.bytes) {
			t.Errorf("%s: the reader got %d bytes of %d", what, len(got), len(c.bytes))
		}
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", what, err)
			}
		} else if err != nil || size != int64(len(good)) || info.Node != "n1" {
			t.Errorf("%s: %d bytes of %+v, %v", what, size, info, err)
		}
		if info, err := os.Lstat(name); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			t.Errorf("%s: it is no longer a pipe: %v", what, err)
		}
	}
}

func TestAnUploadIsRefusedInWordsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := written(t, create(poll.Definition{ID: "p"}))
	_, err := Receive(dir, bytes.NewReader(good[:len(good)-3]))
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.InvalidBackup || !strings.Contains(refused.Detail, "Nothing was changed") {
		t.Errorf("a truncated one: %v", err)
	}
	u, err := Receive(dir, bytes.NewReader(good))
	if err != nil || u.Polls.Polls != 1 || u.Size != int64(len(good)) {
		t.Fatalf("%+v, %v", u, err)
	}
	u.Close()
	if err := os.WriteFile(filepath.Join(dir, "restore-1.upload"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("there is %v", left)
	}
}

func TestADiskThatIsFullIsNotTheSendersFault(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no device that is always full here: ", err)
	}
	defer full.Close()
	_, err = io.Copy(&diskWriter{full}, strings.NewReader("a backup"))
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.StorageFull || !strings.Contains(refused.Detail, "another node") {
		t.Errorf("got %v", err)
	}
}

func TestAReportSaysWhereTheOrderOfTheOptionsDecided(t *testing.T) {
	t.Parallel()
	r, err := Verify(bytes.NewReader(written(t,
		create(poll.Definition{ID: "tied", Method: "irv"}), create(poll.Definition{ID: "clear", Method: "irv"}),
		cast(by("tied", "a", 0, 0), by("tied", "b", 0, 2), by("tied", "c", 0, 4), by("clear", "a", 0, 2)),
	)), nil)
	if err != nil {
		t.Fatal(err)
	}
	tied, clear := r.Tables[0], r.Tables[1]
	if !tied.OrderDecided || fmt.Sprint(tied.Winners, tied.OtherOrdersElect) != "[ann] [bo cy]" {
		t.Errorf("the tied poll is reported as %+v", tied)
	}
	if clear.OrderDecided || clear.OtherOrdersElect != nil {
		t.Errorf("the other poll is reported as %+v", clear)
	}
}
