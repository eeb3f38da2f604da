package fsm

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

const dayMillis = 24 * 60 * 60 * 1000

// keyOf is a key for a voter, always the same: golden files hold keys as bytes, and the
// formats do not depend on how they are made.
func keyOf(voter string) poll.VoterKey {
	sum := sha256.Sum256(append([]byte{1, 2, 3, 15: 0}, voter...))
	return poll.VoterKey(sum[:16])
}

// ballotOf makes a ballot from readable parts; sel holds option numbers.
func ballotOf(id, voter string, ifVersion uint32, sel ...byte) poll.Ballot {
	b := poll.Ballot{Poll: id, Key: keyOf(voter), Selections: sel, IfVersion: ifVersion}
	if id == "open" {
		b.Voter = voter
	}
	return b
}

func sealed(ballots ...poll.Ballot) []byte {
	var f Frame
	for i := range ballots {
		f.Add(&ballots[i])
	}
	b, _ := f.Seal()
	return b
}

func definition(id, method string) poll.Definition {
	d := poll.Definition{
		ID: id, Title: "Für " + id, Method: method, MinSelections: 1,
		Options: []poll.Option{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: "Bo"}, {ID: "cy", Title: "Cy"}},
	}
	return d.WithDefaults()
}

func ptr[T any](v T) *T { return &v }

// smallLog is a log in which everything happens at least once. Golden files are made
// from it, so it must not change.
func smallLog() [][]byte {
	secret, open, ranked, gone := definition("secret", "plurality"), definition("open", "score"), definition("ranked", "irv"), definition("gone", "approval")
	secret.Revote = poll.RevoteUntilClose
	open.Secrecy, open.MaxBallots, open.Results = poll.Open, 3, poll.ResultsAfterClose
	ranked.OpensAt, ranked.ClosesAt = 2000, 9000
	salt := poll.Salt{1, 2, 3}
	return [][]byte{
		AppendCommand(nil, 1000, poll.Tick{}),
		AppendCommand(nil, 1000, poll.Create{Definition: secret, Salt: salt}),
		AppendCommand(nil, 1100, poll.Create{Definition: open, Salt: salt, Key: "key-1", Client: "token:ops", Fingerprint: poll.Digest{7}}),
		AppendCommand(nil, 1200, poll.Create{Definition: ranked, Salt: salt}),
		AppendCommand(nil, 1200, poll.Create{Definition: gone, Salt: salt}),
		AppendBallots(nil, 1500,
			sealed(ballotOf("secret", "v1", 0, 0), ballotOf("secret", "v2", 0, 1), ballotOf("ranked", "v1", 0, 0), ballotOf("open", "v1", 0, 0, 3, 2, 10)),
			sealed(ballotOf("secret", "v1", 0, 0), ballotOf("none", "v1", 0, 0), ballotOf("gone", "v1", 0, 0, 1)),
			sealed()),
		AppendCommand(nil, 1600, poll.Patch{Poll: "ranked", Request: [16]byte{5}, Fingerprint: [16]byte{6}, IfRevision: 1, Title: ptr("New"), ClosesAt: ptr(int64(8000))}),
		AppendBallots(nil, 2500,
			sealed(ballotOf("secret", "v1", 1, 2), ballotOf("ranked", "v1", 0, 0, 4, 2), ballotOf("open", "v2", 0, 1, 5), ballotOf("open", "v3", 0, 1, 5))),
		AppendCommand(nil, 2600, poll.Close{Poll: "gone"}),
		AppendCommand(nil, 2600, poll.Delete{Poll: "gone"}),
		AppendBallots(nil, 2700,
			sealed(ballotOf("secret", "v1", 0, 0), ballotOf("secret", "v3", 4, 0), ballotOf("secret", "v2", 0, 0), ballotOf("open", "v4", 0, 1, 1), ballotOf("open", "v5", 0, 9))),
		AppendCommand(nil, 8500, poll.Tick{}),
		AppendBallots(nil, 8600, sealed(ballotOf("ranked", "v1", 0, 0, 4, 2), ballotOf("ranked", "v2", 0, 0), ballotOf("secret", "v1", 1, 2))),
		AppendCommand(nil, 8700, poll.Create{Definition: definition("other", "plurality"), Salt: salt, Key: "key-1", Client: "token:ops", Fingerprint: poll.Digest{7}}),
		AppendCommand(nil, 8700, poll.Create{Definition: definition("other", "plurality"), Salt: salt, Key: "key-1", Client: "token:ops", Fingerprint: poll.Digest{8}}),
		AppendCommand(nil, 1000+dayMillis+200, poll.Create{Definition: definition("other", "plurality"), Salt: salt, Key: "key-1", Client: "token:ops", Fingerprint: poll.Digest{8}}),
		AppendBallots(nil, 8600, sealed(ballotOf("other", "v1", 0, 2), ballotOf("secret", "v1", 2, 1))),
	}
}

// logger is what a log can be applied to.
type logger interface{ Apply(l *raft.Log) any }

// applyFrom applies the entries from index first on and returns their answers.
func applyFrom(f logger, first int, entries [][]byte) (answers []*Applied) {
	for i, data := range entries {
		a := *f.Apply(&raft.Log{Index: uint64(first + i), Data: data}).(*Applied)
		a.Outcomes = slices.Clone(a.Outcomes) // valid only until the next entry, if they are not expected
		answers = append(answers, &a)
	}
	return answers
}

// memorySink is a raft.SnapshotSink in memory.
type memorySink struct {
	bytes.Buffer
	closed, cancelled bool
	fail              error
}

func (s *memorySink) ID() string    { return "memory" }
func (s *memorySink) Close() error  { s.closed = true; return nil }
func (s *memorySink) Cancel() error { s.cancelled = true; return nil }

func (s *memorySink) Write(b []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	return s.Buffer.Write(b)
}

func persist(t testing.TB, f *FSM) []byte {
	t.Helper()
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	return persisted(t, snap)
}

func persisted(t testing.TB, snap raft.FSMSnapshot) []byte {
	t.Helper()
	var sink memorySink
	if err := snap.Persist(&sink); err != nil || !sink.closed || sink.cancelled {
		t.Fatalf("persist: %v, closed %t, cancelled %t", err, sink.closed, sink.cancelled)
	}
	return sink.Bytes()
}

func restored(t testing.TB, snapshot []byte) *FSM {
	t.Helper()
	f := New(nil)
	if err := f.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil {
		t.Fatal(err)
	}
	return f
}

func digestOf(f *FSM) (d poll.Digest) {
	f.Read(func(s *poll.State) { d = s.Digest() })
	return d
}

// sameState compares everything visible of two states, byte for byte.
func sameState(t testing.TB, a, b *FSM) error {
	t.Helper()
	if digestOf(a) != digestOf(b) {
		return fmt.Errorf("the digests differ")
	}
	if !bytes.Equal(persist(t, a), persist(t, b)) {
		return fmt.Errorf("the snapshots differ")
	}
	var x, y []poll.Info
	all := func(into *[]poll.Info) func(s *poll.State) {
		return func(s *poll.State) {
			*into, _ = s.List(0, 1000, func(poll.Info) bool { return true })
			for i := range *into {
				(*into)[i].Rules = nil // another pointer; the snapshot has shown it equal
			}
		}
	}
	a.Read(all(&x))
	b.Read(all(&y))
	if !reflect.DeepEqual(x, y) {
		return fmt.Errorf("%+v differs from %+v", x, y)
	}
	return nil
}
