package replica

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
)

// slowSink takes its time for each write.
type slowSink struct {
	raft.SnapshotSink
	takes time.Duration
}

func (s slowSink) Write(b []byte) (int, error) {
	time.Sleep(s.takes)
	return len(b), nil
}

func TestASnapshotPausesAsLongAsItWorks(t *testing.T) {
	t.Parallel()
	const pieces = 4
	for name, c := range map[string]struct{ takes, want time.Duration }{
		"half of the time":             {10 * time.Millisecond, pieces * 20 * time.Millisecond},
		"a slow disk, a bounded pause": {time.Second, pieces * (time.Second + longestPause)},
	} {
		synctest.Test(t, func(t *testing.T) {
			// Given a snapshot that is being written, when it takes so long for each piece ...
			k := &pacedSink{SnapshotSink: slowSink{takes: c.takes}, ctx: t.Context(), began: time.Now()}
			start := time.Now()
			for range pieces {
				if n, err := k.Write(make([]byte, paceEvery)); n != paceEvery || err != nil {
					t.Fatal(n, err)
				}
			}
			// ... then it takes twice as long in all, or a little longer.
			if took := time.Since(start); took != c.want {
				t.Errorf("%s: %v, want %v", name, took, c.want)
			}
		})
	}
}

func TestASnapshotIsDueByWhatAStartWouldReplay(t *testing.T) {
	t.Parallel()
	g := newLogGrowth(100)
	due := func() bool {
		select {
		case <-g.due:
			return true
		default:
			return false
		}
	}
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"too little", func() { g.applied(99, false) }, false},
		{"enough, while a restore is under way", func() { g.applied(26, true) }, false},
		{"the first entry after it", func() { g.applied(0, false) }, true},
		{"a snapshot that fails", func() { g.failed(g.captured()); g.applied(0, false) }, true},
		{"one that is written", func() { g.captured(); g.last.Store(900); g.applied(0, false) }, false},
		{"not yet a third of it", func() { g.applied(299, false) }, false},
		{"a third of it", func() { g.applied(1, false) }, true},
	} {
		step.do()
		if got := due(); got != step.want {
			t.Errorf("%s: due %t, want %t", step.what, got, step.want)
		}
	}
}

func TestNothingIsRestoredOnceTheMemberLeaves(t *testing.T) {
	t.Parallel()
	// Given a snapshot and a member whose context has ended,
	ctx, leave := context.WithCancel(t.Context())
	r := &Replica{ctx: ctx}
	m := machine{FSM: fsm.New(nil), replica: r}
	leave()
	// when raft has it restored, it is not read to the end.
	if err := m.Restore(io.NopCloser(strings.NewReader("VOTEDSNP and a lot more"))); !errors.Is(err, errLeaving) {
		t.Errorf("restored with: %v", err)
	}
}
