package fsm

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
	"voted/internal/tally"
)

// journalLog makes every kind of event but that of a restore. Golden files are made from
// it, so it must not change.
func journalLog() [][]byte {
	salt := poll.Salt{1, 2, 3}
	timed, rolled, tied := definition("timed", "plurality"), rolled("members"), definition("club", "irv")
	timed.OpensAt, timed.ClosesAt, timed.Quorum = 2000, 9000, 2
	tied.Counting.Ties = tally.TiesLot
	return [][]byte{
		AppendCommand(nil, 1000, poll.Raise{Level: poll.EventsLevel}),
		AppendCommand(nil, 1000, poll.Create{Definition: timed, Salt: salt}),
		AppendCommand(nil, 1100, poll.Create{Definition: rolled, Salt: salt}),
		AppendCommand(nil, 1200, poll.Create{Definition: tied, Salt: salt}),
		AppendCommand(nil, 1300, poll.Patch{Poll: "timed", Request: [16]byte{5}, Title: ptr("New")}),
		AppendCommand(nil, 1400, poll.Enroll{Poll: "members", Since: 3, Lines: []poll.RollLine{lineOf("v1", 1), lineOf("v2", 3)}}),
		AppendBallots(nil, 2500, sealed(ballotOf("timed", "v1", 0, 0), ballotOf("timed", "v2", 0, 1), ballotOf("members", "v1", 0, 0))),
		AppendCommand(nil, 2600, poll.Close{Poll: "club"}),
		AppendCommand(nil, 2700, poll.DrawLot{Poll: "club", Order: []int{1, 0, 2}}),
		AppendCommand(nil, 2800, poll.Delete{Poll: "club"}),
		AppendCommand(nil, 12_000, poll.Tick{}),
		AppendCommand(nil, 12_500, poll.Drop{Poll: "members", Since: 1 << 40, Key: keyOf("v2")}),
	}
}

func eventsOf(f *FSM) (all []poll.Event) {
	f.Read(func(s *poll.State) {
		oldest, _ := s.EventSpan()
		all, _, _ = s.Events(oldest-1, 1000, func(poll.EventKind, string) bool { return true })
	})
	return all
}

func TestGoldenJournalSnapshotBackupAndDigest(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, journalLog())
	digest := digestOf(f)
	golden(t, "digest-journal", digest[:])
	back := restored(t, golden(t, "snapshot-journal", persist(t, f)))
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	_, state, err := ReadBackup(bytes.NewReader(golden(t, "backup-journal", backupOf(t, f))))
	if err != nil || state.Digest() != digest {
		t.Fatalf("the backup: %v", err)
	}
	var kinds []string
	for _, e := range eventsOf(back) {
		kinds = append(kinds, e.Kind.String())
	}
	for _, k := range poll.EventKinds() {
		elsewhere := k == poll.StateRestored || k == poll.TaskRun || k == poll.TaskCalledOff ||
			k == poll.AlarmRaised || k == poll.AlarmOver || k == poll.EndpointDisabled
		if !elsewhere && !strings.Contains(strings.Join(kinds, " "), k.String()) {
			t.Errorf("no event is of the kind %s", k)
		}
	}
	// A member that comes back from the snapshot numbers on as the others do.
	more := AppendCommand(nil, 30_000, poll.Close{Poll: "members"})
	for _, m := range []*FSM{f, back} {
		m.Apply(&raft.Log{Index: 100, Data: more})
	}
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
}

func TestASnapshotBelowTheLevelOfTheJournalHasNone(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, smallLog())
	if bytes.Contains(kindsOf(t, persist(t, f)), []byte{sectionJournal}) {
		t.Error("it has one")
	}
	applyFrom(f, 1000, journalLog())
	if !bytes.Contains(kindsOf(t, persist(t, f)), []byte{sectionJournal}) {
		t.Error("above it has none: this test cannot fail")
	}
}

// kindsOf returns the kinds of a snapshot's sections.
func kindsOf(t *testing.T, snapshot []byte) (kinds []byte) {
	t.Helper()
	s := &sectionReader{r: bufio.NewReader(bytes.NewReader(snapshot)), reads: Reads()}
	if err := s.magic(); err != nil {
		t.Fatal(err)
	}
	for {
		kind, err := s.peek()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.expect(kind); err != nil {
			t.Fatal(err)
		}
		if kinds = append(kinds, kind); kind == sectionEnd {
			return kinds
		}
	}
}

// A restore through the log leaves the same journal on a member that carried it out as on
// one that got the snapshot after it.
func TestAfterARestoreTheJournalGoesOn(t *testing.T) {
	t.Parallel()
	backup := New(nil)
	applyFrom(backup, 1, [][]byte{AppendCommand(nil, 1000, poll.Create{Definition: definition("other", "plurality"), Salt: poll.Salt{7}})})
	p := newPair(t)
	for _, entry := range journalLog() {
		p.apply(entry)
	}
	f := p.a
	before := eventsOf(f)
	if r := p.restore(backupOf(t, backup), "2 polls and 3 ballots"); r.Err != nil {
		t.Fatal(r.Err)
	}
	after := eventsOf(f)
	if last := after[len(after)-1]; last.Kind != poll.StateRestored { // the roll's event was due before it
		t.Fatalf("after %+v come %+v", before, after[len(before):])
	}
	for i, e := range after {
		if e.Number != uint64(i+1) || i < len(before) && e != before[i] {
			t.Errorf("event %d became %+v", i+1, e)
		}
	}
	if err := sameState(t, f, restored(t, persist(t, f))); err != nil {
		t.Error(err)
	}
}
