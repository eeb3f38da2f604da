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
	"voted/loadtest/overlay"
)

const (
	diskMebibytes = 96
	// roundsPerCluster is how many cuts one cluster lives through.
	roundsPerCluster = 9
	clusterWorkers   = 2
	loadTime         = 900 * time.Millisecond
	// foundingTime is within what a cluster needs until it is founded.
	foundingTime = 1200 * time.Millisecond
	// snapshotTime bounds the wait for a snapshot to begin.
	snapshotTime = 10 * time.Second
)

// restless is the product with snapshots all the time, and little log kept behind
// them, so that a short run has many.
func restless() []overlay.Edit {
	const file = "internal/cluster/options.go"
	return []overlay.Edit{
		{File: file, Old: "snapshotInterval = 2 * time.Second", New: "snapshotInterval = 150 * time.Millisecond"},
		{File: file, Old: "defaultTrailingLogs = 4096", New: "defaultTrailingLogs = 64"},
	}
}

// agenda is what is still to be done; workers take from it.
type agenda struct {
	mu    sync.Mutex
	kinds []string
}

// next takes a round.
func (a *agenda) next() (kind string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kinds) == 0 {
		return "", false
	}
	kind, a.kinds = a.kinds[0], a.kinds[1:]
	return kind, true
}

func clusterCuts(ctx context.Context, r *layer.Run) error {
	binary, err := r.Changed(ctx, "restless", restless()...)
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
		workers.Go(func() { // ends with the agenda
			for n := 0; ctx.Err() == nil; n++ {
				todo.mu.Lock()
				left := len(todo.kinds)
				todo.mu.Unlock()
				if left == 0 && r.Made()[kindFounding] >= r.Floor(kindFounding) {
					return
				}
				s := &session{r: r, name: fmt.Sprintf("cluster-%d-%d", w, n), dice: r.Rand(fmt.Sprint("cluster ", w, n)), binary: binary}
				if errs[w] = s.run(ctx, todo); errs[w] != nil {
					stop()
					return
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// session is the life of one cluster.
type session struct {
	r      *layer.Run
	name   string
	binary string
	dice   *rand.Rand
	*rig.Cluster
	loads []*rig.Load
}

func (s *session) run(ctx context.Context, todo *agenda) (err error) {
	dir := filepath.Join(s.r.Dir, s.name)
	s.Cluster, err = rig.Start(ctx, rig.Options{
		Dir: dir, Binary: s.binary, Mebibytes: diskMebibytes,
		Args: func(int) []string { return []string{"--snapshot-every", "20"} },
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.KeepLogs(filepath.Join(s.r.Dir, "logs-"+s.name))
		}
		for _, l := range s.loads {
			l.End()
		}
		err = errors.Join(err, s.Stop())
	}()
	ctx, stop := context.WithCancel(ctx) // ends loads before they are waited for
	defer stop()
	if err := s.founding(ctx); err != nil {
		return err
	}
	for n := range roundsPerCluster {
		kind, ok := todo.next()
		if !ok {
			break
		}
		if err := s.round(ctx, kind, n); err != nil {
			return fmt.Errorf("%s, round %d (%s): %w", s.name, n, kind, err)
		}
	}
	// What earlier rounds acknowledged is still there.
	for _, l := range s.loads {
		v, err := l.Judge(ctx, s.Dir)
		if err != nil {
			return err
		}
		rig.Report(s.r, v, s.name+", at its end")
	}
	return nil
}

// everybody is all nodes.
func (s *session) everybody() []int { return []int{0, 1, 2} }

// founding cuts everybody's power while the cluster comes into being.
func (s *session) founding(ctx context.Context) error {
	if err := pause(ctx, time.Duration(s.dice.Int64N(int64(foundingTime)))); err != nil {
		return err
	}
	if err := s.cut(ctx, s.everybody()); err != nil {
		return fmt.Errorf("%s, while founding: %w", s.name, err)
	}
	s.r.Fault(kindFounding)
	return nil
}

// cut cuts and restores power, and waits until the cluster is whole again. A node
// that does not come back is a violation: its store says that it is damaged.
func (s *session) cut(ctx context.Context, victims []int) error {
	if err := s.Cut(victims); err != nil {
		return err
	}
	if err := s.PowerOn(victims); err != nil {
		return err
	}
	start := time.Now()
	if err := s.Ready(ctx); err != nil {
		if ctx.Err() == nil {
			s.r.Violation("O1", "%s does not come back after a cut of %d nodes: %v", s.name, len(victims), err)
		}
		return err
	}
	s.r.Worst("slowest return after a cut, s", time.Since(start).Seconds())
	return nil
}

// round offers ballots, cuts the power in the middle, and judges.
func (s *session) round(ctx context.Context, kind string, n int) error {
	load, err := rig.Begin(ctx, s.Endpoints(), s.dice.Uint64(), rig.LoadOptions{Name: fmt.Sprint("r", n), Duration: loadTime})
	if err != nil {
		return err
	}
	s.loads = append(s.loads, load)
	victims := s.everybody()
	switch kind {
	case kindOne:
		victims = []int{s.dice.IntN(3)}
	case kindTwo:
		victims = without(victims, s.dice.IntN(len(victims)))
	}
	if kind == kindSnapshot {
		err = s.awaitSnapshot(ctx)
	} else {
		err = pause(ctx, time.Duration(s.dice.Int64N(int64(loadTime))))
	}
	if err != nil {
		return err
	}
	if err := s.cut(ctx, victims); err != nil {
		return err
	}
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, s.Dir)
	if err != nil {
		return err
	}
	rig.Report(s.r, v, fmt.Sprintf("%s, round %d, %s", s.name, n, kind))
	s.r.Acknowledged(v.Acknowledged)
	s.r.Fault(kind)
	return nil
}

// awaitSnapshot waits until some node writes a snapshot.
func (s *session) awaitSnapshot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	for {
		for _, node := range s.Nodes {
			entries, _ := os.ReadDir(filepath.Join(node.DataDir, "snapshots")) // none before the first
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".tmp") }) {
				return nil
			}
		}
		if err := pause(ctx, 200*time.Microsecond); err != nil {
			return fmt.Errorf("no snapshot was begun: %w", err)
		}
	}
}

func without(all []int, at int) []int { return slices.Delete(all, at, at+1) }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
