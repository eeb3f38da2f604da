package fsm

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

var writeGoldens = flag.Bool("golden.write", false, "write golden files that do not exist yet; existing ones are never touched")

// golden compares bytes with the file of a released format. A difference means
// that members of two versions would not understand each other: give the format a
// new number and a new folder, and keep reading this one.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", "v1", name+".golden")
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *writeGoldens {
		// O_EXCL: a released file never changes.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(got); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if err != nil {
		t.Fatalf("%v; a new format is written with: go test ./internal/fsm -golden.write", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: today's code writes other bytes than the released format\n got %x\nwant %x", name, got, want)
	}
	return want
}

func goldenCommands() map[string]poll.Command {
	d := definition("board-2026", "score")
	d.Secrecy, d.Results, d.Revote = poll.Open, poll.ResultsAfterClose, poll.RevoteUntilClose
	d.OpensAt, d.ClosesAt, d.MaxBallots = 1796112000000, 1796241600000, 1<<40
	salt := poll.Salt{0: 1, 15: 255}
	return map[string]poll.Command{
		"create":           poll.Create{Definition: d, Salt: salt},
		"create-keyed":     poll.Create{Definition: definition("p", "plurality"), Salt: salt, Key: "8e03978e-40d5-43dd-bc93-6894a57f9324", Client: "token:ops", Fingerprint: poll.Digest{0: 1, 31: 255}, IfRevision: 300, IfAbsent: true},
		"patch-all":        poll.Patch{Poll: "p", Request: [16]byte{0: 1, 15: 255}, Fingerprint: [16]byte{0: 2, 15: 254}, IfRevision: 300, Title: ptr("Neu"), OpensAt: ptr(int64(1796112000000)), ClosesAt: ptr(int64(0))},
		"patch-nothing":    poll.Patch{Poll: "p", Request: [16]byte{9}},
		"patch-nonsense":   poll.Patch{Poll: "p", ClosesAt: ptr(int64(-1))},
		"close":            poll.Close{Poll: "p", IfRevision: 300},
		"delete":           poll.Delete{Poll: "p", IfRevision: 300},
		"tick":             poll.Tick{},
		"create-roll":      poll.Create{Definition: rolled("members"), Salt: salt},
		"enroll":           poll.Enroll{Poll: "members", Since: 90210, Lines: []poll.RollLine{{Key: poll.VoterKey{0: 1, 15: 255}, Weight: 1}, {Weight: poll.MaxWeight}, {Weight: 1<<32 - 1}}},
		"raise":            poll.Raise{Level: 300},
		"enroll-nobody":    poll.Enroll{Poll: "members", Lines: []poll.RollLine{}},
		"restore-begin":    RestoreStep{Step: RestoreBegin, Backup: poll.Digest{0: 1, 31: 255}, Data: []byte{}},
		"restore-piece":    RestoreStep{Step: RestorePiece, Backup: poll.Digest{0: 1, 31: 255}, Piece: 300, Data: []byte("piece")},
		"restore-commit":   RestoreStep{Step: RestoreCommit, Backup: poll.Digest{0: 1, 31: 255}, Data: []byte{}, Confirm: "3 polls and 188571 ballots", Since: 300},
		"issue-token":      poll.IssueToken{Hash: poll.TokenHash{0: 1, 31: 255}, Member: "n4", TTL: 3600000},
		"redeem-token":     poll.RedeemToken{Hash: poll.TokenHash{0: 1, 31: 255}, Member: "n4", Disk: "DISK"},
		"revoke-tokens":    poll.RevokeTokens{Member: "n4"},
		"create-counted":   poll.Create{Definition: counted("club"), Salt: salt},
		"draw-lot":         poll.DrawLot{Poll: "club", Order: []int{1, 0}, Seed: "4 8 15 16 23 42"},
		"create-shown":     poll.Create{Definition: shown("open-minded"), Salt: salt},
		"create-presented": poll.Create{Definition: presented("town-hall"), Salt: salt},
		"schedule":         poll.Schedule{ID: "open-doors", At: 1796112000000, Fingerprint: poll.Digest{0: 1, 31: 255}, Do: poll.Create{Definition: d, Salt: salt}},
		"schedule-patch":   poll.Schedule{ID: "later", At: 1, Do: poll.Patch{Poll: "p", Request: [16]byte{0: 1, 15: 255}, ClosesAt: ptr(int64(1796112000000))}},
		"unschedule":       poll.Unschedule{ID: "open-doors"},
		"put-endpoint":     poll.PutEndpoint{ID: "results", Ask: goldenAsk, Webhook: goldenWebhook(), From: poll.FromOldest, IfRevision: 300},
		"put-endpoint-all": poll.PutEndpoint{ID: "all", Webhook: poll.Webhook{URL: "http://r", Kinds: 1 << 63, Rate: 1<<16 - 1}},
		"patch-endpoint": poll.PatchEndpoint{
			ID: "results", Ask: goldenAsk, IfRevision: 300, URL: ptr("https://example.org"), Kinds: ptr(poll.KindsOf(poll.PollClosed)),
			Polls: ptr([]string{}), Rate: ptr(uint16(7)), Paused: ptr(true),
		},
		"patch-endpoint-on": poll.PatchEndpoint{ID: "results", Paused: ptr(false)},
		"drop-endpoint":     poll.DropEndpoint{ID: "results", Ask: goldenAsk, IfRevision: 300},
		"rotate-key":        poll.RotateKey{ID: "results", Ask: goldenAsk, Overlap: 86_400_000},
		"progress": poll.Progress{Moves: []poll.Move{
			{Endpoint: 300, Revision: 301, Cursor: 90210, Last: 90209, DeadEver: 4711, FailingSince: 1796112000000, Dead: []poll.DeadLetter{
				{Number: 90208, At: 1796112000123, Status: 422}, {Number: 90209, At: 1796112000123, Fault: poll.FaultTLS, Redelivered: true},
			}, Done: []poll.Redone{{Redelivery: poll.Redelivery{Number: 7, Asked: 301}, Delivered: true}, {Redelivery: poll.Redelivery{Number: 8, Asked: 301}}}},
			{Endpoint: 1, Verified: true, Disable: poll.ReasonGone},
		}},
		"progress-none":   poll.Progress{},
		"redeliver":       poll.Redeliver{ID: "results", Ask: goldenAsk, Events: []uint64{300, 7}},
		"redeliver-after": poll.Redeliver{ID: "results", All: true, After: 300},
		"alarm":           poll.Alarm{Kind: "clock_off", Member: "n2", On: true, Says: "n2's clock is 3 s ahead."},
		"alarm-over":      poll.Alarm{Kind: "no_quorum"},
		"drop":            poll.Drop{Poll: "members", Since: 1<<64 - 1, Key: poll.VoterKey{0: 1, 15: 255}},
	}
}

