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
	"voted/internal/refusal"
)

// FSM is the replicated state behind its lock. It implements raft.FSM and
// raft.ConfigurationStore.
type FSM struct {
	mu    sync.RWMutex
	state *poll.State // guarded by mu; only raft's FSM goroutine writes
	// cluster is the id of the cluster whose state this is. While it is "", snapshots
	// of every cluster are read. Guarded by mu.
	cluster string

	checkpoints checkpoints // guarded by mu
	states      uint64      // how often the state was replaced; guarded by mu

	reads   uint32    // format level
	applied watermark // index of the last command, as the state counts
	passed  watermark // index of the last command or configuration in this cluster's log
	observe func(Step)

	// unreadable is called instead of a panic; see OnUnreadable.
	unreadable func(error)
	halted     bool  // used by Apply only; nothing more is applied
	refused    error // why the last snapshot was not restored; guarded by mu

	expected atomic.Int32
	scratch  []poll.Outcome // used by Apply only, while nothing is expected
	loading  *loading       // a restore under way; used by raft's FSM goroutine only
}

// Step is what one log entry did, for whoever measures it.
type Step struct {
	Position uint64        // of the entry in this cluster's log
	Ballots  int           // that it held
	Took     time.Duration // to apply it
	// Late is what poll.State.ClosedLate returns after it, and valid during the call.
	Late []int64
}

// New returns an FSM over the empty state. observe, if not nil, is called after each
// entry.
func New(observe func(Step)) *FSM {
	if observe == nil {
		observe = func(Step) {}
	}
	return &FSM{state: poll.NewState(), reads: Reads(), observe: observe}
}

// Applied is what raft.ApplyFuture.Response returns.
type Applied struct {
	Index    uint64
	Clock    int64
	Outcomes []poll.Outcome // of a ballots command, frame after frame
	Result   poll.Result    // of any other
}

// OnUnreadable sets what to do about a committed command that this build cannot read.
// It must be called before the first Apply; without it Apply panics. halt must block
// until no caller waits for an answer of this FSM. Nothing is applied after it: a
// member that halts is better than one that differs from the others.
func (f *FSM) OnUnreadable(halt func(error)) { f.unreadable = halt }

// Belong sets the id of the cluster whose state this is: its snapshots name it, and
// those of another cluster are refused. It must be called before the first Restore of a
// member.
func (f *FSM) Belong(cluster string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cluster = cluster
}

// Recover makes the state that of another cluster, which goes on from it; see
// poll.State.Recover.
func (f *FSM) Recover(cluster string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cluster = cluster
	f.state.Recover()
}

// Cluster returns what Belong was given, or Recover.
func (f *FSM) Cluster() string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.cluster
}

// Refused returns why the last snapshot could not be restored, nil if it was.
func (f *FSM) Refused() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.refused
}

// Apply implements raft.FSM. It returns nil if the FSM has halted; see OnUnreadable.
func (f *FSM) Apply(l *raft.Log) any {
	start := time.Now()
	c, err := decodeCommand(l.Data)
	if err == nil {
		err = f.beyond(c.manage)
	}
	if err != nil || f.halted {
		return f.unread(l.Index, err)
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
			f.states++
		}
	case c.manage != nil:
		a.Result = f.state.Do(c.manage)
	default:
		a.Outcomes = f.cast(l, c.frames)
	}
	f.state.End()
	index, late := f.state.Index(), f.state.ClosedLate()
	f.mu.Unlock()
	f.feedRestore()
	f.applied.raise(index)
	f.passed.raise(l.Index)
	f.observe(Step{Position: l.Index, Ballots: len(a.Outcomes), Took: time.Since(start), Late: late})
	return a
}

func (f *FSM) unread(index uint64, err error) any {
	return f.Halt(fmt.Errorf("log entry %d is committed but cannot be read: %w", index, err))
}

// Halt stops the FSM in the place of an Apply, for a reason that it cannot see itself; see
// OnUnreadable. It returns nil, as Apply then does.
func (f *FSM) Halt(err error) any {
	if f.unreadable == nil {
		panic(err.Error())
	}
	if !f.halted {
		f.halted = true
		f.unreadable(err)
	}
	return nil
}

