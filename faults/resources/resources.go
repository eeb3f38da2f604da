package resources

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"voted/faults/layer"
	"voted/faults/rig"
	"voted/harness/overlay"
	"voted/harness/wire"
	"voted/internal/pause"
)

// The kinds of fault.
const (
	descriptors = "64 file descriptors"
	memory      = "memory limit"
	processor   = "a tenth of a processor"
	idle        = "10,000 idle connections"
	slow        = "slow senders"
)

const (
	// stressTime is how long one node is short of a resource. The load lasts longer, from
	// leadIn before.
	stressTime = 16 * time.Second
	loadTime   = stressTime + 6*time.Second
	leadIn     = 2 * time.Second
	loadRate   = 300
	// resumeBound is the longest time without an acknowledgement that is allowed at the
	// other nodes (O6).
	resumeBound = 15 * time.Second
	// calmTime is how long a node may take to free what it held (O8): longer than it keeps
	// a connection on which nothing arrives.
	calmTime = 40 * time.Second
	// maxMoreGoroutines and maxMoreKiB are how many more a node may have afterwards: for
	// idle connections of honest clients, and for the collector's head-room.
	maxMoreGoroutines = 300
	maxMoreKiB        = 300 << 10
)

// New returns the layer.
func New() *layer.Layer {
	l := &layer.Layer{ID: "L8", Title: "resource limits", Root: true, Run: run}
	for _, k := range []string{descriptors, memory, processor, idle, slow} {
		l.Floors = append(l.Floors, layer.Floor{Kind: k, CI: 1, Long: 60})
	}
	return l
}

// stress makes a node short of a resource. The caller must call undo, which ends that.
type stress func(ctx context.Context, c *rig.Cluster, node int) (undo func() error, err error)

var stresses = []struct {
	kind   string
	leader bool // whether the leader is hit; otherwise a follower
	start  stress
}{
	{descriptors, false, fewDescriptors},
	{memory, false, littleMemory},
	{processor, true, littleProcessor},
	{idle, true, idleConnections},
	{slow, false, slowSenders},
}

func run(ctx context.Context, r *layer.Run) (err error) {
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, "cluster"), Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	for round := 0; ; round++ {
		done := true
		for _, s := range stresses {
			if r.Made()[s.kind] >= r.Floor(s.kind) {
				continue
			}
			done = false
			if err := one(ctx, r, c, round, s.kind, s.leader, s.start); err != nil {
				return fmt.Errorf("%s: %w", s.kind, err)
			}
		}
		if done {
			break
		}
	}
	return control(ctx, r)
}

func one(ctx context.Context, r *layer.Run, c *rig.Cluster, round int, kind string, leader bool, start stress) error {
	lead, err := c.Leader(ctx)
	if err != nil {
		return err
	}
	node := lead
	if !leader {
		node = (lead + 1) % len(c.Nodes)
	}
	victim := c.Nodes[node]
	r.Say("%s, at %s", kind, victim.ID)
	goroutines, resident := rig.Goroutines(ctx, victim, wire.Access{}), rig.ResidentKiB(victim.Pid())
	var others rig.Pulse
	load, err := rig.Begin(ctx, c.Endpoints(), r.Seed+uint64(round), rig.LoadOptions{
		Name: fmt.Sprintf("r%d-%d", round, len(r.Made())), Rate: loadRate, Duration: loadTime,
		Acknowledged: func(n string) {
			if n != victim.ID {
				others.Beat()
			}
		},
	})
	if err != nil {
		return err
	}
	defer load.End()
	if err := pause.For(ctx, leadIn); err != nil {
		return err
	}
	undo, err := start(ctx, c, node)
	if err != nil {
		return err
	}
	err = errors.Join(pause.For(ctx, stressTime), undo())
	switch {
	case errors.Is(err, errServed):
		r.Violation("O8", "%s at %s: %v", kind, victim.ID, err)
	case err != nil:
		return err
	}
	if !victim.Running() {
		r.Count("nodes that ended for lack of a resource", 1)
		if err := victim.Restart(); err != nil {
			return err
		}
	}
	if err := errors.Join(load.Wait(ctx), c.Ready(ctx)); err != nil {
		return err
	}
	r.Worst("longest time without an acknowledgement by the others, ms, "+kind, float64(others.Longest().Milliseconds()))
	if others.Longest() > resumeBound {
		r.Violation("O6", "%s at %s: the others acknowledged nothing for %v", kind, victim.ID, others.Longest())
	}
	calm(ctx, r, c, node, kind, goroutines, resident)
	v, err := load.Judge(ctx, r.Dir)
	if err != nil {
		return err
	}
	rig.Report(r, v, kind)
	r.Acknowledged(v.Acknowledged)
	r.Fault(kind)
	return nil
}

// calm waits until a node has freed what it held, and reports if it does not (O8).
func calm(ctx context.Context, r *layer.Run, c *rig.Cluster, node int, kind string, goroutines, resident int) {
	n := c.Nodes[node]
	now := rig.Goroutines(ctx, n, wire.Access{})
	for deadline := time.Now().Add(calmTime); now > goroutines+maxMoreGoroutines && time.Now().Before(deadline) && ctx.Err() == nil; {
		_ = pause.For(ctx, 200*time.Millisecond) // the loop sees that ctx has ended
		now = rig.Goroutines(ctx, n, wire.Access{})
	}
	if now > goroutines+maxMoreGoroutines {
		r.Violation("O8", "%s: node %s has %d goroutines afterwards, %d before", kind, n.ID, now, goroutines)
	}
	if kib := rig.ResidentKiB(n.Pid()); kib > resident+maxMoreKiB {
		r.Violation("O8", "%s: node %s takes %d KiB afterwards, %d before", kind, n.ID, kib, resident)
	}
}

// control plants a node that waits for slow senders without a limit.
func control(ctx context.Context, r *layer.Run) (err error) {
	binary, err := r.Changed(ctx, "patient", overlay.Edit{
		File: "internal/server/public.go",
		Old:  "ReadHeaderTimeout: headerTimeout, ReadTimeout: transferTimeout + s.opts.RequestTimeout,",
		New:  "",
	}, overlay.Edit{
		File: "internal/server/public.go",
		Old:  "IdleTimeout: idleTimeout,", New: "ReadHeaderTimeout: headerTimeout * 1000,",
	})
	if err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Dir: filepath.Join(r.Dir, "control"), Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	undo, err := slowSenders(ctx, c, 0)
	if err != nil {
		return err
	}
	if err := pause.For(ctx, stressTime); err != nil {
		return errors.Join(err, undo())
	}
	left := undo()
	r.Control("a node waits for slow senders as long as they like", errors.Is(left, errServed), fmt.Sprint(left))
	return nil
}
