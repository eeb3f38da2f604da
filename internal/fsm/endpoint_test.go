package fsm

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// endpointLog does all that can be done with webhooks and alarms. Golden files are made from
// it, so it must not change.
func endpointLog() [][]byte {
	w := goldenWebhook()
	at := func(ms int64, c poll.Command) []byte { return AppendCommand(nil, ms, c) }
	put := func(id string, from uint64, request byte) poll.PutEndpoint {
		return poll.PutEndpoint{ID: id, Ask: poll.Ask{Request: [16]byte{request}}, Webhook: w, From: from}
	}
	return [][]byte{
		at(1000, poll.Raise{Level: poll.WebhookLevel}),
		at(1000, poll.Create{Definition: definition("p", "plurality"), Salt: poll.Salt{1}}), // events 1 and 2
		at(1100, put("results", poll.FromOldest, 1)),                                        // number 1
		at(1100, put("broken", poll.FromNow, 2)),
		at(1100, put("short", 1, 3)),
		at(1200, poll.Close{Poll: "p"}), // event 3
		at(1300, poll.Progress{Moves: []poll.Move{
			{Endpoint: 1, Revision: 1, Cursor: 2, Last: 2, Verified: true},
			{Endpoint: 2, Revision: 2, Cursor: 2, FailingSince: 1250, Disable: poll.ReasonFailing}, // event 4
			{Endpoint: 3, Revision: 3, Verified: true},
		}}),
		at(1400, poll.Progress{Moves: []poll.Move{
			{Endpoint: 1, Revision: 1, Cursor: 3, Last: 3, DeadEver: 1, Dead: []poll.DeadLetter{{Number: 3, At: 1390, Status: 422}}},
		}}),
		at(1500, poll.Redeliver{ID: "results", Ask: poll.Ask{Request: [16]byte{4}}, Events: []uint64{2, 3}}), // entry 9
		at(1600, poll.Progress{Moves: []poll.Move{
			{Endpoint: 1, Revision: 1, Cursor: 3, Last: 3, DeadEver: 1, Done: []poll.Redone{{Redelivery: poll.Redelivery{Number: 3, Asked: 9}, Delivered: true}}},
		}}),
		at(1700, poll.RotateKey{ID: "results", Ask: poll.Ask{Request: [16]byte{5}}, Overlap: 5000}),
		at(1800, poll.PatchEndpoint{ID: "short", Ask: poll.Ask{Request: [16]byte{6}}, Polls: &[]string{}, Paused: ptr(true)}),
		at(1900, poll.Alarm{Kind: "clock_off", Member: "n2", On: true, Says: "n2's clock is 3 s ahead."}),
		at(1900, poll.Alarm{Kind: "no_quorum", On: true, Says: "No quorum."}),
		at(99_000, poll.Alarm{Kind: "clock_off", Member: "n2", Says: "n2's clock is right again."}),
		at(99_100, put("gone", poll.FromNow, 7)),
		at(99_200, poll.DropEndpoint{ID: "gone", Ask: poll.Ask{Request: [16]byte{8}}}),
	}
}

func TestGoldenWebhooksSnapshotBackupAndDigest(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, endpointLog())
	digest := digestOf(f)
	golden(t, "digest-webhook", digest[:])
	back := restored(t, golden(t, "snapshot-webhook", persist(t, f)))
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	if _, state, err := ReadBackup(bytes.NewReader(golden(t, "backup-webhook", backupOf(t, f)))); err != nil || state.Digest() != digest {
		t.Fatalf("the backup: %v", err)
	}
	back.Read(func(s *poll.State) {
		for id, want := range map[string]struct {
			state  poll.EndpointState
			reason poll.EndpointReason
			cursor uint64
			dead   int
			again  int
		}{
			"results": {poll.EndpointEnabled, poll.ReasonNone, 3, 1, 1},
			"broken":  {poll.EndpointStopped, poll.ReasonFailing, 2, 0, 0},
			"short":   {poll.EndpointPaused, poll.ReasonAsked, 0, 0, 0},
		} {
			e, missing := s.Endpoint(id)
			if missing != nil || e.State != want.state || e.Reason != want.reason || e.Cursor != want.cursor || len(e.Dead) != want.dead || len(e.Again) != want.again {
				t.Errorf("%s is %+v, %v", id, e, missing)
			}
		}
		if on := s.Alarms(); len(on) != 1 || on[0].Kind != "no_quorum" {
			t.Errorf("these alarms are on: %+v", on)
		}
	})
	// What comes next makes the same of both: a request that was carried out is known, too.
	for _, c := range []poll.Command{
		poll.PutEndpoint{ID: "gone", Ask: poll.Ask{Request: [16]byte{7}}, Webhook: goldenWebhook()},
		poll.PutEndpoint{ID: "new", Ask: poll.Ask{Request: [16]byte{9}}, Webhook: goldenWebhook()},
		poll.Alarm{Kind: "no_quorum", Says: "A quorum."},
	} {
		for _, m := range []*FSM{f, back} {
			m.Apply(&raft.Log{Index: m.Index() + 1, Data: AppendCommand(nil, 100_000, c)})
		}
	}
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	f.Read(func(s *poll.State) {
		if _, missing := s.Endpoint("gone"); missing == nil || len(s.Endpoints()) != 4 {
			t.Errorf("a late duplicate made the webhook again that was deleted: %d webhooks", len(s.Endpoints()))
		}
	})
}