var goldenAsk = poll.Ask{Request: [16]byte{0: 1, 15: 255}, Fingerprint: [16]byte{0: 2, 15: 254}}

func goldenWebhook() poll.Webhook {
	return poll.Webhook{
		URL: "https://example.org/hooks?of=voted", Rate: poll.DefaultRate, Polls: []string{"board-*", "p"},
		Kinds: poll.KindsOf(poll.PollOpened, poll.PollClosed, poll.AlarmRaised, poll.EndpointDisabled),
	}
}

// counted asks of its method all that can be asked.
func counted(id string) poll.Definition {
	d := definition(id, "irv")
	d.Ballots = poll.AsMarked
	d.Counting = tally.Settings{
		Seats: 300, Ties: tally.TiesLot, Lot: []int{1, 0},
		Rules: tally.Rules{"until": {Word: "two"}, "max_skipped": {Count: 300}, "withdrawn": {Options: []int{0}}},
	}
	return d
}

// shown discloses all that a secret poll can disclose, and asks something of its method.
func shown(id string) poll.Definition {
	d := counted(id)
	d.Disclosure, d.Receipts = poll.DiscloseBallots, poll.ReceiptsOpened
	return d
}

// presented says of itself all that a poll can say to people.
func presented(id string) poll.Definition {
	d := shown(id)
	d.Audience, d.Order = poll.AudienceAnyone, poll.OrderShuffled
	d.Description, d.Contact = "Whom do we elect?\nOne seat, Zoë's.", "board@example.org"
	d.Options[0].Description = "Was here before."
	return d
}

func TestGoldenCommandsAndRequests(t *testing.T) {
	t.Parallel()
	for name, c := range goldenCommands() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeCommand(golden(t, "command-"+name, AppendCommand(nil, 1796112000123, c)))
			if err != nil || got.at != 1796112000123 || !reflect.DeepEqual(got.manage, c) {
				t.Errorf("command: read as %+v, %v", got, err)
			}
			request, err := DecodeRequest(golden(t, "request-"+name, EncodeRequest(c)))
			if err != nil || !reflect.DeepEqual(request, c) {
				t.Errorf("request: read as %+v, %v", request, err)
			}
		})
	}
}

func goldenBallots() []poll.Ballot {
	ballots := []poll.Ballot{
		ballotOf("secret", "v1", 0, 0), ballotOf("open", "Zoë", 0, 1, 5), ballotOf("secret", "v2", 1, 1),
		ballotOf("open", "v2", 1<<32-1, 0, 3, 2, 10), ballotOf("secret", "v3", 0, 0), ballotOf("secret", "v4", 0),
	}
	for n := range byte(12) { // enough distinct selections for two ways of numbering them
		ballots = append(ballots, ballotOf("ranked", string('a'+rune(n)), 0, 2*n))
	}
	return ballots
}

