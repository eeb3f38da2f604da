package diskerror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"voted/faults/rig"
	"voted/internal/pause"
)

// kindAllFull is a full disk under each node at once: then no node can acknowledge
// anything, and all nodes must acknowledge again once there is space.
const kindAllFull = "full disks under all nodes"

// fullLoad is long enough that every node needs more space than it has.
const fullLoad = 3 * time.Second

// allFull fills all disks while ballots are cast, frees them, and starts each node that
// has ended. Everything that was acknowledged must then be there, and the service must go
// on.
func (t *trial) allFull(ctx context.Context, name string) (err error) {
	load, err := rig.Begin(ctx, t.Endpoints(), t.dice.Uint64(), rig.LoadOptions{Name: name, Rate: rate, Duration: fullLoad, Polls: 2})
	if err != nil {
		return err
	}
	t.loads = append(t.loads, load)
	if err := pause.For(ctx, calmTime); err != nil {
		return err
	}
	var frees []func() error
	for _, disk := range t.Disks {
		free, err := disk.Fill(0)
		if err != nil {
			return err
		}
		frees = append(frees, free)
	}
	if err := pause.For(ctx, fullLoad-calmTime); err != nil {
		return err
	}
	for _, free := range frees {
		err = errors.Join(err, free())
	}
	if err != nil {
		return err
	}
	freed := time.Now()
	for _, n := range t.Nodes {
		if n.Running() {
			continue
		}
		t.run.Count("nodes that ended on a full disk", 1)
		if err := n.Restart(); err != nil {
			return err
		}
	}
	if err := t.Ready(ctx); err != nil {
		t.run.Violation("O6", "the cluster does not come back once there is space on all disks: %v", err)
		return err
	}
	t.run.Worst("slowest return once there is space on all disks, s", time.Since(freed).Seconds())
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, t.Dir)
	if err != nil {
		return fmt.Errorf("after all disks were full: %w", err)
	}
	rig.Report(t.run, v, name+", "+kindAllFull)
	t.run.Acknowledged(v.Acknowledged)
	t.run.Fault(kindAllFull)
	return nil
}
