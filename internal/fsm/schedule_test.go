package fsm

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// scheduleLog schedules all that can be. Golden files are made from it, so it must not
// change.
func scheduleLog() [][]byte {
	salt := poll.Salt{1, 2, 3}
	tied := definition("club", "irv")
	tied.Counting.Ties = tally.TiesLot
	put := func(id string, at int64, do poll.Command) []byte {
		return AppendCommand(nil, 1000, poll.Schedule{ID: id, At: at, Fingerprint: poll.Digest{byte(at)}, Do: do})
	}
	return [][]byte{
		AppendCommand(nil, 1000, poll.Raise{Level: poll.ScheduleLevel}),
		put("made", 2000, poll.Create{Definition: tied, Salt: salt}),
		put("named", 3000, poll.Patch{Poll: "club", Request: [16]byte{5}, Title: ptr("New")}),
		put("closed", 4000, poll.Close{Poll: "club"}),
		put("drawn", 4000, poll.DrawLot{Poll: "club", Seed: "4 8 15 16 23 42"}),
		put("gone", 9000, poll.Delete{Poll: "club"}),
		put("nothing", 4500, poll.Close{Poll: "none"}),
		put("off", 4600, poll.Close{Poll: "club"}),
		AppendCommand(nil, 1500, poll.Unschedule{ID: "off"}),
		AppendCommand(nil, 3500, poll.Tick{}),
		AppendCommand(nil, 5000, poll.Tick{}),
	}
}

func TestGoldenScheduleSnapshotBackupAndDigest(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, scheduleLog())
	digest := digestOf(f)
	golden(t, "digest-schedule", digest[:])
	back := restored(t, golden(t, "snapshot-schedule", persist(t, f)))
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	if _, state, err := ReadBackup(bytes.NewReader(golden(t, "backup-schedule", backupOf(t, f)))); err != nil || state.Digest() != digest {
		t.Fatalf("the backup: %v", err)
	}
	for id, want := range map[string]struct {
		state poll.TaskState
		index uint64
		code  refusal.Code
	}{
		"made": {poll.TaskDone, 10, 0}, "named": {poll.TaskDone, 10, 0}, "closed": {poll.TaskDone, 11, 0}, "drawn": {poll.TaskDone, 11, 0},
		"gone": {poll.TaskPending, 0, 0}, "nothing": {poll.TaskRefused, 11, refusal.PollNotFound}, "off": {poll.TaskCancelled, 0, 0},
	} {
		back.Read(func(s *poll.State) {
			k, missing := s.Task(id)
			code := refusal.None
			if k.Result.Err != nil {
				code = k.Result.Err.Code
			}
			if missing != nil || k.State != want.state || k.Result.Index != want.index || code != want.code {
				t.Errorf("%s is %+v, %v", id, k, missing)
			}
		})
	}
	// What is still to come comes on a member that got the snapshot as on the others.
	due := AppendCommand(nil, 9000, poll.Tick{})
	for _, m := range []*FSM{f, back} {
		m.Apply(&raft.Log{Index: 100, Data: due})
		m.Read(func(s *poll.State) {
			if s.Find("club") != nil {
				t.Error("the poll is not deleted")
			}
		})
	}
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
}

// A schedule belongs to the cluster: what it has called off or carried out no backup brings
// back, and what it has to come stays.
func TestARestoreBringsNothingBackThatWasScheduled(t *testing.T) {
	t.Parallel()
	backup := New(nil)
	applyFrom(backup, 1, append(scheduleLog()[:3:3], AppendCommand(nil, 1000, poll.Schedule{ID: "backups", At: 2000, Do: poll.Close{Poll: "club"}})))
	p := newPair(t)
	for _, entry := range scheduleLog() {
		p.apply(entry)
	}
	if r := p.restore(backupOf(t, backup), "1 poll and 0 ballots"); r.Err != nil {
		t.Fatal(r.Err)
	}
	p.a.Read(func(s *poll.State) {
		for id, want := range map[string]poll.TaskState{"made": poll.TaskDone, "off": poll.TaskCancelled} {
			if k, _ := s.Task(id); k.State != want {
				t.Errorf("%s is %+v", id, k)
			}
		}
		if k, missing := s.Task("backups"); missing == nil {
			t.Errorf("the backup's is there: %+v", k)
		}
		if k, _ := s.Task("gone"); k.State == poll.TaskPending {
			t.Errorf("what was due by the clock of the restore is not carried out: %+v", k)
		}
	})
	if err := sameState(t, p.a, restored(t, persist(t, p.a))); err != nil {
		t.Error(err)
	}
}

func TestAScheduleWithinAScheduleIsNoCommand(t *testing.T) {
	t.Parallel()
	inner := poll.Schedule{ID: "a", At: 1, Do: poll.Tick{}}
	if _, err := DecodeRequest(EncodeRequest(poll.Schedule{ID: "b", At: 1, Do: inner})); err == nil {
		t.Error("it is read")
	}
	if _, err := DecodeRequest(EncodeRequest(inner)); err != nil {
		t.Errorf("one alone is not read: %v", err)
	}
}