// Expect adds by, which may be negative, to the number of entries under way whose
// outcomes a caller on this member waits for. While that is zero, as on every follower,
// outcomes are not kept.
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
			// Frames are read before they are proposed, and this entry's checksum is
			// right. So this is a bug, and half of the entry is applied: no state is
			// better than such a state.
			panic(fmt.Sprintf("log entry %d is committed but cannot be read: %v", l.Index, err))
		}
	}
	if f.expected.Load() == 0 {
		f.scratch = outcomes
	}
	return outcomes
}

// Recall answers the ballots of a frame that are in their boxes already, and refuses
// all others. It changes nothing. index and clock are those of the state.
func (f *FSM) Recall(frame []byte, refused refusal.Code) (index uint64, clock int64, outcomes []poll.Outcome, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var p *poll.Poll
	err = readFrame(frame,
		func(id []byte) { p = f.state.Find(string(id)) },
		func(b *poll.Ballot) {
			o, ok := f.state.Recall(p, b)
			if !ok {
				o = poll.Outcome{Kind: poll.Refused, Code: refused}
			}
			outcomes = append(outcomes, o)
		})
	return f.state.Index(), f.state.Clock(), outcomes, err
}

// StoreConfiguration implements raft.ConfigurationStore. It only records that the entry
// has passed, so that WaitPassed can wait for a read index that is a configuration's.
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

// WaitPassed returns when the command or configuration at index has been applied here.
// It knows only entries that came through the log of this process.
func (f *FSM) WaitPassed(ctx context.Context, index uint64) error {
	return f.passed.wait(ctx, index)
}

// Snapshot implements raft.FSM. Its cost does not depend on the size of the state.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if f.loading != nil {
		return nil, errLoading
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &snapshot{fsm: f, cluster: f.cluster, view: f.state.View()}, nil
}

// Restore implements raft.FSM. It replaces the state after the whole snapshot has been
// read and checked, and otherwise does not change it.
func (f *FSM) Restore(r io.ReadCloser) error {
	defer r.Close() // it was only read, so an error changes nothing
	s, _, err := readSnapshot(r, f.reads, f.Cluster())
	if err != nil {
		err = fmt.Errorf("snapshot cannot be restored: %w", err)
		f.mu.Lock()
		f.refused = err
		f.mu.Unlock()
		return err
	}
	f.abandonRestore() // snapshots are taken only where no restore is under way
	f.mu.Lock()
	f.refused = nil
	f.checkpoints = checkpoints{}
	f.state = s
	f.states++
	f.mu.Unlock()
	f.applied.raise(s.Index())
	f.passed.raise(s.Index() - s.Shift())
	return nil
}

// View captures the state for a reader, who must call Release afterwards. Hold the lock
// while you take a poll from the view.
func (f *FSM) View() (v *poll.View, lock sync.Locker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.View(), f.mu.RLocker()
}

// Release ends the use of a view.
func (f *FSM) Release(v *poll.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v.Close()
}

// Changes returns captures of up to limit polls whose logs may have grown since it last
// returned them, and of all polls at first and whenever the state was replaced. See
// poll.State.Changes: one caller alone can follow an FSM.
func (f *FSM) Changes(limit int) poll.Changes {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.state.Changes(limit)
	c.Lineage = f.state.Lineage(f.cluster)
	return c
}

// Log returns a poll whose log others can check, and the lineage of all logs. state is another
// number, and higher, after the state was replaced by a snapshot or a restore. ok is false if
// there is no such poll.
func (f *FSM) Log(id string) (c poll.Capture, lineage string, state uint64, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	c, _, missing := f.state.Capture(id)
	return c, f.state.Lineage(f.cluster), f.states, missing == nil
}

// snapshot is the state at one index on its way to disk.
type snapshot struct {
	fsm     *FSM
	cluster string
	view    *poll.View
}

// Persist implements raft.FSMSnapshot. Commands are applied while it runs.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := WriteSnapshot(sink, s.cluster, s.view, s.fsm.mu.RLocker()); err != nil {
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
