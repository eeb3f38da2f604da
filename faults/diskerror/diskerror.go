package diskerror

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"voted/faults/layer"
	"voted/faults/loopfs"
	"voted/faults/rig"
	"voted/harness/overlay"
)

const (
	// workers is how many clusters run at the same time.
	workers = 2
	// roundsPerCluster is how many faults one cluster lives through.
	roundsPerCluster = 13
)

// New returns the layer.
func New() *layer.Layer {
	l := &layer.Layer{
		ID: "L6", Title: "disk errors", Root: true, Tools: []string{"mkfs.ext4", "mount", "strace", "go"}, Run: run,
	}
	for i := range faults {
		for _, leader := range []bool{true, false} {
			l.Floors = append(l.Floors, layer.Floor{Kind: kind(&faults[i], leader), CI: 5, Long: 20})
		}
	}
	l.Floors = append(l.Floors, layer.Floor{Kind: kindAllFull, CI: 2, Long: 20})
	return l
}

// kind returns the name of a fault's floor.
func kind(f *fault, leader bool) string {
	if leader {
		return f.name + " under the leader"
	}
	return f.name + " under a follower"
}

// plannedRound is a round that is still to be made. Without a fault it fills all disks.
type plannedRound struct {
	fault  *fault
	leader bool // whether the leader's disk is hit; otherwise a follower's
}

func run(ctx context.Context, r *layer.Run) (err error) {
	defer func() { err = errors.Join(err, loopfs.Sweep(r.Dir)) }()
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	var plan []plannedRound
	for n, more := 0, true; more; n++ {
		more = false
		for i := range faults {
			for _, leader := range []bool{true, false} {
				if n < r.Floor(kind(&faults[i], leader)) {
					plan = append(plan, plannedRound{&faults[i], leader})
					more = true
				}
			}
		}
	}
	for range r.Floor(kindAllFull) {
		plan = append(plan, plannedRound{})
	}
	r.Say("making %d disk faults", len(plan))
	if err := rounds(ctx, r, binary, plan); err != nil {
		return err
	}
	return controls(ctx, r)
}

// rounds makes the rounds of a plan. Each worker starts one cluster after another.
func rounds(ctx context.Context, r *layer.Run, binary string, plan []plannedRound) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []plannedRound) // each for one cluster
	errs := make([]error, workers)
	var all sync.WaitGroup
	numbers := make(chan int, len(plan)) // of clusters
	for n := range len(plan) {
		numbers <- n
	}
	for w := range workers {
		all.Go(func() { // ends with batches
			for batch := range batches {
				// Faults are drawn by this name: under another one, a seed would draw others.
				if errs[w] = oneCluster(ctx, r, fmt.Sprint("ward-", <-numbers), binary, batch); errs[w] != nil {
					stop()
					return
				}
			}
		})
	}
loop:
	for len(plan) > 0 {
		n := min(roundsPerCluster, len(plan))
		select {
		case batches <- plan[:n]:
			plan = plan[n:]
		case <-ctx.Done():
			break loop
		}
	}
	close(batches)
	all.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// oneCluster starts a cluster, makes its rounds and stops it.
func oneCluster(ctx context.Context, r *layer.Run, name, binary string, plan []plannedRound) (err error) {
	ctx, stop := context.WithCancel(ctx)
	t, err := newTrial(ctx, r, name, binary)
	if err != nil {
		stop()
		return err
	}
	defer func() {
		if err != nil {
			t.KeepLogs(filepath.Join(r.Dir, "logs-"+name))
		}
		stop()
		err = errors.Join(err, t.end())
	}()
	for n, next := range plan {
		if next.fault == nil {
			if err := t.allFull(ctx, fmt.Sprint("r", n)); err != nil {
				return fmt.Errorf("%s, round %d, %s: %w", name, n, kindAllFull, err)
			}
			continue
		}
		what := kind(next.fault, next.leader)
		found, v, err := t.round(ctx, next.fault, next.leader, fmt.Sprint("r", n))
		for _, f := range found {
			r.Violation(f.oracle, "%s, round %d, %s: %s", name, n, what, f.what)
		}
		if err != nil {
			return fmt.Errorf("%s, round %d, %s: %w", name, n, what, err)
		}
		if v == nil {
			return fmt.Errorf("%s makes no more rounds, because the cluster did not come back", name)
		}
		rig.Report(r, v, fmt.Sprintf("%s, round %d, %s", name, n, what))
		r.Acknowledged(v.Acknowledged)
		r.Fault(what)
	}
	for _, l := range t.loads {
		v, err := l.Judge(ctx, t.Dir)
		if err != nil {
			return err
		}
		rig.Report(r, v, name+", at its end")
	}
	return nil
}

// controls plants bugs in the store. A round with each must find something.
func controls(ctx context.Context, r *layer.Run) error {
	for _, c := range []struct {
		name  string
		fault *fault
		edit  overlay.Edit
	}{
		{"a store that goes on after an error", &faults[0], overlay.Edit{
			File: "internal/cluster/storage/fault.go", Old: "return g.faults.raise(sentence(g.dir, op, err))", New: "return err",
		}},
		{"a store that waits for its disk forever", &fault{
			name: faults[4].name, begin: hanging, hangs: true, load: resumeTime + calmTime,
		}, overlay.Edit{
			File: "internal/cluster/storage/storage.go", Old: "return o.StallLimit\n", New: "return 10 * time.Minute\n",
		}},
	} {
		binary, err := r.Changed(ctx, "control-"+c.fault.name, c.edit)
		if err != nil {
			return err
		}
		found, err := control(ctx, r, binary, c.fault)
		if err != nil {
			return fmt.Errorf("negative control, %s: %w", c.name, err)
		}
		r.Control(c.name, len(found) > 0, found.String())
	}
	return nil
}

// control makes one round under the leader. An error of a round that found something is
// left out: the planted bug may be its cause.
func control(ctx context.Context, r *layer.Run, binary string, f *fault) (findings, error) {
	ctx, stop := context.WithCancel(ctx)
	t, err := newTrial(ctx, r, "control", binary)
	if err != nil {
		stop()
		return nil, err
	}
	found, _, err := t.round(ctx, f, true, "r0")
	stop()
	if len(found) > 0 {
		err = nil
	}
	return found, errors.Join(err, t.end())
}
