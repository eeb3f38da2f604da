package diskerror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"voted/faults/layer"
	"voted/faults/rig"
	"voted/harness/ledger"
	"voted/internal/localcluster"
	"voted/internal/pause"
)

const (
	diskMebibytes = 64
	// resumeTime is the longest time without an acknowledgement that is allowed (O6).
	resumeTime = 10 * time.Second
	// endTime is how long a node may take to end by itself after the load.
	endTime = 15 * time.Second
	rate    = 150 // ballots a second
	// askPause is the time between two questions to a node whether it is short of space.
	askPause = 100 * time.Millisecond
	// calmTime is how long ballots are cast before the fault.
	calmTime = 300 * time.Millisecond
)

// trial is one cluster, whose disks get faults in turn.
type trial struct {
	*rig.Cluster
	run   *layer.Run
	dice  *rand.Rand
	loads []*rig.Load // of all rounds so far
}

// newTrial starts a cluster and waits until it is ready. The caller must call end.
func newTrial(ctx context.Context, r *layer.Run, name, binary string) (*trial, error) {
	c, err := rig.Start(ctx, rig.Options{
		Dir: filepath.Join(r.Dir, name), Binary: binary, Mebibytes: diskMebibytes, StallLimit: 2 * time.Second,
		Args: func(int) []string { return []string{"--snapshot-every", "100"} },
	})
	if err != nil {
		return nil, err
	}
	t := &trial{Cluster: c, run: r, dice: r.Rand(name)}
	if err := c.Ready(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return t, nil
}

// end waits for the loads and stops the cluster. The caller must end their context first.
func (t *trial) end() error {
	for _, l := range t.loads {
		l.End()
	}
	return t.Stop()
}

// finding is an oracle that was contradicted, and by what.
type finding struct{ oracle, what string }

// findings are those of one round.
type findings []finding

func (f *findings) add(oracle, format string, args ...any) {
	*f = append(*f, finding{oracle, fmt.Sprintf(format, args...)})
}

// String returns all findings in one line.
func (f findings) String() string {
	var all []string
	for _, x := range f {
		all = append(all, x.oracle+": "+x.what)
	}
	return strings.Join(all, "; ")
}

// round makes a fault at the disk of the leader, or of a follower, while ballots are cast,
// and undoes it. It returns what contradicts the oracles, and the ledger's verdict. v is
// nil after an error, and also if the node did not come back, which is then a finding.
func (t *trial) round(ctx context.Context, f *fault, leader bool, name string) (found findings, v *ledger.Verdict, err error) {
	victim, err := t.Leader(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !leader {
		victim = (victim + 1 + t.dice.IntN(2)) % 3
	}
	node, disk := t.Nodes[victim], t.Disks[victim]
	pulse := &rig.Pulse{}
	load, err := rig.Begin(ctx, t.Endpoints(), t.dice.Uint64(), rig.LoadOptions{
		Name: name, Rate: rate, Duration: calmTime + f.load, Polls: 2, Acknowledged: func(string) { pulse.Beat() },
	})
	if err != nil {
		return nil, nil, err
	}
	t.loads = append(t.loads, load)
	if err := pause.For(ctx, calmTime); err != nil {
		return nil, nil, err
	}
	pulse.Watch()
	undo, err := f.begin(ctx, node, disk, t.dice)
	if err != nil {
		return nil, nil, fmt.Errorf("the fault cannot be made at the disk of %s: %w", node.ID, err)
	}
	undone := false
	undoOnce := func() error {
		if undone {
			return nil
		}
		undone = true
		return undo()
	}
	defer func() { err = errors.Join(err, undoOnce()) }()
	if err := pause.For(ctx, f.load); err != nil {
		return nil, nil, err
	}
	if p := pulse.Pause(); p > resumeTime {
		found.add("O6", "no ballot was acknowledged for %v", p.Round(time.Millisecond))
	} else if leader && !f.mustRun {
		t.run.Worst("longest pause, "+f.name+" under the leader, s", p.Seconds())
	}
	t.checkNode(ctx, f, victim, undoOnce, &found)
	if err := undoOnce(); err != nil {
		return found, nil, err
	}
	if err := t.bringBack(ctx, f, victim); err != nil {
		found.add("O6", "%s does not come back after the fault is undone: %v", node.ID, err)
		return found, nil, ctx.Err()
	}
	if err := load.Wait(ctx); err != nil {
		return found, nil, err
	}
	v, err = load.Judge(ctx, t.Dir)
	return found, v, err
}

// checkNode adds a finding if the node does not do what it must under the fault. It waits
// until a node that must end has ended, and undoes a fault that keeps it from that.
func (t *trial) checkNode(ctx context.Context, f *fault, victim int, undo func() error, found *findings) {
	node := t.Nodes[victim]
	if f.mustRun {
		if !node.Running() {
			found.add("O6", "%s ended, though its disk was only slow: %s", node.ID, node.LogTail())
		}
		return
	}
	if f.hangs {
		// A process cannot end while one of its system calls hangs.
		if err := undo(); err != nil {
			found.add("O6", "%v", err)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	if f.mayRun && reportsLowSpace(ctx, node) {
		return
	}
	select {
	case <-node.Exited():
		if log := node.LogTail(); !strings.Contains(log, node.DataDir) {
			found.add("O7", "%s ended without naming %s: %s", node.ID, node.DataDir, log)
		}
	case <-ctx.Done():
		found.add("O7", "%s does not end by itself", node.ID)
	}
}

// reportsLowSpace waits until the node reports that it is short of space. It returns false
// if the node or ctx ends first.
func reportsLowSpace(ctx context.Context, node *localcluster.Node) bool {
	for node.Running() && ctx.Err() == nil {
		var status struct {
			Findings []struct{ Kind, Member string }
		}
		err := node.Get(ctx, "/v1/cluster", &status)
		for _, f := range status.Findings {
			if err == nil && f.Kind == "disk_low" && f.Member == node.ID {
				return true
			}
		}
		select {
		case <-node.Exited():
		case <-time.After(askPause):
		case <-ctx.Done():
		}
	}
	return false
}

// bringBack starts the node again if it has ended, and waits until all nodes are ready.
func (t *trial) bringBack(ctx context.Context, f *fault, victim int) error {
	node := t.Nodes[victim]
	if f.remount {
		t.Kill(victim) // it has ended, or there is a finding that it has not
		if err := t.Disks[victim].PowerOn(); err != nil {
			return err
		}
	}
	if !node.Running() {
		t.run.Count("nodes that ended, "+f.name, 1)
		if err := node.Restart(); err != nil {
			return err
		}
	}
	return t.Ready(ctx)
}
