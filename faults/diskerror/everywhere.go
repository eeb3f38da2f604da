package diskerror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"voted/faults/rig"
)

// kindEverywhere is a full disk under each node at once: nobody can acknowledge
// anything, and everybody must again once there is space.
const kindEverywhere = "full disks under all nodes"

// fullLoad is long enough for every node to need space that is not there.
const fullLoad = 3 * time.Second

// everywhere fills all disks while ballots are cast, frees them, starts whoever ended,
// and expects everything acknowledged to be there and the service to go on.
func (w *ward) everywhere(ctx context.Context, name string) (err error) {
	load, err := rig.Begin(ctx, w.Endpoints(), w.dice.Uint64(), rig.LoadOptions{Name: name, Rate: rate, Duration: fullLoad, Polls: 2})
	if err != nil {
		return err
	}
	w.loads = append(w.loads, load)
	if err := pause(ctx, calmTime); err != nil {
		return err
	}
	var frees []func() error
	for _, disk := range w.Disks {
		free, err := disk.Fill(0)
		if err != nil {
			return err
		}
		frees = append(frees, free)
	}
	if err := pause(ctx, fullLoad-calmTime); err != nil {
		return err
	}
	for _, free := range frees {
		err = errors.Join(err, free())
	}
	if err != nil {
		return err
	}
	freed := time.Now()
	for _, n := range w.Nodes {
		if n.Running() {
			continue
		}
		w.r.Count("nodes that ended on a full disk", 1)
		if err := n.Restart(); err != nil {
			return err
		}
	}
	if err := w.Ready(ctx); err != nil {
		w.r.Violation("O6", "the cluster does not come back once there is space on all disks: %v", err)
		return err
	}
	w.r.Worst("slowest return once there is space on all disks, s", time.Since(freed).Seconds())
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, w.Dir)
	if err != nil {
		return fmt.Errorf("after all disks were full: %w", err)
	}
	rig.Report(w.r, v, name+", "+kindEverywhere)
	w.r.Acknowledged(v.Acknowledged)
	w.r.Fault(kindEverywhere)
	return nil
}
