package replica

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

var errBrokenDisk = errors.New("the disk is broken")

// gatedDisk is a log whose appends wait while it is shut.
type gatedDisk struct {
	Store // nil: only the log is used
	log   *raft.InmemStore

	mu     sync.Mutex
	gate   chan struct{} // guarded by mu; closed while it is open
	err    error         // guarded by mu; of all appends
	writes [][]uint64    // guarded by mu; the indexes of each append
}

func newGatedDisk() *gatedDisk {
	d := &gatedDisk{log: raft.NewInmemStore(), gate: make(chan struct{})}
	close(d.gate)
	return d
}

func (d *gatedDisk) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = make(chan struct{})
}

// open lets appends pass; they fail with err if that is not nil.
func (d *gatedDisk) open(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
	close(d.gate)
}

func (d *gatedDisk) StoreLogs(l []*raft.Log) error {
	d.mu.Lock()
	gate := d.gate
	d.mu.Unlock()
	<-gate
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	var indexes []uint64
	for _, e := range l {
		indexes = append(indexes, e.Index)
	}
	d.writes = append(d.writes, indexes)
	return d.log.StoreLogs(l)
}

func (d *gatedDisk) StoreLog(l *raft.Log) error             { return d.StoreLogs([]*raft.Log{l}) }
func (d *gatedDisk) GetLog(index uint64, l *raft.Log) error { return d.log.GetLog(index, l) }
func (d *gatedDisk) FirstIndex() (uint64, error)            { return d.log.FirstIndex() }
func (d *gatedDisk) LastIndex() (uint64, error)             { return d.log.LastIndex() }
func (d *gatedDisk) DeleteRange(lo, hi uint64) error        { return d.log.DeleteRange(lo, hi) }
func (d *gatedDisk) end() uint64                            { last, _ := d.log.LastIndex(); return last }

// office says what raft would.
type office struct {
	state  raft.RaftState
	voters []raft.Server
}

func (o *office) State() raft.RaftState { return o.state }

func (o *office) GetConfiguration() raft.ConfigurationFuture { return configured{o.voters} }

type configured struct{ voters []raft.Server }

func (configured) Error() error                        { return nil }
func (configured) Index() uint64                       { return 0 }
func (c configured) Configuration() raft.Configuration { return raft.Configuration{Servers: c.voters} }

// behind returns the write-behind of member "a", which leads "b" and "c", and whose disk has
// the entries 1 and 2.
func behind(t *testing.T) (*writeBehind, *gatedDisk, *office) {
	t.Helper()
	d := newGatedDisk()
	if err := d.StoreLogs([]*raft.Log{command(1), command(2)}); err != nil {
		t.Fatal(err)
	}
	w := newWriteBehind(d, "a")
	if err := w.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &office{raft.Leader, []raft.Server{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
	w.waitWhileLeads(o)
	t.Cleanup(func() { _ = w.close(t.Context()) })
	return w, d, o
}

func command(index uint64) *raft.Log {
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: []byte("12345678")}
}

// returns reports whether f returns without the disk.
func returns(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func store(t *testing.T, w *writeBehind, l ...*raft.Log) func() {
	return func() {
		if err := w.StoreLogs(l); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatALeaderStoresWaitsOnlyWhileAnotherVoterMustAnswer(t *testing.T) {
	t.Parallel()
	leads := func(*office) {}
	voters := func(s ...raft.Server) func(*office) { return func(o *office) { o.voters = s } }
	kind := func(k raft.LogType) *raft.Log { return &raft.Log{Index: 3, Type: k} }
	for name, c := range map[string]struct {
		entry *raft.Log
		given func(*office)
		waits bool
	}{
		"a command of a leader waits":                               {kind(raft.LogCommand), leads, true},
		"a barrier of a leader waits":                               {kind(raft.LogBarrier), leads, true},
		"a leader that may no longer vote waits, since others must": {kind(raft.LogCommand), voters(raft.Server{ID: "b"}), true},
		"one of two voting members waits":                           {kind(raft.LogCommand), voters(raft.Server{ID: "a"}, raft.Server{ID: "b"}), true},
		"the first entry of a leadership is written":                {kind(raft.LogNoop), leads, false},
		"a configuration is written":                                {kind(raft.LogConfiguration), leads, false},
		"an entry of a kind that is not known is written":           {kind(77), leads, false},
		"the only voting member writes":                             {kind(raft.LogCommand), voters(raft.Server{ID: "a"}), false},
		"the only voting member writes, although others follow":     {kind(raft.LogCommand), voters(raft.Server{ID: "a"}, raft.Server{ID: "b", Suffrage: raft.Nonvoter}), false},
		"a member that knows of no configuration writes":            {kind(raft.LogCommand), voters(), false},
		"a follower writes":                                         {kind(raft.LogCommand), func(o *office) { o.state = raft.Follower }, false},
		"a candidate writes":                                        {kind(raft.LogCommand), func(o *office) { o.state = raft.Candidate }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, d, o := behind(t)
				c.given(o)
				d.shut()
				if got := returns(store(t, w, c.entry)); got != c.waits {
					t.Errorf("raft goes on without the disk: %t, want %t", got, c.waits)
				}
				d.open(nil)
				synctest.Wait()
				if d.end() != 3 {
					t.Error("it is not written")
				}
			})
		})
	}
}

func TestNothingWaitsBeforeRaftRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newGatedDisk()
		w := newWriteBehind(d, "a")
		d.shut()
		if returns(store(t, w, command(1))) {
			t.Error("an entry waits, and no one knows who leads")
		}
		d.open(nil)
	})
}

func TestWhatIsWrittenComesAfterAllThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, _ := behind(t)
		d.shut()
		store(t, w, command(3))()
		synctest.Wait() // the writer has taken it
		store(t, w, command(4), command(5))()
		store(t, w, command(6))()
		if returns(store(t, w, &raft.Log{Index: 7, Type: raft.LogConfiguration})) {
			t.Error("a configuration does not wait for the entries before it")
		}
		d.open(nil)
		synctest.Wait()
		// What came while the disk worked is one write.
		want := [][]uint64{{1, 2}, {3}, {4, 5, 6}, {7}}
		if got := d.writes; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("written as %v, want %v", got, want)
		}
	})
}

func TestEntriesThatWaitAreReadAsIfTheyWereStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, _ := behind(t)
		d.shut()
		store(t, w, command(3), command(4))()
		for _, when := range []string{"while they wait", "when they are written"} {
			for index := uint64(1); index <= 4; index++ {
				var l raft.Log
				if err := w.GetLog(index, &l); err != nil || l.Index != index {
					t.Errorf("%s: entry %d is %v, %v", when, index, l, err)
				}
			}
			if err := w.GetLog(5, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("%s: entry 5: %v", when, err)
			}
			first, _ := w.FirstIndex()
			if last, _ := w.LastIndex(); first != 1 || last != 4 {
				t.Errorf("%s: the log is %d to %d", when, first, last)
			}
			if when == "while they wait" {
				d.open(nil)
				synctest.Wait()
			}
		}
	})
}

func TestAnAnswerCountsOnceTheLeadersDiskHasTheEntriesToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  raft.AppendEntriesResponse
		entries []*raft.Log
		held    bool
	}{
		"a success":                     {raft.AppendEntriesResponse{Success: true}, []*raft.Log{command(2), command(3)}, true},
		"a success for what is on disk": {raft.AppendEntriesResponse{Success: true}, []*raft.Log{command(1), command(2)}, false},
		"a heartbeat":                   {raft.AppendEntriesResponse{Success: true}, nil, false},
		"a refusal":                     {raft.AppendEntriesResponse{}, []*raft.Log{command(3)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, d, _ := behind(t)
				h := heldAnswers{&inbound{Transport: answering{answer: c.answer}}, w, t.Context()}
				d.shut()
				store(t, w, command(3))()
				ask := func() {
					if err := h.AppendEntries("b", "b:1", &raft.AppendEntriesRequest{Entries: c.entries}, new(raft.AppendEntriesResponse)); err != nil {
						t.Error(err)
					}
				}
				if got := !returns(ask); got != c.held {
					t.Errorf("held back: %t, want %t", got, c.held)
				}
				d.open(nil)
				synctest.Wait() // the context must not end before
			})
		})
	}
}

