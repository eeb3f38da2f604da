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
	"voted/loadtest/overlay"
)

const (
	workers = 2
	// roundsPerCluster is how many illnesses one cluster lives through.
	roundsPerCluster = 13
)

// New returns the layer.
func New() *layer.Layer {
	l := &layer.Layer{
		ID: "L6", Title: "disk errors", Root: true, Tools: []string{"mkfs.ext4", "mount", "strace", "go"}, Run: run,
	}
	for i := range ailments {
		for _, leader := range []bool{true, false} {
			l.Floors = append(l.Floors, layer.Floor{Kind: kind(&ailments[i], leader), CI: 5, Long: 20})
		}
	}
	l.Floors = append(l.Floors, layer.Floor{Kind: kindEverywhere, CI: 2, Long: 20})
	return l
}

func kind(a *ailment, leader bool) string {
	if leader {
		return a.name + " under the leader"
	}
	return a.name + " under a follower"
}

// turn is one round to be made; no ailment: all disks are full.
type turn struct {
	ailment *ailment
	leader  bool
}

func run(ctx context.Context, r *layer.Run) (err error) {
	defer func() { err = errors.Join(err, loopfs.Sweep(r.Dir)) }()
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	var turns []turn
	for n, more := 0, true; more; n++ {
		more = false
		for i := range ailments {
			for _, leader := range []bool{true, false} {
				if n < r.Floor(kind(&ailments[i], leader)) {
					turns = append(turns, turn{&ailments[i], leader})
					more = true
				}
			}
		}
	}
	for range r.Floor(kindEverywhere) {
		turns = append(turns, turn{})
	}
	r.Say("%d times a disk becomes ill", len(turns))
	if err := treat(ctx, r, binary, turns); err != nil {
		return err
	}
	return controls(ctx, r)
}

// treat makes the rounds, some clusters at a time.
func treat(ctx context.Context, r *layer.Run, binary string, turns []turn) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wards := make(chan []turn)
	errs := make([]error, workers)
	var all sync.WaitGroup
	number := make(chan int, len(turns)) // names of clusters
	for n := range len(turns) {
		number <- n
	}
	for k := range workers {
		all.Go(func() { // ends with wards
			for some := range wards {
				if errs[k] = oneWard(ctx, r, fmt.Sprint("ward-", <-number), binary, some); errs[k] != nil {
					stop()
					return
				}
			}
		})
	}
loop:
	for len(turns) > 0 {
		n := min(roundsPerCluster, len(turns))
		select {
		case wards <- turns[:n]:
			turns = turns[n:]
		case <-ctx.Done():
			break loop
		}
	}
	close(wards)
	all.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// oneWard is the life of one cluster.
func oneWard(ctx context.Context, r *layer.Run, name, binary string, turns []turn) (err error) {
	ctx, stop := context.WithCancel(ctx)
	w, err := newWard(ctx, r, name, binary)
	if err != nil {
		stop()
		return err
	}
	defer func() {
		if err != nil {
			w.KeepLogs(filepath.Join(r.Dir, "logs-"+name))
		}
		stop()
		err = errors.Join(err, w.end())
	}()
	for n, t := range turns {
		if t.ailment == nil {
			if err := w.everywhere(ctx, fmt.Sprint("r", n)); err != nil {
				return fmt.Errorf("%s, round %d, %s: %w", name, n, kindEverywhere, err)
			}
			continue
		}
		what := kind(t.ailment, t.leader)
		found, v, err := w.round(ctx, t.ailment, t.leader, fmt.Sprint("r", n))
		for _, f := range found {
			r.Violation(f.oracle, "%s, round %d, %s: %s", name, n, what, f.what)
		}
		if err != nil {
			return fmt.Errorf("%s, round %d, %s: %w", name, n, what, err)
		}
		if v == nil {
			return fmt.Errorf("%s ends here: the cluster did not come back", name)
		}
		rig.Report(r, v, fmt.Sprintf("%s, round %d, %s", name, n, what))
		r.Acknowledged(v.Acknowledged)
		r.Fault(what)
	}
	for _, l := range w.loads {
		v, err := l.Judge(ctx, w.Dir)
		if err != nil {
			return err
		}
		rig.Report(r, v, name+", at its end")
	}
	return nil
}

// controls are worse products, which must be found out.
func controls(ctx context.Context, r *layer.Run) error {
	for _, c := range []struct {
		name    string
		ailment *ailment
		edit    overlay.Edit
	}{
		{"a store that goes on after an error", &ailments[0], overlay.Edit{
			File: "internal/cluster/storage/fault.go", Old: "return g.faults.raise(g.sentence(op, err))", New: "return err",
		}},
		{"a store that waits for its disk for ever", &ailment{
			name: ailments[4].name, begin: hanging, hangs: true, load: resumeTime + calmTime,
		}, overlay.Edit{
			File: "internal/cluster/storage/storage.go", Old: "return o.StallLimit\n", New: "return 10 * time.Minute\n",
		}},
	} {
		binary, err := r.Changed(ctx, "control-"+c.ailment.name, c.edit)
		if err != nil {
			return err
		}
		found, err := control(ctx, r, binary, c.ailment)
		if err != nil {
			return fmt.Errorf("negative control, %s: %w", c.name, err)
		}
		r.Control(c.name, len(found) > 0, found.String())
	}
	return nil
}

// control makes one round under the leader; an error after something was found is
// part of it.
func control(ctx context.Context, r *layer.Run, binary string, a *ailment) (findings, error) {
	ctx, stop := context.WithCancel(ctx)
	w, err := newWard(ctx, r, "control", binary)
	if err != nil {
		stop()
		return nil, err
	}
	found, _, err := w.round(ctx, a, true, "r0")
	stop()
	if len(found) > 0 {
		err = nil
	}
	return found, errors.Join(err, w.end())
}
