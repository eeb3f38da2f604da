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
	"voted/internal/localcluster"
	"voted/loadtest/ledger"
)

const (
	diskMebibytes = 64
	// resumeTime is within what ballots must be acknowledged again.
	resumeTime = 10 * time.Second
	// endTime is how long a node may take to end by itself after the load.
	endTime = 15 * time.Second
	rate    = 150
	// askPause is between two looks at what a node says.
	askPause = 100 * time.Millisecond
	// calmTime is how long the load lasts before the disk becomes ill.
	calmTime = 300 * time.Millisecond
)

// ward is a cluster whose disks become ill.
type ward struct {
	*rig.Cluster
	r     *layer.Run
	dice  *rand.Rand
	loads []*rig.Load
}

func newWard(ctx context.Context, r *layer.Run, name, binary string) (*ward, error) {
	c, err := rig.Start(ctx, rig.Options{
		Dir: filepath.Join(r.Dir, name), Binary: binary, Mebibytes: diskMebibytes, StallLimit: 2 * time.Second,
		Args: func(int) []string { return []string{"--snapshot-every", "100"} },
	})
	if err != nil {
		return nil, err
	}
	w := &ward{Cluster: c, r: r, dice: r.Rand(name)}
	if err := c.Ready(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return w, nil
}

// end ends everything; loads end with their context, which the caller has ended.
func (w *ward) end() error {
	for _, l := range w.loads {
		l.End()
	}
	return w.Stop()
}

// finding is an oracle that was contradicted.
type finding struct{ oracle, what string }

// findings of one round.
type findings []finding

func (f *findings) add(oracle, format string, args ...any) {
	*f = append(*f, finding{oracle, fmt.Sprintf(format, args...)})
}

// String joins what was found.
func (f findings) String() string {
	var all []string
	for _, x := range f {
		all = append(all, x.oracle+": "+x.what)
	}
	return strings.Join(all, "; ")
}

// round makes the disk of the leader, or of a follower, ill while ballots are cast. It
// returns what contradicts the oracles, and the ledger's verdict. verdict is nil where
// the cluster could not be brought back, which is then among the findings.
func (w *ward) round(ctx context.Context, a *ailment, leader bool, name string) (found findings, v *ledger.Verdict, err error) {
	who, err := w.Leader(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !leader {
		who = (who + 1 + w.dice.IntN(2)) % 3
	}
	node, disk := w.Nodes[who], w.Disks[who]
	beat := &pulse{}
	load, err := rig.Begin(ctx, w.Endpoints(), w.dice.Uint64(), rig.LoadOptions{
		Name: name, Rate: rate, Duration: calmTime + a.load, Polls: 2, Acknowledged: func(string) { beat.beat() },
	})
	if err != nil {
		return nil, nil, err
	}
	w.loads = append(w.loads, load)
	if err := pause(ctx, calmTime); err != nil {
		return nil, nil, err
	}
	beat.watch()
	well, err := a.begin(ctx, node, disk, w.dice)
	if err != nil {
		return nil, nil, fmt.Errorf("the disk of %s cannot be made ill: %w", node.ID, err)
	}
	healed := false
	heal := func() error {
		if healed {
			return nil
		}
		healed = true
		return well()
	}
	defer func() { err = errors.Join(err, heal()) }()
	if err := pause(ctx, a.load); err != nil {
		return nil, nil, err
	}
	if p := beat.pause(); p > resumeTime {
		found.add("O6", "no ballot was acknowledged for %v", p.Round(time.Millisecond))
	} else if leader && !a.lives {
		w.r.Worst("longest pause, "+a.name+" under the leader, s", p.Seconds())
	}
	w.expect(ctx, a, who, heal, &found)
	if err := heal(); err != nil {
		return found, nil, err
	}
	if err := w.revive(ctx, a, who); err != nil {
		found.add("O6", "%s does not come back once its disk is well: %v", node.ID, err)
		return found, nil, ctx.Err()
	}
	if err := load.Wait(ctx); err != nil {
		return found, nil, err
	}
	v, err = load.Judge(ctx, w.Dir)
	return found, v, err
}

// expect holds what the node did against what it should do.
func (w *ward) expect(ctx context.Context, a *ailment, who int, heal func() error, found *findings) {
	node := w.Nodes[who]
	if a.lives {
		if !node.Running() {
			found.add("O6", "%s ended, though its disk was only slow: %s", node.ID, node.LogTail())
		}
		return
	}
	if a.hangs {
		// A process cannot end while the kernel holds it; it must have let go before.
		if err := heal(); err != nil {
			found.add("O6", "%v", err)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	if a.mayLive && saysLow(ctx, node) {
		return
	}
	select {
	case <-node.Exited():
		if said := node.LogTail(); !strings.Contains(said, node.DataDir) {
			found.add("O7", "%s ended without naming %s: %s", node.ID, node.DataDir, said)
		}
	case <-ctx.Done():
		found.add("O7", "%s runs on", node.ID)
	}
}

// saysLow waits until the node says that it is short of space, false where it ends or
// does not say so.
func saysLow(ctx context.Context, node *localcluster.Node) bool {
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

// revive starts the node again, if it ended, and waits until the cluster is whole.
func (w *ward) revive(ctx context.Context, a *ailment, who int) error {
	node := w.Nodes[who]
	if a.remount {
		w.Kill(who) // where it did not end by itself, which was found
		if err := w.Disks[who].PowerOn(); err != nil {
			return err
		}
	}
	if !node.Running() {
		w.r.Count("nodes that ended, "+a.name, 1)
		if err := node.Restart(); err != nil {
			return err
		}
	}
	return w.Ready(ctx)
}

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