func TestGoldenFrame(t *testing.T) {
	t.Parallel()
	ballots := goldenBallots()
	frame := golden(t, "frame", sealed(ballots...))
	checkGoldenBallots(t, readBallots(t, frame), ballots)
	c, err := decodeCommand(golden(t, "command-ballots", AppendBallots(nil, 1796112000123, frame, nil, sealed(ballots[0]))))
	if err != nil || len(c.frames) != 3 || !bytes.Equal(c.frames[0], frame) || len(c.frames[1]) != 0 {
		t.Fatalf("command: read as %+v, %v", c, err)
	}
	checkGoldenBallots(t, readBallots(t, c.frames[2]), ballots[:1])
}

// checkGoldenBallots compares the ballots of a frame, in which those of one poll are
// next to each other.
func checkGoldenBallots(t *testing.T, got, ballots []poll.Ballot) {
	t.Helper()
	var want []poll.Ballot
	for _, id := range []string{"secret", "open", "ranked"} {
		for _, b := range ballots {
			if b.Poll == id {
				want = append(want, b)
			}
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d of %d ballots", len(got), len(want))
	}
	for i := range want {
		if !sameBallot(got[i], want[i]) {
			t.Errorf("ballot %d: %+v, not %+v", i, got[i], want[i])
		}
	}
}

func TestGoldenOutcomes(t *testing.T) {
	t.Parallel()
	want := []poll.Outcome{
		{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: 4711, Version: 1, Index: 90210, CastAt: 1796112000123}},
		{Kind: poll.Replaced, Receipt: poll.Receipt{Ballot: 4712, Version: 2, Index: 90210, CastAt: 1796112000123}},
		{Kind: poll.Replayed, Receipt: poll.Receipt{Ballot: 1, Version: 3, Index: 17, CastAt: 1796112000000}},
		{Kind: poll.Refused, Code: refusal.AlreadyVoted, Receipt: poll.Receipt{Version: 300}},
		{Kind: poll.Refused, Code: refusal.PollNotFound},
	}
	b := golden(t, "outcomes", AppendOutcomes(nil, 90210, 1796112000123, want))
	if index, got, err := DecodeOutcomes(b, len(want)); err != nil || index != 90210 || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v at %d, %v", got, index, err)
	}
}

func TestGoldenResults(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]poll.Result{
		"created":  {Poll: "p", Index: 90210, Created: true},
		"replayed": {Poll: "p", Index: 90210, Replayed: true},
		"enrolled": {Poll: "p", Index: 90210, Roll: &poll.RollResult{Added: 4000, Changed: 1, Unchanged: 93, Refused: []poll.RollRefusal{
			{Line: 7, Code: refusal.Superseded}, {Line: 4095, Code: refusal.AlreadyVoted},
		}}},
		"enrolled-nobody": {Poll: "p", Index: 90210, Roll: &poll.RollResult{}},
		"refused": {Poll: "p", Index: 90210, Err: &refusal.Error{
			Code: refusal.InvalidPoll, Detail: "The poll's definition cannot be used.", Version: 7, RetryAfter: 300,
			Fields: []refusal.FieldError{{Field: "options[1].id", Detail: "Twice."}, {Field: "title", Detail: ""}},
		}},
		"refused-for-a-reason": {Poll: "p", Index: 90210, Err: &refusal.Error{
			Code: refusal.PollExists, Reason: refusal.PollInUse, Subject: "board-2026",
		}},
	} {
		b := golden(t, "result-"+name, EncodeResult(want))
		if got, err := DecodeResult(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
}

// Members send each other the numbers of codes and kinds, so these never change.
func TestGoldenCodes(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, c := range refusal.Codes() {
		b = append(append(b, byte(c)), ' ')
		b = append(append(b, c.String()...), '\n')
	}
	path := filepath.Join("testdata", "v1", "codes.golden")
	if _, err := os.Stat(path); err != nil {
		golden(t, "codes", b)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(b, want) { // new ones come at the end
		t.Errorf("a released code has another number or name now: %v", err)
	}
}

// The same holds for the numbers of reasons.
func TestGoldenReasons(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, r := range refusal.Reasons() {
		b = append(b, fmt.Sprintf("%d %s %s\n", r, r.Code(), r)...)
	}
	path := filepath.Join("testdata", "v1", "reasons.golden")
	if _, err := os.Stat(path); err != nil {
		golden(t, "reasons", b)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(b, want) { // new ones come at the end
		t.Errorf("a released reason has another number, code or name now: %v", err)
	}
}

// A log and the snapshot after it: one digest, forever. If it changes, members
// of two versions would call each other corrupt.
func TestGoldenLogSnapshotAndDigest(t *testing.T) {
	t.Parallel()
	f := New(nil)
	f.Belong("k2j4mq7xw3ab5cde")
	applyFrom(f, 1, smallLog())
	digest := digestOf(f)
	golden(t, "digest", digest[:])
	back := restored(t, golden(t, "snapshot", persist(t, f)))
	back.Belong(f.Cluster())
	if err := sameState(t, f, back); err != nil {
		t.Error(err)
	}
	empty := New(nil)
	if err := sameState(t, empty, restored(t, golden(t, "snapshot-empty", persist(t, empty)))); err != nil {
		t.Error(err)
	}
}
