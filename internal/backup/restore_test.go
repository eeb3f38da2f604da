package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// restoring is a member that notes what it is asked to restore.
type restoring struct {
	state *poll.State
	got   []byte
	told  Order
	asked int
	err   error
}

func (r *restoring) Read(f func(s *poll.State)) { f(r.state) }

func (r *restoring) Restore(_ context.Context, backup io.ReaderAt, size int64, sum poll.Digest, confirm string, since uint64) (poll.Result, error) {
	r.asked++
	r.got = make([]byte, size)
	_, err := backup.ReadAt(r.got, 0)
	r.told = Order{confirm, sum, since}
	return poll.Result{Index: 42}, errors.Join(err, r.err)
}

func TestARestoreHandsOnWhatArrivedWholeAndLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), &restoring{state: poll.NewState()}
	file := written(t, create(poll.Definition{ID: "p"}))
	done, err := Restore(t.Context(), m, dir, bytes.NewReader(file), Order{Confirm: "1 poll", Since: 7})
	if err != nil || done.Index != 42 || done.Replayed || done.Upload.Polls.Polls != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if want := (Order{"1 poll", sha256.Sum256(file), 7}); !bytes.Equal(m.got, file) || m.told != want {
		t.Errorf("the member was told %+v with %d bytes", m.told, len(m.got))
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("there is %v", left)
	}
}

func TestABackupThatArrivedDamagedIsRefusedBeforeTheMemberIsAsked(t *testing.T) {
	t.Parallel()
	file := written(t, create(poll.Definition{ID: "p"}))
	for name, x := range map[string]struct {
		file  []byte
		order Order
	}{
		"another checksum": {file, Order{Sum: poll.Digest{1}}},
		"cut short":        {file[:len(file)-1], Order{}},
	} {
		dir, m := t.TempDir(), &restoring{state: poll.NewState()}
		_, err := Restore(t.Context(), m, dir, bytes.NewReader(x.file), x.order)
		var refused *refusal.Error
		if !errors.As(err, &refused) || refused.Code != refusal.InvalidBackup || m.asked != 0 {
			t.Errorf("%s: %v, and the member was asked %d times", name, err, m.asked)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: there is %v", name, left)
		}
	}
}

func TestARestoreWhoseOutcomeIsUnknownSaysSo(t *testing.T) {
	t.Parallel()
	m := &restoring{state: poll.NewState(), err: refusal.Of(refusal.OutcomeUnknown)}
	_, err := Restore(t.Context(), m, t.TempDir(), bytes.NewReader(written(t)), Order{})
	var refused *refusal.Error
	if !errors.As(err, &refused) || refused.Code != refusal.OutcomeUnknown {
		t.Errorf("got %v", err)
	}
}

func TestARestoreThatIsDoneAlreadyIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	file := written(t, create(poll.Definition{ID: "p"}))
	old, state := poll.NewState(), poll.NewState()
	old.Begin(poll.Stamp{Index: 3, At: 1})
	if err := state.Succeed(old, poll.Succession{Backup: sha256.Sum256(file), Position: 3}); err != nil {
		t.Fatal(err)
	}
	m := &restoring{state: state}
	done, err := Restore(t.Context(), m, t.TempDir(), bytes.NewReader(file), Order{})
	if err != nil || !done.Replayed || done.Index != state.Origin().Index || m.asked != 0 {
		t.Errorf("%+v, %v, asked %d times", done, err, m.asked)
	}
}