// Below the level that has them a snapshot is byte for byte what it was before there were
// webhooks, which the golden files of the levels before show; here, that no section is there.
func TestASnapshotWithoutWebhooksHasNoSectionForThem(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, scheduleLog())
	hooks := []byte{sectionHooks, sectionAlarms}
	if kinds := kindsOf(t, persist(t, f)); bytes.ContainsAny(kinds, string(hooks)) {
		t.Errorf("it has the sections %q", kinds)
	}
	applyFrom(f, 1000, endpointLog())
	if kinds := kindsOf(t, persist(t, f)); !bytes.Contains(kinds, hooks) {
		t.Errorf("with webhooks it has the sections %q: this test cannot fail", kinds)
	}
}

// An old backup that is looked at elsewhere must not call anybody, and one that is restored
// where it was made must not begin again with what was delivered long ago.
func TestARestorePausesEveryWebhook(t *testing.T) {
	t.Parallel()
	backup := New(nil)
	applyFrom(backup, 1, append(endpointLog(),
		AppendCommand(nil, 99_300, poll.PutEndpoint{ID: "theirs", Webhook: goldenWebhook(), From: poll.FromOldest})))
	p := newPair(t)
	for _, entry := range endpointLog() {
		p.apply(entry)
	}
	p.do(poll.DropEndpoint{ID: "short"})
	_, newest := span(p.a)
	if r := p.restore(backupOf(t, backup), "1 poll and 0 ballots"); r.Err != nil {
		t.Fatal(r.Err)
	}
	p.a.Read(func(s *poll.State) {
		for id, want := range map[string]struct {
			state  poll.EndpointState
			reason poll.EndpointReason
			cursor uint64
		}{
			"results": {poll.EndpointPaused, poll.ReasonRestored, 3}, // its own events go on
			"broken":  {poll.EndpointStopped, poll.ReasonFailing, 2},
			"short":   {poll.EndpointPaused, poll.ReasonAsked, newest}, // only the backup's, with its events
			"theirs":  {poll.EndpointPaused, poll.ReasonRestored, newest},
		} {
			e, missing := s.Endpoint(id)
			if missing != nil || e.State != want.state || e.Reason != want.reason || e.Cursor != want.cursor || e.Verified {
				t.Errorf("%s is %+v, %v", id, e, missing)
			}
		}
		if e, _ := s.Endpoint("theirs"); e.Number == 0 || len(e.Dead) != 0 {
			t.Errorf("%+v", e)
		}
	})
	if err := sameState(t, p.a, restored(t, persist(t, p.a))); err != nil {
		t.Error(err)
	}
	// Once it is let go on it answers a ping first, and then gets what it missed.
	p.do(poll.PatchEndpoint{ID: "theirs", Paused: ptr(false)})
	p.a.Read(func(s *poll.State) {
		if e, _ := s.Endpoint("theirs"); e.State != poll.EndpointVerifying {
			t.Errorf("it goes on as %+v", e)
		}
	})
}

func TestARecoveryPausesEveryWebhook(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, endpointLog())
	f.Recover("another")
	f.Read(func(s *poll.State) {
		e, _ := s.Endpoint("results")
		if e.State != poll.EndpointPaused || e.Reason != poll.ReasonRecovered || e.Verified || e.Cursor != 3 {
			t.Errorf("it is %+v", e)
		}
		if e, _ := s.Endpoint("broken"); e.State != poll.EndpointStopped {
			t.Errorf("one that was disabled is %+v", e)
		}
	})
	back := restored(t, persist(t, f))
	back.Belong(f.Cluster())
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
}

func span(f *FSM) (oldest, newest uint64) {
	f.Read(func(s *poll.State) { oldest, newest = s.EventSpan() })
	return oldest, newest
}
