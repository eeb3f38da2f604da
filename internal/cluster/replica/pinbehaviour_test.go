package replica

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// pin_test.go holds the text of raft that the write-behind rests on. These tests hold what
// it does: they play the other members, and see when a leader commits and stores.

// aWhile is longer than all of raft's timeouts.
const aWhile = time.Minute

func TestALeaderCountsAnEntryForAMemberOnlyOnceAppendEntriesHasReturnedForIt(t *testing.T) {
	t.Parallel()
	refused := func(resp *raft.AppendEntriesResponse) error { resp.Success = false; return nil }
	broken := func(*raft.AppendEntriesResponse) error { return errors.New("the connection broke") }
	success := func(*raft.AppendEntriesResponse) error { return nil }
	for name, c := range map[string]struct {
		b, c      func(*raft.AppendEntriesResponse) error // how AppendEntries returns; nil: it does not
		extra     []raft.Server                           // more members, which always answer with success
		committed bool
	}{
		"no answer": {nil, nil, nil, false},
		"an error, although the answer it came with is a success": {broken, broken, nil, false},
		"a refusal":                    {refused, refused, nil, false},
		"a success of one of two":      {success, nil, nil, true},
		"a success of both":            {success, success, nil, true},
		"of members without a vote":    {nil, nil, []raft.Server{{ID: "d", Address: "d", Suffrage: raft.Nonvoter}, {ID: "e", Address: "e", Suffrage: raft.Nonvoter}}, false},
		"of one of three other voters": {nil, nil, []raft.Server{{ID: "d", Address: "d"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Given a leader whose others take the first entry of its leadership.
				answers := map[raft.ServerID]func(*raft.AppendEntriesResponse) error{"b": c.b, "c": c.c, "d": success, "e": success}
				members := threeVoters.Clone()
				members.Servers = append(members.Servers, c.extra...)
				end := make(chan struct{})
				p := newPlayed("a")
				p.answer = func(to raft.ServerID, a *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
					if n := len(a.Entries); n == 0 || a.Entries[n-1].Type != raft.LogCommand {
						return nil
					}
					if answers[to] == nil {
						<-end // resp is filled in
						return errors.New("it ends")
					}
					return answers[to](resp)
				}
				r := play(t, p, founded(members), raft.NewInmemSnapshotStore())
				defer func() {
					close(end)
					if err := r.Shutdown().Error(); err != nil {
						t.Error(err)
					}
				}()
				awaitLeader(t, r)
				if err := r.Barrier(0).Error(); err != nil {
					t.Fatal(err)
				}
				before := r.CommitIndex()
				// When it is given one more, and is asked for whatever else makes it look.
				r.Apply([]byte("x"), 0)
				r.VerifyLeader()
				r.Snapshot()
				time.Sleep(aWhile)
				// Then the answers alone decide.
				if got := r.CommitIndex() > before; got != c.committed || r.State() != raft.Leader {
					t.Errorf("committed: %v, want %v; it is a %v", got, c.committed, r.State())
				}
			})
		})
	}
}

// gatedLog is a log that shows what raft stores, and can hold it up.
type gatedLog struct {
	*raft.InmemStore
	hold   chan struct{} // closed: nothing is held up
	began  chan struct{} // a token for each StoreLogs that is held up
	inside func()        // nil, or called in each StoreLogs

	mu      sync.Mutex
	at      int              // guarded by mu: StoreLogs under way
	most    int              // guarded by mu
	batches [][]raft.LogType // guarded by mu
}

func (g *gatedLog) StoreLog(l *raft.Log) error { return g.StoreLogs([]*raft.Log{l}) }

func (g *gatedLog) StoreLogs(logs []*raft.Log) error {
	g.mu.Lock()
	g.at++
	g.most = max(g.most, g.at)
	var kinds []raft.LogType
	for _, l := range logs {
		kinds = append(kinds, l.Type)
	}
	g.batches = append(g.batches, kinds)
	hold := g.hold
	g.mu.Unlock()
	select {
	case <-hold:
	default:
		g.began <- struct{}{}
		<-hold
	}
	if g.inside != nil {
		g.inside()
	}
	err := g.InmemStore.StoreLogs(logs)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at--
	return err
}

func newGatedLog(c raft.Configuration) *gatedLog {
	g := &gatedLog{InmemStore: founded(c), hold: make(chan struct{}), began: make(chan struct{})}
	close(g.hold)
	return g
}

// shut holds up what is stored from now on, until open is called.
func (g *gatedLog) shut() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	hold := make(chan struct{})
	g.hold = hold
	return func() { close(hold) }
}

