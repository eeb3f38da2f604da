package fsm

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// FSM is the replicated state behind its lock. It implements raft.FSM and
// raft.ConfigurationStore.
type FSM struct {
	mu    sync.RWMutex
	state *poll.State // guarded by mu; only raft's FSM goroutine writes

	checkpoints checkpoints // guarded by mu

	applied watermark // index of the last command, as the state counts
	passed  watermark // index of the last command or configuration in this cluster's log
	observe func(ballots int, took time.Duration)

	// unreadable is called in place of a panic; it must not return before nobody
	// waits for answers of this FSM any more.
	unreadable func(error)
	halted     bool  // used by Apply alone: nothing is applied any more
	refused    error // why the last snapshot was not restored; guarded by mu

	expected atomic.Int32
	scratch  []poll.Outcome // used by Apply alone, while nothing is expected
	loading  *loading       // a restore under way; used by raft's FSM goroutine alone
}

// New returns an FSM over the empty state. observe, which may be nil, is told how
// many ballots each entry held and how long it took to apply.
func New(observe func(ballots int, took time.Duration)) *FSM {
	if observe == nil {
		observe = func(int, time.Duration) {}
	}
	return &FSM{state: poll.NewState(), observe: observe}
}

// Applied is the answer that raft.ApplyFuture.Response carries.
type Applied struct {
	Index    uint64
	Clock    int64
	Outcomes []poll.Outcome // of a ballots command, frame after frame
	Result   poll.Result    // of any other
}

// OnUnreadable sets what is done about a committed command that this build cannot
// read. A member that halts is better than one that differs: f must not return while
// anybody waits for this FSM's answers, and nothing is applied after it. Without it
// Apply panics. It must be called before the first Apply.
func (f *FSM) OnUnreadable(halt func(error)) { f.unreadable = halt }

// Refused returns why the last snapshot could not be restored, nil where it could.
func (f *FSM) Refused() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.refused
}

// Apply implements raft.FSM. Its answer is nil where the FSM has halted; see
// OnUnreadable.
func (f *FSM) Apply(l *raft.Log) any {
	start := time.Now()
	c, err := decodeCommand(l.Data)
	if err == nil {
		err = beyond(c.manage)
	}
	if err != nil || f.halted {
		return f.halt(l.Index, err)
	}
	f.mu.Lock()
	at := poll.Stamp{Index: l.Index + f.state.Shift(), At: c.at}
	f.checkpoints.before(at.Index, f.state)
	f.state.Begin(at)
	f.expireRestore()
	a := &Applied{Index: f.state.Index(), Clock: f.state.Clock()}
	switch step, isRestore := c.manage.(RestoreStep); {
	case isRestore:
		var restored *poll.State
		if a.Result, restored = f.restore(l.Index, step); restored != nil {
			f.state, f.checkpoints = restored, checkpoints{}
		}
	case c.manage != nil:
		a.Result = f.state.Do(c.manage)
	default:
		a.Outcomes = f.cast(l, c.frames)
	}
	f.state.End()
	index := f.state.Index()
	f.mu.Unlock()
	f.feedRestore()
	f.applied.raise(index)
	f.passed.raise(l.Index)
	f.observe(len(a.Outcomes), time.Since(start))
	return a
}

func (f *FSM) halt(index uint64, err error) any {
	if f.unreadable == nil {
		panic(fmt.Sprintf("log entry %d is committed but cannot be read: %v", index, err))
	}
	if !f.halted {
		f.halted = true
		f.unreadable(fmt.Errorf("log entry %d is committed but cannot be read: %w", index, err))
	}
	return nil
}

// Expect says that by (possibly negative) more entries are under way whose outcomes
// this member has been asked for. While there are none, as on every follower, no
// outcomes are kept.
func (f *FSM) Expect(by int32) { f.expected.Add(by) }