// answering is a transport whose other end always answers the same.
type answering struct {
	raft.Transport // nil: nothing else is asked
	answer         raft.AppendEntriesResponse
}

func (a answering) AppendEntries(_ raft.ServerID, _ raft.ServerAddress, _ *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	*resp = a.answer
	return nil
}

func TestRaftIsOfferedNoPipeline(t *testing.T) {
	t.Parallel()
	// Given a network that has pipelines, whose answers would not be held back.
	_, network := raft.NewInmemTransport("a:1")
	if p, err := network.AppendEntriesPipeline("b", "b:1"); errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		t.Fatal("this network has none", p)
	}
	h := heldAnswers{inbound: &inbound{Transport: network}}
	if _, err := raft.Transport(h).AppendEntriesPipeline("b", "b:1"); !errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		t.Errorf("raft would use a pipeline: %v", err)
	}
}

func TestNoOtherLeaderIsHeardBeforeTheEntriesOfTheLastLeadershipAreWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message any
		waits   bool
	}{
		"entries":    {&raft.AppendEntriesRequest{}, true},
		"a snapshot": {&raft.InstallSnapshotRequest{}, true},
		// In memory the log is at least as new as on disk, so a vote is only refused more often.
		"a request for a vote": {&raft.RequestVoteRequest{}, false},
		"a question before it": {&raft.RequestPreVoteRequest{}, false},
		"a hand-over":          {&raft.TimeoutNowRequest{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, d, o := behind(t)
				r := &Replica{behind: w, overtaken: &overtakenLog{}, ctx: t.Context()}
				d.shut()
				store(t, w, command(3), command(4))()
				o.state = raft.Follower
				deliver := func() {
					if err := r.prepare(&raft.RPC{Command: c.message}); err != nil {
						t.Error(err)
					}
					if end := d.end(); c.waits && end != 4 {
						t.Errorf("it is heard while the disk has the log up to %d", end)
					}
				}
				if got := !returns(deliver); got != c.waits {
					t.Errorf("it waits: %t, want %t", got, c.waits)
				}
				d.open(nil)
				synctest.Wait()
			})
		})
	}
}

func TestWhatIsDeletedIsNotWrittenLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, o := behind(t)
		d.shut()
		store(t, w, command(3), command(4))()
		o.state = raft.Follower
		// A compaction of what was applied does not wait, ...
		if !returns(func() { _ = w.DeleteRange(1, 1) }) {
			t.Error("a compaction waits for the disk")
		}
		// ... and another leader's entries come only once those that they replace are gone.
		replace := func() {
			if err := w.DeleteRange(3, 4); err != nil {
				t.Error(err)
			}
			store(t, w, &raft.Log{Index: 3, Term: 2})()
		}
		if returns(replace) {
			t.Error("entries are deleted while they are being written")
		}
		d.open(nil)
		synctest.Wait()
		var l raft.Log
		if err := d.GetLog(3, &l); err != nil || l.Term != 2 || d.end() != 3 {
			t.Errorf("entry 3 is of term %d (%v), and the log ends at %d", l.Term, err, d.end())
		}
	})
}

func TestOnlyWhatIsOnThisDiskMayBeApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, o := behind(t)
		upTo := func(want uint64, when string) {
			t.Helper()
			if w.assured(want) != nil || w.assured(want+1) == nil {
				t.Errorf("%s: %d: %v, %d: %v", when, want, w.assured(want), want+1, w.assured(want+1))
			}
		}
		upTo(2, "after a start")
		d.shut()
		store(t, w, command(3))()
		upTo(2, "while an entry waits")
		d.open(nil)
		synctest.Wait()
		upTo(3, "when it is written")
		o.state = raft.Follower
		store(t, w, command(4), command(5))()
		upTo(5, "as a follower")
		if err := w.DeleteRange(4, 5); err != nil {
			t.Fatal(err)
		}
		upTo(3, "when another leader replaces them")
		if err := w.DeleteRange(1, 2); err != nil {
			t.Fatal(err)
		}
		upTo(3, "after a compaction")
	})
}

