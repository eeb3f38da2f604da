package powercut

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"voted/faults/layer"
	"voted/faults/rig"
	"voted/harness/overlay"
	"voted/internal/pause"
)

const (
	diskMebibytes = 96
	// roundsPerCluster is how many cuts one cluster lives through after it is founded.
	roundsPerCluster = 9
	// clusterWorkers is how many clusters run at the same time.
	clusterWorkers = 2
	// loadTime is how long ballots are cast in a round.
	loadTime = 900 * time.Millisecond
	// foundingTime bounds the time from the start of a cluster to its first cut, so that
	// this cut comes while the cluster is founded.
	foundingTime = 1200 * time.Millisecond
	// snapshotTime bounds the wait for a snapshot to begin.
	snapshotTime = 10 * time.Second
)

// manySnapshots changes the product so that it writes snapshots all the time and keeps few
// entries behind them. Even a short run then has many snapshots.
func manySnapshots() []overlay.Edit {
	const file = "internal/cluster/replica/options.go"
	return []overlay.Edit{
		{File: file, Old: "snapshotInterval = 2 * time.Second", New: "snapshotInterval = 150 * time.Millisecond"},
		{File: file, Old: "defaultTrailingLogs = 4096", New: "defaultTrailingLogs = 64"},
	}
}

// agenda holds the rounds that are still to be made. Workers share it.
type agenda struct {
	mu    sync.Mutex
	kinds []string // of the cuts, one a round; guarded by mu
}

// next takes the next round from the agenda. ok is false if none is left.
func (a *agenda) next() (kind string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kinds) == 0 {
		return "", false
	}
	kind, a.kinds = a.kinds[0], a.kinds[1:]
	return kind, true
}