func (f *FSM) cast(l *raft.Log, frames [][]byte) []poll.Outcome {
	outcomes := f.scratch[:0]
	if f.expected.Load() > 0 {
		outcomes = make([]poll.Outcome, 0, len(l.Data)/minBallotBytes+1)
	}
	var p *poll.Poll
	for _, frame := range frames {
		err := readFrame(frame,
			func(id []byte) { p = f.state.Find(string(id)) },
			func(b *poll.Ballot) { outcomes = append(outcomes, f.state.Cast(p, b)) })
		if err != nil {
			panic(fmt.Sprintf("log entry %d is committed but cannot be read: %v", l.Index, err))
		}
	}
	if f.expected.Load() == 0 {
		f.scratch = outcomes
	}
	return outcomes
}

// Recall answers the ballots of a frame that are in their boxes already, and all others
// with a refusal; nothing is changed. index and clock are those of the state.
func (f *FSM) Recall(frame []byte, refusal poll.Code) (index uint64, clock int64, outcomes []poll.Outcome, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var p *poll.Poll
	err = readFrame(frame,
		func(id []byte) { p = f.state.Find(string(id)) },
		func(b *poll.Ballot) {
			o, ok := f.state.Recall(p, b)
			if !ok {
				o = poll.Outcome{Kind: poll.Refused, Code: refusal}
			}
			outcomes = append(outcomes, o)
		})
	return f.state.Index(), f.state.Clock(), outcomes, err
}

// StoreConfiguration implements raft.ConfigurationStore: it only notes that the
// entry has passed, so that a read index that names it can be waited for.
func (f *FSM) StoreConfiguration(index uint64, _ raft.Configuration) { f.passed.raise(index) }

// Read runs fn under the read lock.
func (f *FSM) Read(fn func(s *poll.State)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fn(f.state)
}

// Index returns the log index of the last command applied.
func (f *FSM) Index() uint64 { return f.applied.index.Load() }

// WaitApplied returns when the command at index has been applied here.
func (f *FSM) WaitApplied(ctx context.Context, index uint64) error {
	return f.applied.wait(ctx, index)
}

// WaitPassed returns when the command or configuration at index has been applied
// here. It tells only of entries that came through the log of this process.
func (f *FSM) WaitPassed(ctx context.Context, index uint64) error {
	return f.passed.wait(ctx, index)
}

// Snapshot implements raft.FSM. It costs the same however large the state is.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if f.loading != nil {
		return nil, errLoading
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &snapshot{fsm: f, view: f.state.View()}, nil
}

// Restore implements raft.FSM: it replaces the state when all of the snapshot has
// been read and checked, and leaves it alone otherwise.
func (f *FSM) Restore(r io.ReadCloser) error {
	defer r.Close() // it was only read: an error changes nothing
	s, err := ReadSnapshot(r)
	if err != nil {
		err = fmt.Errorf("snapshot cannot be restored: %w", err)
		f.mu.Lock()
		f.refused = err
		f.mu.Unlock()
		return err
	}
	f.abandonRestore() // snapshots are taken where none is under way
	f.mu.Lock()
	f.refused = nil
	f.checkpoints = checkpoints{}
	f.state = s
	f.mu.Unlock()
	f.applied.raise(s.Index())
	f.passed.raise(s.Index() - s.Shift())
	return nil
}

// View captures the state for a reader, who must give it back with Release. The lock
// is to be held while the view is asked for a poll.
func (f *FSM) View() (v *poll.View, lock sync.Locker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.View(), f.mu.RLocker()
}

// Release gives back a view.
func (f *FSM) Release(v *poll.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v.Close()
}

// snapshot is the state at one index on its way to disk.
type snapshot struct {
	fsm  *FSM
	view *poll.View
}

// Persist implements raft.FSMSnapshot. Commands are applied meanwhile.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := WriteSnapshot(sink, s.view, s.fsm.mu.RLocker()); err != nil {
		_ = sink.Cancel() // the write's error says what went wrong
		return fmt.Errorf("snapshot cannot be written: %w", err)
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (s *snapshot) Release() {
	s.fsm.mu.Lock()
	defer s.fsm.mu.Unlock()
	s.view.Close()
}
