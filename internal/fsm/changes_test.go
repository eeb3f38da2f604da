package fsm

import (
	"bytes"
	"io"
	"testing"
)

// logsOf returns the entries of every poll's log, as a follower of the FSM sees them.
func logsOf(f *FSM) map[string][]string {
	logs := map[string][]string{}
	for more := true; more; {
		c := f.Changes(2)
		more = c.More
		for i := range c.Polls {
			p := &c.Polls[i]
			logs[p.Rules().ID] = []string{}
			for e := range p.Leaves(0, p.LogSize()) {
				logs[p.Rules().ID] = append(logs[p.Rules().ID], string(e))
			}
		}
	}
	return logs
}

// A member that is started again, or gets the leader's snapshot, signs the same entries as
// before; whoever follows it is shown all polls again.
func TestAMemberThatWasRestoredHasTheSameLogs(t *testing.T) {
	t.Parallel()
	f := New(nil)
	applyFrom(f, 1, smallLog())
	want := logsOf(f)
	if len(want) == 0 || len(logsOf(f)) != 0 {
		t.Fatalf("%d logs at first, and then some again", len(want))
	}
	snapshot := persist(t, f)
	for name, g := range map[string]*FSM{"a new one": New(nil), "the same": f} {
		if err := g.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil {
			t.Fatal(err)
		}
		got := logsOf(g)
		if len(got) != len(want) {
			t.Errorf("%s: %d logs of %d", name, len(got), len(want))
		}
		for id, log := range want {
			if len(got[id]) != len(log) {
				t.Fatalf("%s: the log of %s has %d entries, not %d", name, id, len(got[id]), len(log))
			}
			for n := range log {
				if got[id][n] != log[n] {
					t.Errorf("%s: entry %d of %s differs", name, n, id)
				}
			}
		}
	}
}
