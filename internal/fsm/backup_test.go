package fsm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// backupOf writes a backup of the FSM's state.
func backupOf(t testing.TB, f *FSM) []byte {
	t.Helper()
	v, lock := f.View()
	defer f.Release(v)
	digest := v.Digest()
	var b bytes.Buffer
	info := BackupInfo{Cluster: "k2j4mq7xw3ab5cde", Members: []string{"n1"}, Node: "n1", Version: "test", Time: time.UnixMilli(1).UTC(), Index: v.Index(), Digest: fmt.Sprintf("%x", digest)}
	if err := WriteBackup(&b, info, v, lock); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABackupIsTheStateAndIsCheckedBothWays(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, wholeLog())
	b := backupOf(t, f)
	info, state, err := ReadBackup(bytes.NewReader(b))
	if err != nil || info.Format != BackupVersion || info.Index != f.Index() {
		t.Fatalf("%+v, %v", info, err)
	}
	if state.Digest() != digestOf(f) {
		t.Error("the digests differ")
	}
	if checked, err := CheckBackup(bytes.NewReader(b)); err != nil || checked.Digest != info.Digest {
		t.Errorf("%+v, %v", checked, err)
	}
}

func TestGoldenBackup(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, append(smallLog(), rollLog()...))
	if _, state, err := ReadBackup(bytes.NewReader(golden(t, "backup", backupOf(t, f)))); err != nil || state.Digest() != digestOf(f) {
		t.Errorf("a backup of this format is not read: %v", err)
	}
}