// clusterCuts cuts the power of clusters as often as the floors ask for. Each cluster is
// also cut once while it is founded.
func clusterCuts(ctx context.Context, r *layer.Run) error {
	binary, err := r.Changed(ctx, "many-snapshots", manySnapshots()...)
	if err != nil {
		return err
	}
	todo := &agenda{}
	for _, kind := range []string{kindAll, kindOne, kindTwo, kindSnapshot} {
		todo.kinds = append(todo.kinds, slices.Repeat([]string{kind}, r.Floor(kind))...)
	}
	dice := r.Rand("agenda")
	dice.Shuffle(len(todo.kinds), func(i, k int) { todo.kinds[i], todo.kinds[k] = todo.kinds[k], todo.kinds[i] })
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, clusterWorkers)
	var workers sync.WaitGroup
	for w := range clusterWorkers {
		workers.Go(func() { // ends when the agenda is empty and the floor of founding is reached
			for n := 0; ctx.Err() == nil; n++ {
				todo.mu.Lock()
				left := len(todo.kinds)
				todo.mu.Unlock()
				if left == 0 && r.Made()[kindFounding] >= r.Floor(kindFounding) {
					return
				}
				t := &trial{run: r, name: fmt.Sprintf("cluster-%d-%d", w, n), dice: r.Rand(fmt.Sprint("cluster ", w, n)), binary: binary}
				if errs[w] = t.live(ctx, todo); errs[w] != nil {
					stop()
					return
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// trial is one cluster, whose power is cut many times.
type trial struct {
	*rig.Cluster // set by live
	run          *layer.Run
	name         string
	binary       string
	dice         *rand.Rand
	loads        []*rig.Load // of all rounds so far
}

// live starts the cluster, cuts its power while it is founded and in rounds from the
// agenda, and stops it. At the end it looks once more for what all rounds acknowledged.
func (t *trial) live(ctx context.Context, todo *agenda) (err error) {
	dir := filepath.Join(t.run.Dir, t.name)
	t.Cluster, err = rig.Start(ctx, rig.Options{
		Dir: dir, Binary: t.binary, Mebibytes: diskMebibytes,
		Args: func(int) []string { return []string{"--snapshot-every", "20"} },
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.KeepLogs(filepath.Join(t.run.Dir, "logs-"+t.name))
		}
		for _, l := range t.loads {
			l.End()
		}
		err = errors.Join(err, t.Stop())
	}()
	ctx, stop := context.WithCancel(ctx) // stop ends the loads, before End waits for them
	defer stop()
	if err := t.founding(ctx); err != nil {
		return err
	}
	for n := range roundsPerCluster {
		kind, ok := todo.next()
		if !ok {
			break
		}
		if err := t.round(ctx, kind, n); err != nil {
			return fmt.Errorf("%s, round %d (%s): %w", t.name, n, kind, err)
		}
	}
	// What earlier rounds acknowledged must still be there.
	for _, l := range t.loads {
		v, err := l.Judge(ctx, t.Dir)
		if err != nil {
			return err
		}
		rig.Report(t.run, v, t.name+", at its end")
	}
	return nil
}

// allNodes returns the positions of all nodes. The caller may change the slice.
func allNodes() []int { return []int{0, 1, 2} }

// founding cuts the power of all nodes while the cluster is founded.
func (t *trial) founding(ctx context.Context) error {
	if err := pause.For(ctx, time.Duration(t.dice.Int64N(int64(foundingTime)))); err != nil {
		return err
	}
	if err := t.cut(ctx, allNodes()); err != nil {
		return fmt.Errorf("%s, while founding: %w", t.name, err)
	}
	t.run.Fault(kindFounding)
	return nil
}

// cut cuts the power of some nodes, restores it, and waits until all nodes are ready. A
// node that does not come back is a violation: a power cut must not damage a store.
func (t *trial) cut(ctx context.Context, victims []int) error {
	if err := t.Cut(victims); err != nil {
		return err
	}
	if err := t.PowerOn(victims); err != nil {
		return err
	}
	start := time.Now()
	if err := t.Ready(ctx); err != nil {
		if ctx.Err() == nil {
			t.run.Violation("O1", "%s does not come back after a cut of %d nodes: %v", t.name, len(victims), err)
		}
		return err
	}
	t.run.Worst("slowest return after a cut, s", time.Since(start).Seconds())
	return nil
}

// round casts ballots, cuts the power meanwhile, and judges what every node has.
func (t *trial) round(ctx context.Context, kind string, n int) error {
	load, err := rig.Begin(ctx, t.Endpoints(), t.dice.Uint64(), rig.LoadOptions{Name: fmt.Sprint("r", n), Duration: loadTime})
	if err != nil {
		return err
	}
	t.loads = append(t.loads, load)
	victims := allNodes()
	switch kind {
	case kindOne:
		victims = []int{t.dice.IntN(3)}
	case kindTwo:
		victims = without(victims, t.dice.IntN(len(victims)))
	}
	if kind == kindSnapshot {
		err = t.awaitSnapshot(ctx)
	} else {
		err = pause.For(ctx, time.Duration(t.dice.Int64N(int64(loadTime))))
	}
	if err != nil {
		return err
	}
	if err := t.cut(ctx, victims); err != nil {
		return err
	}
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, t.Dir)
	if err != nil {
		return err
	}
	rig.Report(t.run, v, fmt.Sprintf("%s, round %d, %s", t.name, n, kind))
	t.run.Acknowledged(v.Acknowledged)
	t.run.Fault(kind)
	return nil
}

// awaitSnapshot waits until some node writes a snapshot.
func (t *trial) awaitSnapshot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	for {
		for _, node := range t.Nodes {
			entries, _ := os.ReadDir(filepath.Join(node.DataDir, "snapshots")) // none before the first
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".tmp") }) {
				return nil
			}
		}
		if err := pause.For(ctx, 200*time.Microsecond); err != nil {
			return fmt.Errorf("no snapshot was begun: %w", err)
		}
	}
}

// without removes the element at a position, in place.
func without(all []int, at int) []int { return slices.Delete(all, at, at+1) }