func TestWhileALeaderStoresNeitherItsStateNorItsConfigurationChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Given a leader that stores an entry on a disk that does not answer.
		log := newGatedLog(threeVoters)
		p := newPlayed("a")
		var later atomic.Bool // another member has heard of a later term
		p.answer = func(_ raft.ServerID, _ *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
			if later.Load() {
				resp.Term, resp.Success = 76, false
			}
			return nil
		}
		r := play(t, p, log, raft.NewInmemSnapshotStore())
		awaitLeader(t, r)
		if err := r.Barrier(0).Error(); err != nil {
			t.Fatal(err)
		}
		open := log.shut()
		r.Apply([]byte("x"), 0)
		<-log.began
		was := r.GetConfiguration().Configuration()
		// When all comes that can change its state, its configuration or its log.
		later.Store(true)
		go r.AddNonvoter("d", "d", 0, 0)
		go r.AddVoter("e", "e", 0, 0)
		go r.RemoveServer("c", 0, 0)
		go r.DemoteVoter("b", 0, 0)
		go r.LeadershipTransfer()
		go r.Apply([]byte("y"), 0)
		go r.VerifyLeader()
		go r.Snapshot()
		told := make(chan raft.RPCResponse, 1)
		go func() {
			from := header()
			from.Addr = []byte("b")
			p.heard <- raft.RPC{Command: &raft.AppendEntriesRequest{RPCHeader: from, Term: 77}, RespChan: told}
		}()
		time.Sleep(aWhile)
		// Then it stays as it was: what it is asked while it stores is what it counts by.
		if r.State() != raft.Leader || !slices.Equal(r.GetConfiguration().Configuration().Servers, was.Servers) {
			t.Errorf("it is a %v of %v", r.State(), r.GetConfiguration().Configuration())
		}
		if log.most != 1 {
			t.Errorf("it stores %d times at once", log.most)
		}
		// And once the disk answers, it changes: all that was no help before.
		open()
		<-told
		synctest.Wait()
		if r.State() == raft.Leader {
			t.Error("it still leads, although it has heard of a later term")
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	})
}

func TestALeaderStoresConfigurationsAndItsFirstEntryByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newGatedLog(threeVoters)
		p := newPlayed("a")
		p.answer = func(raft.ServerID, *raft.AppendEntriesRequest, *raft.AppendEntriesResponse) error { return nil }
		r := play(t, p, log, raft.NewInmemSnapshotStore())
		awaitLeader(t, r)
		// Given a leader that is asked for many things at once.
		open := log.shut()
		r.Apply([]byte("x"), 0)
		<-log.began
		for range 9 {
			go r.Apply([]byte("y"), 0)
		}
		synctest.Wait()
		remove := make(chan raft.IndexFuture, 1)
		go func() { remove <- r.RemoveServer("c", 0, 0) }()
		for range 9 {
			go r.Apply([]byte("z"), 0)
		}
		synctest.Wait()
		open()
		if err := (<-remove).Error(); err != nil {
			t.Fatal(err)
		}
		if err := r.Barrier(0).Error(); err != nil {
			t.Fatal(err)
		}
		// Then what writeBehind writes before raft goes on does not come with commands.
		log.mu.Lock()
		defer log.mu.Unlock()
		if !slices.Equal(log.batches[0], []raft.LogType{raft.LogNoop}) {
			t.Errorf("its first entries are %v", log.batches[0])
		}
		configurations := 0
		for _, kinds := range log.batches {
			if slices.Contains(kinds, raft.LogConfiguration) {
				if configurations++; len(kinds) != 1 {
					t.Errorf("a configuration is stored with others: %v", kinds)
				}
			}
		}
		if configurations != 1 {
			t.Errorf("%d configurations are stored", configurations)
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	})
}

func TestALeaderWhoseConfigurationLeavesItAloneCountsItAtOnceAndThenStoresAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Given a leader of two, the other of which no longer answers for entries.
		two := raft.Configuration{Servers: threeVoters.Servers[:2]}
		log := newGatedLog(two)
		p := newPlayed("a")
		var mu sync.Mutex
		silent := false
		p.answer = func(_ raft.ServerID, a *raft.AppendEntriesRequest, _ *raft.AppendEntriesResponse) error {
			mu.Lock()
			defer mu.Unlock()
			if silent && len(a.Entries) > 0 {
				return errors.New("it does not answer")
			}
			return nil
		}
		r := play(t, p, log, raft.NewInmemSnapshotStore())
		awaitLeader(t, r)
		if err := r.Barrier(0).Error(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		silent = true
		mu.Unlock()
		// When that one is removed, then the leader decides it by its own disk. So it must
		// have stored it; and whoever asks while the next entry is stored learns of it.
		if err := r.RemoveServer("b", 0, 0).Error(); err != nil {
			t.Fatal(err)
		}
		var voters int
		log.inside = func() { voters = len(r.GetConfiguration().Configuration().Servers) }
		if err := r.Apply([]byte("x"), 0).Error(); err != nil {
			t.Fatal(err)
		}
		if voters != 1 {
			t.Errorf("while it stores alone, it says that it has %d voting members", voters)
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	})
}
