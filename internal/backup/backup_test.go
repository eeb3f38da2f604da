package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/fsm"
	"voted/internal/poll"
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
	)))
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
	_, err := Verify(bytes.NewReader(written(t, create(poll.Definition{ID: "open", Secrecy: poll.Open}), cast(stolen))))
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

func TestAnUploadIsRefusedInWordsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := written(t, create(poll.Definition{ID: "p"}))
	_, err := Receive(dir, bytes.NewReader(good[:len(good)-3]))
	var refusal *poll.Error
	if !errors.As(err, &refusal) || refusal.Code != poll.CodeInvalidBackup || !strings.Contains(refusal.Detail, "Nothing was changed") {
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
	var refusal *poll.Error
	if !errors.As(err, &refusal) || refusal.Code != poll.CodeStorageFull || !strings.Contains(refusal.Detail, "another node") {
		t.Errorf("got %v", err)
	}
}

// constant is a source that writes the same bytes.
type constant []byte

func (c constant) Write(w io.Writer) error { _, err := w.Write(c); return err }
func (constant) Close()                    {}

func TestAScheduleKeepsTheLastOfItsOwnAndNothingElseGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fail := errors.New("no leader")
	source := constant(written(t, create(poll.Definition{ID: "p"})))
	s := &Schedule{
		Dir: dir, Every: time.Hour, Keep: 2, Name: "voted-n1-", Logger: slog.New(slog.DiscardHandler),
		Take: func(context.Context) (Source, error) { return source, fail },
	}
	s.Measure(prometheus.NewRegistry())
	mine := []string{"voted-n1-20200101T000000Z.backup", "voted-n1-20200102T000000Z.backup"}
	others := []string{"voted-n2-20200101T000000Z.backup", "voted-n1-notes.backup", "board.backup"}
	for _, name := range append(mine, others...) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if wait := s.first(time.Date(2020, 1, 2, 0, 20, 0, 0, time.UTC)); wait != 40*time.Minute {
		t.Errorf("the first is due in %v", wait)
	}
	if err := s.once(t.Context()); !errors.Is(err, fail) {
		t.Fatalf("got %v", err)
	}
	if own, _ := s.own(); len(own) != 2 {
		t.Errorf("a failure has removed something: %v", own)
	}
	fail = nil
	if err := s.once(t.Context()); err != nil {
		t.Fatal(err)
	}
	own, err := s.own()
	if err != nil || len(own) != 2 || own[0] != mine[1] {
		t.Errorf("kept are %v, %v", own, err)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestAScheduleTellsWhetherItsLastBackupIsLateOrFailed(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		past         func(f *fares)
		after        time.Duration // since began
		failed, late bool
	}{
		"it has just begun":                  {func(*fares) {}, time.Minute, false, false},
		"it never made one":                  {func(*fares) {}, 2*time.Hour + 2*time.Minute, false, true},
		"it made one":                        {func(f *fares) { f.made(began.Add(time.Hour)) }, 3 * time.Hour, false, false},
		"the next one hangs":                 {func(f *fares) { f.made(began.Add(time.Hour)) }, 3*time.Hour + 2*time.Minute, false, true},
		"the last try failed":                {func(f *fares) { f.made(began); f.failed() }, time.Hour, true, false},
		"another try was good":               {func(f *fares) { f.failed(); f.made(began.Add(time.Hour)) }, time.Hour, false, false},
		"an earlier process left an old one": {func(f *fares) { f.made(began.Add(-72 * time.Hour)) }, time.Minute, false, false},
	} {
		s := &Schedule{Every: time.Hour}
		s.fares.begin(began)
		x.past(&s.fares)
		if _, failed, late := s.Fares(began.Add(x.after)); failed != x.failed || late != x.late {
			t.Errorf("%s: failed %v, late %v", name, failed, late)
		}
	}
	if _, _, late := new(Schedule).Fares(began); late {
		t.Error("a schedule that does not run yet is late")
	}
}