func TestAWriteThatFailsBehindTheLeaderIsNeverTakenForDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, _ := behind(t)
		d.shut()
		store(t, w, command(3))()
		h := heldAnswers{&inbound{Transport: answering{answer: raft.AppendEntriesResponse{Success: true}}}, w, t.Context()}
		answer, later, flushed := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		go func() {
			answer <- h.AppendEntries("b", "b:1", &raft.AppendEntriesRequest{Entries: []*raft.Log{command(3)}}, new(raft.AppendEntriesResponse))
		}()
		go func() { flushed <- w.flush(t.Context()) }()
		go func() { later <- w.StoreLogs([]*raft.Log{{Index: 4, Type: raft.LogConfiguration}}) }()
		synctest.Wait()
		d.open(errBrokenDisk)
		for name, c := range map[string]chan error{"an answer that is held back": answer, "a flush": flushed, "what is stored later": later} {
			if err := <-c; !errors.Is(err, errBrokenDisk) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.StoreLogs([]*raft.Log{command(4)}); !errors.Is(err, errBrokenDisk) {
			t.Errorf("another command: %v", err)
		}
		if w.assured(3) == nil {
			t.Error("the entry may be applied")
		}
		if err := w.close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestRaftWaitsOnceTooMuchWaitsForTheDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ entries, bytes int }{
		"entries": {maxWaiting, 8},
		"bytes":   {4, maxWaitingBytes / 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, d, _ := behind(t)
				d.shut()
				next := uint64(3)
				entry := func() *raft.Log {
					l := &raft.Log{Index: next, Type: raft.LogCommand, Data: make([]byte, c.bytes)}
					next++
					return l
				}
				for range c.entries {
					if !returns(store(t, w, entry())) {
						t.Fatalf("raft waits at entry %d", next-1)
					}
				}
				if returns(store(t, w, entry())) {
					t.Error("raft does not wait")
				}
				d.open(nil)
				synctest.Wait()
				if end := d.end(); end != next-1 || w.count() != 0 || w.bytes != 0 {
					t.Errorf("%d of %d are written; %d entries, %d bytes still wait", end, next-1, w.count(), w.bytes)
				}
			})
		})
	}
}

func TestClosingWritesWhatWaitsButDoesNotWaitForADeadDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d, _ := behind(t)
		d.shut()
		store(t, w, command(3))()
		ctx, cancel := context.WithTimeout(t.Context(), shutdownTimeout)
		defer cancel()
		// Given a disk that does not answer in time, then it says so.
		if err := w.close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a dead disk: %v", err)
		}
		// Given one that does, then all is written.
		done := make(chan error, 1)
		go func() { done <- w.close(t.Context()) }()
		time.Sleep(time.Millisecond)
		d.open(nil)
		if err := <-done; err != nil || d.end() != 3 {
			t.Errorf("a slow disk: %v, and it has the log up to %d", err, d.end())
		}
		if err := w.StoreLogs([]*raft.Log{command(4)}); !errors.Is(err, raft.ErrRaftShutdown) {
			t.Errorf("an entry is taken after the end: %v", err)
		}
	})
}

func TestNothingOfAMemberThatLeavesWaitsForItsDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newGatedDisk()
		w := newWriteBehind(d, "a")
		ctx, leave := context.WithCancel(t.Context())
		if err := w.begin(ctx); err != nil {
			t.Fatal(err)
		}
		w.waitWhileLeads(&office{raft.Leader, []raft.Server{{ID: "a"}, {ID: "b"}}})
		d.shut()
		store(t, w, command(1))()
		left := make(chan error, 2)
		go func() { left <- w.flush(ctx) }()
		go func() { left <- w.durable(ctx, 1) }()
		synctest.Wait()
		leave()
		for range 2 {
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		d.open(nil)
		if err := w.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
