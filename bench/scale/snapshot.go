package scale

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"voted/bench/closedloop"
	"voted/bench/machine"
	"voted/internal/localcluster"
)

const (
	// snapshotDir is where a node writes its snapshots, each in a directory that
	// ends in unfinished until it is complete.
	snapshotDir = "snapshots"
	unfinished  = ".tmp"
)

// watcher looks for snapshots that are being written in the nodes' directories. That costs
// the nodes nothing; asking them for metrics all the time would.
type watcher struct {
	nodes []*localcluster.Node

	mu    sync.Mutex
	seen  []closedloop.Interval // snapshots that are complete; guarded by mu
	under map[string]time.Time  // directories being written, since when; guarded by mu
}

// watchSnapshots watches nodes until stop is called, which the caller must do.
func watchSnapshots(ctx context.Context, nodes []*localcluster.Node) (w *watcher, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	w = &watcher{nodes: nodes, under: map[string]time.Time{}}
	var done sync.WaitGroup
	done.Go(func() { w.watch(ctx) }) // ends with stop
	return w, func() {
		cancel()
		done.Wait()
	}
}

// watch looks until ctx ends.
func (w *watcher) watch(ctx context.Context) {
	for look := time.NewTicker(watchEvery); ; {
		select {
		case <-ctx.Done():
			look.Stop()
			return
		case now := <-look.C:
			w.look(now)
		}
	}
}

func (w *watcher) look(now time.Time) {
	there := underWay(w.nodes)
	w.mu.Lock()
	defer w.mu.Unlock()
	for path := range there {
		if _, known := w.under[path]; !known {
			w.under[path] = now
		}
	}
	for path, since := range w.under {
		if !there[path] {
			w.seen = append(w.seen, closedloop.Interval{From: since, To: now})
			delete(w.under, path)
		}
	}
}

// underWay returns the directories of snapshots that are being written.
func underWay(nodes []*localcluster.Node) map[string]bool {
	there := map[string]bool{}
	for _, n := range nodes {
		dir := filepath.Join(n.DataDir, snapshotDir)
		entries, _ := os.ReadDir(dir) // none yet
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); strings.HasSuffix(path, unfinished) {
				there[path] = true
			}
		}
	}
	return there
}

// intervals returns when snapshots were written: complete ones, and all, in which those under
// way end now.
func (w *watcher) intervals() (complete, all []closedloop.Interval) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all = slices.Clone(w.seen)
	for _, since := range w.under {
		all = append(all, closedloop.Interval{From: since, To: time.Now()})
	}
	return slices.Clone(w.seen), all
}

// snapshots starts the nodes again so that they make snapshots often, casts single
// ballots until some were made, and starts the nodes again as they were.
func (r *rig) snapshots(ctx context.Context, poll string, polls uint64) error {
	s := &r.report.Snapshot
	s.DiskBefore = largest(r.sizes(), disk)
	every := []string{"--snapshot-every", strconv.FormatUint(r.options.SnapshotEvery, 10)}
	if err := r.restartAll(ctx, "SIGTERM", every...); err != nil {
		return err
	}
	w, stop := watchSnapshots(ctx, r.cluster.Nodes)
	defer stop()
	var loads []closedloop.Result
	for deadline := time.Now().Add(snapshotTimeout); time.Now().Before(deadline); {
		result, err := r.singles(ctx, poll, polls, r.length())
		if err != nil {
			return err
		}
		loads = append(loads, result)
		if complete, _ := w.intervals(); len(complete) >= nodes {
			break
		}
	}
	complete, all := w.intervals()
	r.report.Snapshot.conclude(closedloop.Join(loads...), complete, all)
	s.DiskAfter, s.Bytes = largest(r.sizes(), disk), newestSnapshot(r.cluster.Nodes[0])
	if s.Seen == 0 {
		return fmt.Errorf("no snapshot was made within %s; give a smaller --snapshot-every", snapshotTimeout)
	}
	r.options.Say("snapshots: %d, median %.2f s, %s; p99 %.1f ms while one is written, %.1f ms otherwise",
		s.Seen, s.Median, bytesText(s.Bytes), s.During.P99, s.Without.P99)
	return r.restartAll(ctx, "SIGTERM")
}

// conclude splits the requests by whether a snapshot was being written.
func (s *Snapshots) conclude(load closedloop.Result, complete, all []closedloop.Interval) {
	var seconds []float64
	for _, c := range complete {
		seconds = append(seconds, c.To.Sub(c.From).Seconds())
	}
	slices.Sort(seconds)
	if s.Seen = len(seconds); s.Seen > 0 {
		s.Median, s.Max = seconds[len(seconds)/2], seconds[len(seconds)-1]
	}
	during, without, duringN, withoutN := load.QuantileSplit(0.99, all)
	s.During, s.Without = Latency{duringN, millis(during)}, Latency{withoutN, millis(without)}
	s.P99Ratio = ratio(s.During.P99, s.Without.P99)
}

// newestSnapshot returns the size of the last complete snapshot of a node.
func newestSnapshot(n *localcluster.Node) uint64 {
	dir := filepath.Join(n.DataDir, snapshotDir)
	entries, _ := os.ReadDir(dir) // none: 0 bytes
	var newest string
	var at time.Time
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !strings.HasSuffix(e.Name(), unfinished) && info.ModTime().After(at) {
			newest, at = filepath.Join(dir, e.Name()), info.ModTime()
		}
	}
	if newest == "" {
		return 0
	}
	return machine.DiskBytes(newest)
}