func TestEveryDamageOfABackupIsNamed(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, smallLog())
	whole := backupOf(t, f)
	for name, damaged := range damages(whole) {
		_, err := CheckBackup(bytes.NewReader(damaged))
		_, _, full := ReadBackup(bytes.NewReader(damaged))
		if err == nil || full == nil {
			t.Fatalf("%s: it is taken for whole: %v, %v", name, err, full)
		}
	}
	if _, err := CheckBackup(bytes.NewReader(append(bytes.Clone(whole), 0))); err == nil {
		t.Error("a byte too many is not noticed")
	}
	cut := whole[:len(whole)/2]
	if _, err := CheckBackup(bytes.NewReader(cut)); err == nil || !strings.Contains(err.Error(), "at byte") {
		t.Errorf("a cut backup: %v", err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	if _, err := CheckBackup(bytes.NewReader(flipped)); err == nil || !strings.Contains(err.Error(), "section") {
		t.Errorf("a flipped bit: %v", err)
	}
}

func TestWhatIsNoBackupOrANewerOneIsToldApart(t *testing.T) {
	t.Parallel()
	f := New(nil)
	newer := backupOf(t, f)
	binary.LittleEndian.PutUint16(newer[len(backupMagic):], BackupVersion+1)
	for name, x := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":            {nil, ErrNotBackup},
		"a text":             {[]byte("ballot,voter\n1,ann\n"), ErrNotBackup},
		"a snapshot":         {persist(t, f), ErrNotBackup},
		"a newer format":     {newer, ErrNewerBackup},
		"two bytes of a zip": {[]byte("PK"), ErrNotBackup},
	} {
		if _, err := CheckBackup(bytes.NewReader(x.b)); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// cluster is two FSMs that get the same log, some entries twice.
type pair struct {
	t     *testing.T
	a, b  *FSM
	index int
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, a: New(nil), b: New(nil)}
	t.Cleanup(p.a.Close)
	t.Cleanup(p.b.Close)
	return p
}

func (p *pair) apply(entry []byte) *Applied {
	p.t.Helper()
	p.index++
	x := applyFrom(p.a, p.index, [][]byte{entry})[0]
	y := applyFrom(p.b, p.index, [][]byte{entry})[0]
	if fmt.Sprintf("%+v", x.Outcomes) != fmt.Sprintf("%+v", y.Outcomes) || x.Result.String() != y.Result.String() || x.Index != y.Index {
		p.t.Fatalf("the members differ at entry %d: %+v and %+v", p.index, x, y)
	}
	return x
}

func (p *pair) do(c poll.Command) poll.Result {
	p.t.Helper()
	return p.apply(AppendCommand(nil, 100_000, c)).Result
}

func (p *pair) cast(b poll.Ballot) poll.Outcome {
	p.t.Helper()
	return p.apply(AppendBallots(nil, 100_000, sealed(b))).Outcomes[0]
}

// restore sends every step twice, as a leader does whose first attempt had an unknown
// outcome.
func (p *pair) restore(backup []byte, confirm string) poll.Result {
	p.t.Helper()
	sum := poll.Digest(sha256.Sum256(backup))
	twice := func(c RestoreStep) poll.Result {
		c.Backup = sum
		first := p.do(c)
		if again := p.do(c); (again.Err == nil) != (first.Err == nil) {
			p.t.Fatalf("step %d: %v, then %v", c.Step, first, again)
		}
		return first
	}
	twice(RestoreStep{Step: RestoreBegin})
	for n := 0; n*1000 < len(backup); n++ {
		piece := backup[n*1000 : min(len(backup), n*1000+1000)]
		if r := twice(RestoreStep{Step: RestorePiece, Piece: uint64(n), Data: piece}); r.Err != nil {
			p.t.Fatal(r.Err)
		}
	}
	return twice(RestoreStep{Step: RestoreCommit, Confirm: confirm})
}

func TestARestoreGoesOnBehindBothPasts(t *testing.T) {
	t.Parallel()
	old := New(nil)
	applyFrom(old, 90_000, wholeLog())
	backup := backupOf(t, old)
	p := newPair(t)
	r := p.restore(backup, "")
	if r.Err != nil || r.Index <= old.Index() {
		t.Fatalf("restored at %d, %v; the backup is of %d", r.Index, r.Err, old.Index())
	}
	if err := sameState(t, p.a, p.b); err != nil {
		t.Fatal(err)
	}
	if err := sameState(t, p.a, restored(t, persist(t, p.a))); err != nil {
		t.Fatal("over a snapshot:", err)
	}
	// A voter who was acknowledged before gets the first receipt.
	before := applyFrom(old, 91_000, [][]byte{AppendBallots(nil, 1, sealed(ballotOf("secret", "v2", 0, 1)))})[0].Outcomes[0]
	after := p.cast(ballotOf("secret", "v2", 0, 1))
	if after != before || after.Kind != poll.Replayed {
		t.Errorf("the receipt was %+v and is %+v", before, after)
	}
	if o := p.cast(ballotOf("secret", "new", 0, 1)); o.Kind != poll.Counted || o.Receipt.Index <= r.Index {
		t.Errorf("a new ballot: %+v", o)
	}
	if p.do(poll.Create{Definition: definition("later", "plurality"), Salt: poll.Salt{9}}).Err != nil {
		t.Error("a new poll cannot be made")
	}
}

func TestARestoreOverDataNeedsTheWordsForWhatItDrops(t *testing.T) {
	t.Parallel()
	old := New(nil)
	applyFrom(old, 1, smallLog())
	backup := backupOf(t, old)
	p := newPair(t)
	p.do(poll.Create{Definition: definition("mine", "plurality"), Salt: poll.Salt{4}})
	p.cast(ballotOf("mine", "v", 0, 0))
	for _, wrong := range []string{"", "yes", "1 poll and 2 ballots"} {
		r := p.restore(backup, wrong)
		if r.Err == nil || r.Err.Code != refusal.ConfirmationNeeded || r.Err.Fields[0].Detail != "1 poll and 1 ballot" {
			t.Fatalf("confirmed with %q: %v", wrong, r.Err)
		}
	}
	if o := p.cast(ballotOf("mine", "v", 0, 0)); o.Kind != poll.Replayed {
		t.Fatalf("after the refusals: %+v", o)
	}
	// The pieces are kept, so only the confirmation is needed now.
	if r := p.do(RestoreStep{Step: RestoreCommit, Backup: sha256.Sum256(backup), Confirm: "1 poll and 1 ballot"}); r.Err != nil {
		t.Fatal(r.Err)
	}
	if o := p.cast(ballotOf("mine", "late", 0, 0)); o.Code != refusal.PollNotFound {
		t.Errorf("a ballot that was under way for a dropped poll: %+v", o)
	}
	if r := p.do(poll.Create{Definition: definition("mine", "plurality"), Salt: poll.Salt{5}}); r.Err == nil || r.Err.Code != refusal.PollExists {
		t.Errorf("the id of a dropped poll is used again: %v", r)
	}
	if err := sameState(t, p.a, restored(t, persist(t, p.b))); err != nil {
		t.Fatal(err)
	}
}

func TestAPollThatFellDueInABackupIsNotClosedLate(t *testing.T) {
	t.Parallel()
	old := New(nil)
	past, ahead := definition("past", "plurality"), definition("ahead", "plurality")
	past.ClosesAt, ahead.ClosesAt = 50_000, 150_000
	applyFrom(old, 1, [][]byte{AppendCommand(nil, 1, poll.Create{Definition: past}), AppendCommand(nil, 1, poll.Create{Definition: ahead, Salt: poll.Salt{1}})})
	p := newPair(t)
	var late []int64
	p.a.observe = func(s Step) { late = append(late, s.Late...) }
	if r := p.restore(backupOf(t, old), ""); r.Err != nil || late != nil {
		t.Errorf("the restore (%v) closed polls late by %d", r.Err, late)
	}
	p.apply(AppendCommand(nil, 150_250, poll.Tick{}))
	if !slices.Equal(late, []int64{250}) {
		t.Errorf("polls were closed late by %d, want only the one that fell due here, 250", late)
	}
}

func TestADeletedPollComesBackAndAnotherOfItsNameDoesNot(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.do(poll.Create{Definition: definition("board", "plurality"), Salt: poll.Salt{1, 2, 3}})
	p.cast(ballotOf("board", "v", 0, 0))
	backup := backupOf(t, p.a)
	p.do(poll.Close{Poll: "board"})
	p.do(poll.Delete{Poll: "board"})
	other := New(nil)
	applyFrom(other, 1, [][]byte{AppendCommand(nil, 1, poll.Create{Definition: definition("board", "plurality"), Salt: poll.Salt{6}})})
	if r := p.restore(backupOf(t, other), ""); r.Err == nil || r.Err.Code != refusal.PollExists {
		t.Errorf("another poll of that name: %v", r)
	}
	if r := p.restore(backup, ""); r.Err != nil {
		t.Fatal(r.Err)
	}
	if o := p.cast(ballotOf("board", "v", 0, 0)); o.Kind != poll.Replayed {
		t.Errorf("%+v", o)
	}
}

func TestADamagedBackupChangesNothingOnAnyMember(t *testing.T) {
	t.Parallel()
	old := New(nil)
	applyFrom(old, 1, smallLog())
	backup := backupOf(t, old)
	p := newPair(t)
	for name, damaged := range map[string][]byte{
		"cut":       backup[:len(backup)-1],
		"flipped":   append(append(bytes.Clone(backup[:len(backup)/2]), backup[len(backup)/2]^4), backup[len(backup)/2+1:]...),
		"prolonged": append(bytes.Clone(backup), 1),
		"foreign":   []byte("ballot,voter\n"),
	} {
		before := digestOf(p.a)
		sum := poll.Digest(sha256.Sum256(damaged))
		p.do(RestoreStep{Step: RestoreBegin, Backup: sum})
		p.do(RestoreStep{Step: RestorePiece, Backup: sum, Data: damaged})
		if r := p.do(RestoreStep{Step: RestoreCommit, Backup: sum}); r.Err == nil || r.Err.Code != refusal.InvalidBackup {
			t.Errorf("%s: %v", name, r)
		}
		if digestOf(p.a) != before {
			t.Errorf("%s: the state has changed", name)
		}
	}
}

func TestAnUnfinishedRestoreKeepsSnapshotsAwayAndExpires(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.do(RestoreStep{Step: RestoreBegin, Backup: poll.Digest{1}})
	if _, err := p.a.Snapshot(); err == nil {
		t.Fatal("a snapshot was taken that lacks the pieces")
	}
	if r := p.do(RestoreStep{Step: RestorePiece, Backup: poll.Digest{2}}); r.Err == nil || r.Err.Code != refusal.Unavailable {
		t.Errorf("a piece of another restore: %v", r)
	}
	p.apply(AppendCommand(nil, 100_000+restoreIdle+1, poll.Tick{}))
	if _, err := p.a.Snapshot(); err != nil {
		t.Errorf("it has not expired: %v", err)
	}
	p.do(RestoreStep{Step: RestoreBegin, Backup: poll.Digest{1}})
	p.do(RestoreStep{Step: RestoreAbandon, Backup: poll.Digest{1}})
	if p.a.loading != nil || p.b.loading != nil {
		t.Error("it was not abandoned")
	}
}
