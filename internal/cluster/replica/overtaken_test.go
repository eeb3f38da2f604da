package replica

import (
	"log/slog"
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
