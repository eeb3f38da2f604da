package replica

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// slowStore is a store in memory whose disk takes a second to delete.
type slowStore struct {
	Store     // nil: nothing else of it is used
	log       *raft.InmemStore
	snapshots *raft.InmemSnapshotStore
}

func (s slowStore) FirstIndex() (uint64, error)              { return s.log.FirstIndex() }
func (s slowStore) LastIndex() (uint64, error)               { return s.log.LastIndex() }
func (s slowStore) GetLog(index uint64, log *raft.Log) error { return s.log.GetLog(index, log) }
func (s slowStore) StoreLogs(l []*raft.Log) error            { return s.log.StoreLogs(l) }
func (s slowStore) Snapshots() raft.SnapshotStore            { return s.snapshots }

func (s slowStore) DeleteRange(lo, hi uint64) error {
	time.Sleep(time.Second)
	return s.log.DeleteRange(lo, hi)
}

func TestASnapshotIsFinishedWhileTheLogIsDiscarded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Given a log that the newest snapshot contradicts.
		store := slowStore{log: raft.NewInmemStore(), snapshots: raft.NewInmemSnapshotStore()}
		if err := store.StoreLogs([]*raft.Log{{Index: 1, Term: 1}, {Index: 2, Term: 1}, {Index: 3, Term: 1}}); err != nil {
			t.Fatal(err)
		}
		log := &overtakenLog{Store: store, log: slog.New(slog.DiscardHandler)}
		finish := func(index, term uint64) {
			sink, err := log.Snapshots().Create(1, index, term, raft.Configuration{}, 1, nil)
			if err == nil {
				err = sink.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}
		finish(2, 2)
		// When it is discarded, and the member finishes a snapshot of its own meanwhile.
		began := time.Now()
		stored := make(chan error)
		go func() { stored <- log.StoreLogs([]*raft.Log{{Index: 3, Term: 2}}) }()
		synctest.Wait()
		finish(2, 2)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the snapshot waited %v for the disk", waited)
		}
		// Then only what the leader sent is left.
		if err := <-stored; err != nil {
			t.Fatal(err)
		}
		var l raft.Log
		if first, _ := log.FirstIndex(); first != 3 || log.GetLog(3, &l) != nil || l.Term != 2 {
			t.Errorf("the log begins at %d and has %+v", first, l)
		}
	})
}

// compacting is a store whose compaction comes between two reads.
type compacting struct{ slowStore }

func (c compacting) GetLog(index uint64, log *raft.Log) error {
	if err := c.log.DeleteRange(1, index); err != nil {
		return err
	}
	return c.log.GetLog(index, log)
}

func TestALogThatIsCompactedMeanwhileIsNotDiscarded(t *testing.T) {
	t.Parallel()
	// Given a log that goes beyond its newest snapshot, and is compacted up to there
	// while it is compared with it.
	store := compacting{slowStore{log: raft.NewInmemStore()}}
	if err := store.StoreLogs([]*raft.Log{{Index: 1, Term: 1}, {Index: 2, Term: 1}, {Index: 3, Term: 1}}); err != nil {
		t.Fatal(err)
	}
	if lacking, err := lacks(store, place{2, 1}); lacking || err != nil {
		t.Errorf("it is taken for a log that contradicts the snapshot: %v", err)
	}
	// One that ends before the snapshot does not hold it.
	if lacking, err := lacks(slowStore{log: store.log}, place{4, 1}); !lacking || err != nil {
		t.Errorf("a log that ends before the snapshot is taken for one that holds it: %v", err)
	}
}

func TestALeaderSendsNothingOfALogThatASnapshotOvertook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Given a member that led in term 1, and alone holds the entries 6 to 8 of that term.
		disk := founded(threeVoters)
		for i := uint64(2); i <= 8; i++ {
			if err := disk.StoreLog(&raft.Log{Index: i, Term: 1, Type: raft.LogCommand}); err != nil {
				t.Fatal(err)
			}
		}
		store := slowStore{log: disk, snapshots: raft.NewInmemSnapshotStore()} // discarding the log takes a second
		log := &overtakenLog{Store: store, log: slog.New(slog.DiscardHandler)}

		// The others have the log up to 5 only, as they say.
		var mu sync.Mutex
		var sent []uint64 // entries of term 1
		installed := map[raft.ServerID]bool{}
		p := newPlayed("a")
		p.install = func(to raft.ServerID, _ *raft.InstallSnapshotRequest) {
			mu.Lock()
			defer mu.Unlock()
			installed[to] = true
		}
		p.answer = func(to raft.ServerID, a *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range a.Entries {
				if e.Term == 1 {
					sent = append(sent, e.Index)
				}
			}
			if a.PrevLogEntry > 5 && !installed[to] {
				resp.Success, resp.LastLog, resp.NoRetryBackoff = false, 5, true
			}
			return nil
		}
		r := play(t, p, log, log.Snapshots())
		defer func() {
			if err := r.Shutdown().Error(); err != nil {
				t.Error(err)
			}
		}()

		// When it gets a snapshot of all up to 10, and then leads.
		const state = "state"
		p.tell(t, &raft.InstallSnapshotRequest{
			RPCHeader: header(), SnapshotVersion: raft.SnapshotVersionMax, Term: 2, LastLogIndex: 10, LastLogTerm: 2, Size: int64(len(state)),
			Configuration: raft.EncodeConfiguration(threeVoters), ConfigurationIndex: 1,
		}, strings.NewReader(state))
		p.tell(t, &raft.TimeoutNowRequest{RPCHeader: header()}, nil)
		awaitLeader(t, r)

		// Then the others get the snapshot, and nothing of what it contradicts.
		if err := r.Barrier(0).Error(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(sent) > 0 || !installed["b"] && !installed["c"] {
			t.Errorf("it sent the entries %d of its old log, and its snapshot to %v", sent, installed)
		}
	})
}

func TestALogThatASnapshotContradictsIsNotReadUpToTheSnapshotsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		term uint64 // of the entry at the snapshot's end, 3
		want []uint64
	}{
		"a log that contradicts it":       {2, []uint64{4, 5}}, // raft itself compares and deletes these
		"a log that it is the summary of": {1, []uint64{1, 2, 3, 4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := slowStore{log: raft.NewInmemStore(), snapshots: raft.NewInmemSnapshotStore()}
			log := &overtakenLog{Store: store, log: slog.New(slog.DiscardHandler)}
			for i := uint64(1); i <= 5; i++ {
				if err := log.StoreLogs([]*raft.Log{{Index: i, Term: 1}}); err != nil {
					t.Fatal(err)
				}
			}
			sink, err := log.Snapshots().Create(1, 3, c.term, raft.Configuration{}, 1, nil)
			if err == nil {
				err = sink.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			var read []uint64
			for i := uint64(1); i <= 5; i++ {
				switch err := log.GetLog(i, new(raft.Log)); {
				case err == nil:
					read = append(read, i)
				case !errors.Is(err, raft.ErrLogNotFound):
					t.Error(err)
				}
			}
			if !slices.Equal(read, c.want) {
				t.Errorf("the entries %d are read, not %d", read, c.want)
			}
		})
	}
}
