package fsm

import (
	"bytes"
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// applyAt applies a ballot or, now and then, a tick at an index.
func applyAt(f *FSM, index uint64) {
	data := AppendBallots(nil, 2000, sealed(ballotOf("secret", string(rune('a'+index%700)), 0, byte(index%3))))
	if index%5 == 0 {
		data = AppendCommand(nil, 2000, poll.Tick{})
	}
	f.Apply(&raft.Log{Index: index, Data: data})
}

func TestMembersHaveEqualCheckpointsHoweverTheyCameToTheirState(t *testing.T) {
	t.Parallel()
	// Given a log that also has raft's own entries, one of them at the end of a step …
	own := func(index uint64) bool {
		return index%7 == 0 || index == 2*checkpointStep || index == 2*checkpointStep+1
	}
	a, b := New(nil), New(nil)
	applyFrom(a, 1, smallLog())
	for index := a.Index() + 1; index <= 10*checkpointStep+3; index++ {
		if !own(index) {
			applyAt(a, index)
		}
		if index == 5*checkpointStep-1 {
			// … and a member that began with a snapshot in the middle …
			if err := b.Restore(io.NopCloser(bytes.NewReader(persist(t, a)))); err != nil {
				t.Fatal(err)
			}
			if len(b.Checkpoints()) != 0 {
				t.Errorf("a restored state is compared before it has gone on: %v", b.Checkpoints())
			}
		} else if index >= 5*checkpointStep && !own(index) {
			applyAt(b, index)
		}
	}
	// … then both have the same digests at the same indexes.
	at := map[uint64]string{}
	for _, c := range a.Checkpoints() {
		at[c.Index] = c.Digest
	}
	if at[2*checkpointStep] == "" || len(at) != 11 {
		t.Errorf("checkpoints are missing: %d", len(at))
	}
	compared := 0
	for _, c := range b.Checkpoints() {
		if at[c.Index] != c.Digest {
			t.Errorf("at %d the digests are %q and %q", c.Index, at[c.Index], c.Digest)
		}
		compared++
	}
	if compared < 5 {
		t.Errorf("only %d could be compared", compared)
	}
	// And only so many are kept.
	for index := a.Index() + 1; index < 40*checkpointStep; index++ {
		applyAt(a, index)
	}
	if got := len(a.Checkpoints()); got != checkpointsKept+1 {
		t.Errorf("%d are kept", got)
	}
}
